// + - * / over timestamps, dates, times and intervals; age(), justify_…().
#include "engine/functions/datetime_functions.h"
#include "engine/types/interval.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;

// Shorthand for lambdas over fixed-size values that may fail.
template <class T>
Status store(Result<T> value, T& out) {
  if (!value.ok()) return std::move(value).take_status();
  out = *value;
  return Status();
}

Status subtract_span(int64_t us, const IntervalValue& span, int64_t& out) {
  ASSIGN_OR_RETURN(const IntervalValue negative, negate_interval(span));
  return store(add_to_timestamp(us, negative), out);
}

Status timestamp_difference(int64_t a, int64_t b, IntervalValue& out) {
  if (!timestamp_is_finite(a) || !timestamp_is_finite(b))
    return Status(sqlstate::kDatetimeFieldOverflow, "cannot subtract infinite timestamps");
  IntervalValue span;
  if (__builtin_sub_overflow(a, b, &span.microseconds)) return fault::kIntervalRange.status();
  return store(justify_hours(span), out);
}

const Fault* add_days(int32_t date, int64_t days, int32_t& out) {
  if (!date_is_finite(date)) {
    out = date;
    return nullptr;
  }
  const int64_t sum = date + days;
  if (sum < kDateMin || sum >= kDateEnd) return &fault::kDateRange;
  out = static_cast<int32_t>(sum);
  return nullptr;
}

Status date_plus(int32_t date, const IntervalValue& span, int64_t& out) {
  ASSIGN_OR_RETURN(const int64_t us, timestamp_from_date(date));
  return store(add_to_timestamp(us, span), out);
}

Status date_and_time(int32_t date, int64_t time, int64_t& out) {
  ASSIGN_OR_RETURN(out, timestamp_from_date(date));
  if (!timestamp_is_finite(out)) return Status();
  out += time;
  return timestamp_in_range(out) ? Status() : fault::kTimestampRange.status();
}

Status date_and_timetz(int32_t date, const TimetzValue& time, int64_t& out) {
  RETURN_IF_ERROR(date_and_time(date, time.microseconds, out));
  if (!timestamp_is_finite(out)) return Status();
  out += time.zone_seconds_west * kMicrosPerSecond;
  return timestamp_in_range(out) ? Status() : fault::kTimestampRange.status();
}

int64_t add_to_time(int64_t time, int64_t us) { return floor_mod(time + us % kMicrosPerDay, kMicrosPerDay); }

// timestamp_age: the difference in calendar fields, borrowing from the earlier month.
IntervalValue age_of(int64_t a, int64_t b) {
  const bool negative = a < b;
  const DateTimeFields x = fields_from_timestamp(a), y = fields_from_timestamp(b);
  const int sign = negative ? -1 : 1;
  int64_t micros = sign * (x.microsecond - y.microsecond), second = sign * (x.second - y.second),
          minute = sign * (x.minute - y.minute), hour = sign * (x.hour - y.hour),
          day = sign * (x.date.day - y.date.day), month = sign * (x.date.month - y.date.month),
          year = sign * (int64_t{x.date.year} - y.date.year);
  const auto borrow = [](int64_t& low, int64_t& high, int64_t base) {
    for (; low < 0; low += base) --high;
  };
  borrow(micros, second, kMicrosPerSecond);
  borrow(second, minute, 60);
  borrow(minute, hour, 60);
  borrow(hour, day, 24);
  const CivilDate& from = negative ? x.date : y.date;
  borrow(day, month, days_in_month(from.year, from.month));
  borrow(month, year, 12);
  IntervalValue span;
  span.months = static_cast<int32_t>(sign * (year * 12 + month));
  span.days = static_cast<int32_t>(sign * day);
  span.microseconds = sign * (((hour * 60 + minute) * 60 + second) * kMicrosPerSecond + micros);
  return span;
}

Status age(int64_t a, int64_t b, IntervalValue& out) {
  if (!timestamp_is_finite(a) || !timestamp_is_finite(b)) return fault::kTimestampRange.status();
  out = age_of(a, b);
  return Status();
}

int64_t midnight(const CallFrame& frame) {
  const int64_t local = local_from_timestamptz(frame.context.transaction_timestamp_us, session_zone(frame));
  return floor_div(local, kMicrosPerDay) * kMicrosPerDay;
}

void register_timestamps(Builder& b) {
  using I = IntervalValue;
  using F = CallFrame;
  b.builtin("timestamp_pl_interval(timestamp,interval)", row_kernel<int64_t, int64_t, I>([](int64_t t, const I& s, int64_t& o) { return store(add_to_timestamp(t, s), o); }));
  b.builtin("interval_pl_timestamp(interval,timestamp)", row_kernel<int64_t, I, int64_t>([](const I& s, int64_t t, int64_t& o) { return store(add_to_timestamp(t, s), o); }));
  b.builtin("timestamp_mi_interval(timestamp,interval)", row_kernel<int64_t, int64_t, I>([](int64_t t, const I& s, int64_t& o) { return subtract_span(t, s, o); }));
  b.builtin("timestamptz_pl_interval(timestamptz,interval)", row_kernel<int64_t, int64_t, I>([](const F& f, int64_t t, const I& s, int64_t& o) { return store(add_to_timestamptz(t, s, session_zone(f)), o); }));
  b.builtin("interval_pl_timestamptz(interval,timestamptz)", row_kernel<int64_t, I, int64_t>([](const F& f, const I& s, int64_t t, int64_t& o) { return store(add_to_timestamptz(t, s, session_zone(f)), o); }));
  b.builtin("timestamptz_mi_interval(timestamptz,interval)", row_kernel<int64_t, int64_t, I>([](const F& f, int64_t t, const I& s, int64_t& o) -> Status {
              ASSIGN_OR_RETURN(const I negative, negate_interval(s));
              return store(add_to_timestamptz(t, negative, session_zone(f)), o);
            }));
  b.builtins({"timestamp_mi(timestamp,timestamp)", "timestamptz_mi(timestamptz,timestamptz)"},
             row_kernel<I, int64_t, int64_t>([](int64_t x, int64_t y, I& o) { return timestamp_difference(x, y, o); }));
  b.builtin("age(timestamp,timestamp)", row_kernel<I, int64_t, int64_t>([](int64_t x, int64_t y, I& o) { return age(x, y, o); }));
  b.builtin("age(timestamptz,timestamptz)", row_kernel<I, int64_t, int64_t>([](const F& f, int64_t x, int64_t y, I& o) {
              const TimeZone& zone = session_zone(f);
              return age(local_from_timestamptz(x, zone), local_from_timestamptz(y, zone), o);
            }));
  b.builtin("age(timestamp)", row_kernel<I, int64_t>([](const F& f, int64_t x, I& o) { return age(midnight(f), x, o); }));
  b.builtin("age(timestamptz)", row_kernel<I, int64_t>([](const F& f, int64_t x, I& o) { return age(midnight(f), local_from_timestamptz(x, session_zone(f)), o); }));
}

void register_dates(Builder& b) {
  using I = IntervalValue;
  b.builtin("date_pli(date,int4)", row_kernel<int32_t, int32_t, int32_t>([](int32_t d, int32_t n, int32_t& o) { return add_days(d, n, o); }));
  b.builtin("integer_pl_date(int4,date)", row_kernel<int32_t, int32_t, int32_t>([](int32_t n, int32_t d, int32_t& o) { return add_days(d, n, o); }));
  b.builtin("date_mii(date,int4)", row_kernel<int32_t, int32_t, int32_t>([](int32_t d, int32_t n, int32_t& o) { return add_days(d, -int64_t{n}, o); }));
  b.builtin("date_mi(date,date)", row_kernel<int32_t, int32_t, int32_t>([](int32_t x, int32_t y, int32_t& o) -> Status {
              if (!date_is_finite(x) || !date_is_finite(y)) return Status(sqlstate::kDatetimeFieldOverflow, "cannot subtract infinite dates");
              o = x - y;
              return Status();
            }));
  b.builtin("date_pl_interval(date,interval)", row_kernel<int64_t, int32_t, I>([](int32_t d, const I& s, int64_t& o) { return date_plus(d, s, o); }));
  b.builtin("interval_pl_date(interval,date)", row_kernel<int64_t, I, int32_t>([](const I& s, int32_t d, int64_t& o) { return date_plus(d, s, o); }));
  b.builtin("date_mi_interval(date,interval)", row_kernel<int64_t, int32_t, I>([](int32_t d, const I& s, int64_t& o) -> Status {
              ASSIGN_OR_RETURN(const I negative, negate_interval(s));
              return date_plus(d, negative, o);
            }));
  b.builtins({"datetime_pl(date,time)", "timestamp(date,time)"}, row_kernel<int64_t, int32_t, int64_t>([](int32_t d, int64_t t, int64_t& o) { return date_and_time(d, t, o); }));
  b.builtin("timedate_pl(time,date)", row_kernel<int64_t, int64_t, int32_t>([](int64_t t, int32_t d, int64_t& o) { return date_and_time(d, t, o); }));
  b.builtins({"datetimetz_pl(date,timetz)", "timestamptz(date,timetz)"}, row_kernel<int64_t, int32_t, TimetzValue>([](int32_t d, const TimetzValue& t, int64_t& o) { return date_and_timetz(d, t, o); }));
  b.builtin("timetzdate_pl(timetz,date)", row_kernel<int64_t, TimetzValue, int32_t>([](const TimetzValue& t, int32_t d, int64_t& o) { return date_and_timetz(d, t, o); }));
}

void register_times(Builder& b) {
  using I = IntervalValue;
  b.builtin("time_pl_interval(time,interval)", row_kernel<int64_t, int64_t, I>([](int64_t t, const I& s, int64_t& o) { o = add_to_time(t, s.microseconds); }));
  b.builtin("interval_pl_time(interval,time)", row_kernel<int64_t, I, int64_t>([](const I& s, int64_t t, int64_t& o) { o = add_to_time(t, s.microseconds); }));
  b.builtin("time_mi_interval(time,interval)", row_kernel<int64_t, int64_t, I>([](int64_t t, const I& s, int64_t& o) { o = add_to_time(t, -(s.microseconds % kMicrosPerDay)); }));
  b.builtin("time_mi_time(time,time)", row_kernel<I, int64_t, int64_t>([](int64_t x, int64_t y, I& o) { o = I{x - y, 0, 0}; }));
  b.builtin("timetz_pl_interval(timetz,interval)", row_kernel<TimetzValue, TimetzValue, I>([](const TimetzValue& t, const I& s, TimetzValue& o) { o = {add_to_time(t.microseconds, s.microseconds), t.zone_seconds_west}; }));
  b.builtin("interval_pl_timetz(interval,timetz)", row_kernel<TimetzValue, I, TimetzValue>([](const I& s, const TimetzValue& t, TimetzValue& o) { o = {add_to_time(t.microseconds, s.microseconds), t.zone_seconds_west}; }));
  b.builtin("timetz_mi_interval(timetz,interval)", row_kernel<TimetzValue, TimetzValue, I>([](const TimetzValue& t, const I& s, TimetzValue& o) { o = {add_to_time(t.microseconds, -(s.microseconds % kMicrosPerDay)), t.zone_seconds_west}; }));
}

void register_intervals(Builder& b) {
  using I = IntervalValue;
  b.builtin("interval_pl(interval,interval)", row_kernel<I, I, I>([](const I& x, const I& y, I& o) { return store(add_intervals(x, y), o); }));
  b.builtin("interval_mi(interval,interval)", row_kernel<I, I, I>([](const I& x, const I& y, I& o) { return store(subtract_intervals(x, y), o); }));
  b.builtin("interval_um(interval)", row_kernel<I, I>([](const I& x, I& o) { return store(negate_interval(x), o); }));
  b.builtin("interval_mul(interval,float8)", row_kernel<I, I, double>([](const I& x, double f, I& o) { return store(multiply_interval(x, f), o); }));
  b.builtin("mul_d_interval(float8,interval)", row_kernel<I, double, I>([](double f, const I& x, I& o) { return store(multiply_interval(x, f), o); }));
  b.builtin("interval_div(interval,float8)", row_kernel<I, I, double>([](const I& x, double f, I& o) { return store(divide_interval(x, f), o); }));
  b.builtin("justify_hours(interval)", row_kernel<I, I>([](const I& x, I& o) { return store(justify_hours(x), o); }));
  b.builtin("justify_days(interval)", row_kernel<I, I>([](const I& x, I& o) { return store(justify_days(x), o); }));
  b.builtin("justify_interval(interval)", row_kernel<I, I>([](const I& x, I& o) { return store(justify_interval(x), o); }));
}

}  // namespace

void register_datetime_arithmetic(Builder& builder) {
  register_timestamps(builder);
  register_dates(builder);
  register_times(builder);
  register_intervals(builder);
}

}  // namespace eventd::engine
