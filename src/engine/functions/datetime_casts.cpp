// Casts between date/time types, AT TIME ZONE, isfinite, comparisons across types.
#include "engine/functions/datetime_functions.h"
#include "engine/types/datetime.h"
#include "engine/types/interval.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;
using F = CallFrame;

Status checked(int64_t us, int64_t& out) {
  out = us;
  return !timestamp_is_finite(us) || timestamp_in_range(us) ? Status() : fault::kTimestampRange.status();
}

int32_t date_of(int64_t us) {
  if (us == kTimestampInfinity) return kDateInfinity;
  if (us == kTimestampMinusInfinity) return kDateMinusInfinity;
  return static_cast<int32_t>(floor_div(us, kMicrosPerDay));
}

Status date_in_zone(int32_t days, const TimeZone& zone, int64_t& out) {
  ASSIGN_OR_RETURN(const int64_t local, timestamp_from_date(days));
  return checked(timestamptz_from_local(local, zone), out);
}

// The offset an interval names as zone, seconds east.
Result<int64_t> zone_of_interval(const FormatOptions& format, const IntervalValue& v) {
  if (v.months != 0 || v.days != 0) {
    std::string message = "interval time zone \"";
    append_interval(format.interval_style, v, message);
    return Status(sqlstate::kInvalidParameterValue, message + "\" must not include months or days");
  }
  return v.microseconds / kMicrosPerSecond;
}

bool time_of(int64_t us, int64_t& out) {
  if (!timestamp_is_finite(us)) return false;
  out = floor_mod(us, kMicrosPerDay);
  return true;
}

void register_type_casts(Builder& b) {
  b.builtin("timestamp(date)", row_kernel<int64_t, int32_t>([](int32_t d, int64_t& o) -> Status {
              ASSIGN_OR_RETURN(o, timestamp_from_date(d));
              return Status();
            }));
  b.builtin("timestamptz(date)", row_kernel<int64_t, int32_t>([](const F& f, int32_t d, int64_t& o) { return date_in_zone(d, session_zone(f), o); }));
  b.builtin("timestamp(timestamptz)", row_kernel<int64_t, int64_t>([](const F& f, int64_t t, int64_t& o) { return checked(local_from_timestamptz(t, session_zone(f)), o); }));
  b.builtin("timestamptz(timestamp)", row_kernel<int64_t, int64_t>([](const F& f, int64_t t, int64_t& o) { return checked(timestamptz_from_local(t, session_zone(f)), o); }));
  b.builtin("date(timestamp)", row_kernel<int32_t, int64_t>([](int64_t t, int32_t& o) { o = date_of(t); }));
  b.builtin("date(timestamptz)", row_kernel<int32_t, int64_t>([](const F& f, int64_t t, int32_t& o) { o = date_of(local_from_timestamptz(t, session_zone(f))); }));
  b.builtin("time(timestamp)", row_kernel<int64_t, int64_t>([](int64_t t, int64_t& o) { return time_of(t, o); }));
  b.builtin("time(timestamptz)", row_kernel<int64_t, int64_t>([](const F& f, int64_t t, int64_t& o) { return time_of(local_from_timestamptz(t, session_zone(f)), o); }));
  b.builtin("time(interval)", row_kernel<int64_t, IntervalValue>([](const IntervalValue& v, int64_t& o) { o = floor_mod(v.microseconds, kMicrosPerDay); }));
  b.builtin("time(timetz)", row_kernel<int64_t, TimetzValue>([](const TimetzValue& v, int64_t& o) { o = v.microseconds; }));
  b.builtin("interval(time)", row_kernel<IntervalValue, int64_t>([](int64_t t, IntervalValue& o) { o = IntervalValue{t, 0, 0}; }));
  b.builtin("timetz(time)", row_kernel<TimetzValue, int64_t>([](const F& f, int64_t t, TimetzValue& o) {
              o = {t, -session_zone(f).seconds_east_at(unix_seconds_of(f.context.transaction_timestamp_us))};
            }));
  b.builtin("timetz(timestamptz)", row_kernel<TimetzValue, int64_t>([](const F& f, int64_t t, TimetzValue& o) {
              if (!timestamp_is_finite(t)) return false;
              const int32_t east = session_zone(f).seconds_east_at(unix_seconds_of(t));
              o = {floor_mod(t + east * kMicrosPerSecond, kMicrosPerDay), -east};
              return true;
            }));
  // timestamptz(date,time) is date + time in the session's zone.
  b.builtin("timestamptz(date,time)", row_kernel<int64_t, int32_t, int64_t>([](const F& f, int32_t d, int64_t t, int64_t& o) -> Status {
              ASSIGN_OR_RETURN(const int64_t midnight, timestamp_from_date(d));
              const int64_t local = timestamp_is_finite(midnight) ? midnight + t : midnight;
              return checked(timestamptz_from_local(local, session_zone(f)), o);
            }));
}

void register_modifiers(Builder& b) {
  b.builtins({"timestamp(timestamp,int4)", "timestamptz(timestamptz,int4)"},
             row_kernel<int64_t, int64_t, int32_t>([](int64_t t, int32_t digits, int64_t& o) { return checked(round_to_digits(t, digits), o); }));
  b.builtin("time(time,int4)", row_kernel<int64_t, int64_t, int32_t>([](int64_t t, int32_t digits, int64_t& o) { o = round_to_digits(t, digits); }));
  b.builtin("timetz(timetz,int4)", row_kernel<TimetzValue, TimetzValue, int32_t>([](const TimetzValue& t, int32_t digits, TimetzValue& o) {
              o = {round_to_digits(t.microseconds, digits), t.zone_seconds_west};
            }));
  b.builtin("interval(interval,int4)", row_kernel<IntervalValue, IntervalValue, int32_t>([](const IntervalValue& v, int32_t modifier, IntervalValue& o) {
              o = fit_interval(v, modifier);
            }));
}

void register_zones(Builder& b) {
  b.builtin("timezone(text,timestamptz)", row_kernel<int64_t, StringRef, int64_t>([](const StringRef& name, int64_t t, int64_t& o) -> Status {
              ASSIGN_OR_RETURN(const TimeZone* zone, require_zone(name.view()));
              return checked(local_from_timestamptz(t, *zone), o);
            }));
  b.builtin("timezone(text,timestamp)", row_kernel<int64_t, StringRef, int64_t>([](const StringRef& name, int64_t t, int64_t& o) -> Status {
              ASSIGN_OR_RETURN(const TimeZone* zone, require_zone(name.view()));
              return checked(timestamptz_from_local(t, *zone), o);
            }));
  b.builtin("timezone(interval,timestamptz)", row_kernel<int64_t, IntervalValue, int64_t>([](const CallFrame& f, const IntervalValue& z, int64_t t, int64_t& o) -> Status {
              ASSIGN_OR_RETURN(const int64_t east, zone_of_interval(f.context.format, z));
              return checked(timestamp_is_finite(t) ? t + east * kMicrosPerSecond : t, o);
            }));
  b.builtin("timezone(interval,timestamp)", row_kernel<int64_t, IntervalValue, int64_t>([](const CallFrame& f, const IntervalValue& z, int64_t t, int64_t& o) -> Status {
              ASSIGN_OR_RETURN(const int64_t east, zone_of_interval(f.context.format, z));
              return checked(timestamp_is_finite(t) ? t - east * kMicrosPerSecond : t, o);
            }));
  b.builtin("timezone(text,timetz)", row_kernel<TimetzValue, StringRef, TimetzValue>([](const F& f, const StringRef& name, const TimetzValue& t, TimetzValue& o) -> Status {
              ASSIGN_OR_RETURN(const TimeZone* zone, require_zone(name.view()));
              const int32_t east = zone->seconds_east_at(unix_seconds_of(f.context.transaction_timestamp_us));
              o = {floor_mod(t.microseconds + (t.zone_seconds_west + east) * kMicrosPerSecond, kMicrosPerDay), -east};
              return Status();
            }));
}

enum class Test { kEq, kNe, kLt, kLe, kGt, kGe };
template <Test kTest>
bool passes(int64_t a, int64_t b) {
  switch (kTest) {
    case Test::kEq: return a == b;
    case Test::kNe: return a != b;
    case Test::kLt: return a < b;
    case Test::kLe: return a <= b;
    case Test::kGt: return a > b;
    case Test::kGe: return a >= b;
  }
  return false;
}

// A date as timestamp for comparing: those past the last timestamp are above all finite ones.
int64_t comparable(int32_t days) {
  if (days == kDateMinusInfinity) return kTimestampMinusInfinity;
  if (days == kDateInfinity) return kTimestampInfinity;
  return days >= kTimestampEnd / kMicrosPerDay ? kTimestampInfinity - 1 : days * kMicrosPerDay;
}

template <Test kTest>
void register_cross(Builder& b, const std::string& op) {
  b.builtin("date_" + op + "_timestamp(date,timestamp)", row_kernel<uint8_t, int32_t, int64_t>([](int32_t d, int64_t t, uint8_t& o) { o = passes<kTest>(comparable(d), t); }));
  b.builtin("timestamp_" + op + "_date(timestamp,date)", row_kernel<uint8_t, int64_t, int32_t>([](int64_t t, int32_t d, uint8_t& o) { o = passes<kTest>(t, comparable(d)); }));
  b.builtin("date_" + op + "_timestamptz(date,timestamptz)", row_kernel<uint8_t, int32_t, int64_t>([](const F& f, int32_t d, int64_t t, uint8_t& o) { o = passes<kTest>(timestamptz_from_local(comparable(d), session_zone(f)), t); }));
  b.builtin("timestamptz_" + op + "_date(timestamptz,date)", row_kernel<uint8_t, int64_t, int32_t>([](const F& f, int64_t t, int32_t d, uint8_t& o) { o = passes<kTest>(t, timestamptz_from_local(comparable(d), session_zone(f))); }));
  b.builtin("timestamp_" + op + "_timestamptz(timestamp,timestamptz)", row_kernel<uint8_t, int64_t, int64_t>([](const F& f, int64_t t, int64_t z, uint8_t& o) { o = passes<kTest>(timestamptz_from_local(t, session_zone(f)), z); }));
  b.builtin("timestamptz_" + op + "_timestamp(timestamptz,timestamp)", row_kernel<uint8_t, int64_t, int64_t>([](const F& f, int64_t z, int64_t t, uint8_t& o) { o = passes<kTest>(z, timestamptz_from_local(t, session_zone(f))); }));
}

// A value as one of the other type of an equality, so that equal means what it means there (a cast
// would raise an error past the last timestamp). For keys of hash tables.
void register_hash_keys(Builder& b) {
  const auto add = [&](std::string_view name, Oid argument, Oid result, Kernel kernel) {
    ScalarFunction function;
    function.name = name;
    function.arguments = {argument};
    function.result = result;
    function.volatility = Volatility::kStable;
    function.kernel = kernel;
    b.add_function(std::move(function));
  };
  add("eventd_timestamp_key", oid::kDate, oid::kTimestamp,
      row_kernel<int64_t, int32_t>([](int32_t d, int64_t& o) { o = comparable(d); }));
  add("eventd_timestamptz_key", oid::kDate, oid::kTimestamptz,
      row_kernel<int64_t, int32_t>([](const F& f, int32_t d, int64_t& o) { o = timestamptz_from_local(comparable(d), session_zone(f)); }));
  add("eventd_timestamptz_key", oid::kTimestamp, oid::kTimestamptz,
      row_kernel<int64_t, int64_t>([](const F& f, int64_t t, int64_t& o) { o = timestamptz_from_local(t, session_zone(f)); }));
}

}  // namespace

void register_datetime_casts(Builder& b) {
  register_hash_keys(b);
  register_type_casts(b);
  register_modifiers(b);
  register_zones(b);
  b.builtins({"isfinite(timestamp)", "isfinite(timestamptz)"}, row_kernel<uint8_t, int64_t>([](int64_t t, uint8_t& o) { o = timestamp_is_finite(t); }));
  b.builtin("isfinite(date)", row_kernel<uint8_t, int32_t>([](int32_t d, uint8_t& o) { o = date_is_finite(d); }));
  b.builtin("isfinite(interval)", row_kernel<uint8_t, IntervalValue>([](const IntervalValue&, uint8_t& o) { o = 1; }));
  register_cross<Test::kEq>(b, "eq");
  register_cross<Test::kNe>(b, "ne");
  register_cross<Test::kLt>(b, "lt");
  register_cross<Test::kLe>(b, "le");
  register_cross<Test::kGt>(b, "gt");
  register_cross<Test::kGe>(b, "ge");
}

}  // namespace eventd::engine
