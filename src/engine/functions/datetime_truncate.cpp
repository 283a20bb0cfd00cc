// date_trunc, date_bin, time_bucket.
#include "engine/functions/datetime_functions.h"
#include "engine/functions/time_bucket.h"
#include "engine/types/interval.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;

// First year of the decade, century or millennium.
int32_t period_start(int32_t year, TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kDecade: return year > 0 ? year / 10 * 10 : -((8 - (year - 1)) / 10) * 10;
    case TimeUnit::kCentury: return year > 0 ? (year + 99) / 100 * 100 - 99 : -((99 - (year - 1)) / 100) * 100 + 1;
    case TimeUnit::kMillennium: return year > 0 ? (year + 999) / 1000 * 1000 - 999 : -((999 - (year - 1)) / 1000) * 1000 + 1;
    default: return year;
  }
}

int64_t floor_to(int64_t us, int64_t unit) { return floor_div(us, unit) * unit; }

// REQUIRES: finite; a unit up to kMillennium.
int64_t truncate_local(TimeUnit unit, int64_t us) {
  switch (unit) {
    case TimeUnit::kMicrosecond: return us;
    case TimeUnit::kMillisecond: return floor_to(us, 1000);
    case TimeUnit::kSecond: return floor_to(us, kMicrosPerSecond);
    case TimeUnit::kMinute: return floor_to(us, kMicrosPerMinute);
    case TimeUnit::kHour: return floor_to(us, kMicrosPerHour);
    case TimeUnit::kDay: return floor_to(us, kMicrosPerDay);
    case TimeUnit::kWeek: {
      const int64_t days = floor_div(us, kMicrosPerDay);
      return (days - floor_mod(days + 5, 7)) * kMicrosPerDay;  // Mondays
    }
    default: {
      CivilDate date = civil_from_days(floor_div(us, kMicrosPerDay));
      if (unit == TimeUnit::kQuarter) date.month = (date.month - 1) / 3 * 3 + 1;
      else if (unit != TimeUnit::kMonth) date.month = 1;
      return days_from_civil(period_start(date.year, unit), date.month, 1) * kMicrosPerDay;
    }
  }
}

int64_t truncate_in_zone(TimeUnit unit, int64_t us, const TimeZone& zone) {
  if (!timestamp_is_finite(us)) return us;
  const int64_t offset = zone.seconds_east_at(unix_seconds_of(us)) * kMicrosPerSecond;
  const int64_t local = truncate_local(unit, us + offset);
  // From days up the offset may differ at the start of the period.
  if (zone.is_fixed() || unit <= TimeUnit::kHour) return local - offset;
  return timestamptz_from_local(local, zone);
}

Status truncate_interval(TimeUnit unit, const IntervalValue& v, IntervalValue& out) {
  out = v;
  const auto whole = [](int64_t value, int64_t step) { return value / step * step; };
  const int32_t years = v.months / 12;
  switch (unit) {
    case TimeUnit::kMicrosecond: break;
    case TimeUnit::kMillisecond: out.microseconds = whole(v.microseconds, 1000); break;
    case TimeUnit::kSecond: out.microseconds = whole(v.microseconds, kMicrosPerSecond); break;
    case TimeUnit::kMinute: out.microseconds = whole(v.microseconds, kMicrosPerMinute); break;
    case TimeUnit::kHour: out.microseconds = whole(v.microseconds, kMicrosPerHour); break;
    case TimeUnit::kDay: out.microseconds = 0; break;
    case TimeUnit::kMonth: out = {0, 0, v.months}; break;
    case TimeUnit::kQuarter: out = {0, 0, v.months / 3 * 3}; break;
    case TimeUnit::kYear: out = {0, 0, years * 12}; break;
    case TimeUnit::kDecade: out = {0, 0, years / 10 * 120}; break;
    case TimeUnit::kCentury: out = {0, 0, years / 100 * 1200}; break;
    case TimeUnit::kMillennium: out = {0, 0, years / 1000 * 12'000}; break;
    default: break;
  }
  return Status();
}

Result<TimeUnit> truncation_unit(const StringRef& name, std::string_view type, bool interval) {
  const TimeUnit unit = time_unit_of(name.view());
  if (unit > TimeUnit::kMillennium || (interval && unit == TimeUnit::kWeek)) {
    // Fields that only extract() knows count as unknown here.
    const bool field = unit > TimeUnit::kMillennium && unit < TimeUnit::kTimezone;
    Status status = bad_unit(name.view(), field ? TimeUnit::kUnknown : unit, type);
    if (unit == TimeUnit::kWeek) status.error().detail = "Months usually have fractional weeks.";
    return status;
  }
  return unit;
}

// date_trunc of values V by `truncate(unit, value, out)`; the unit is read once if constant.
template <class V, class Truncate>
Status truncate_rows(const CallFrame& frame, Vector& result, std::string_view type, const Truncate& truncate) {
  constexpr bool kInterval = std::is_same_v<V, IntervalValue>;
  // Infinity stays, whatever the unit.
  const auto infinite = [](const V& v) {
    if constexpr (kInterval) return false;
    else return !timestamp_is_finite(v);
  };
  if (constant_value(frame.arguments[0])) {
    const StringRef name = frame.arguments[0].view<StringRef>()[0];
    const Result<TimeUnit> unit = truncation_unit(name, type, kInterval);
    const CallFrame inner{frame.context, frame.arguments.subspan(1, 1), frame.rows, frame.result_type, frame.state};
    return map_rows<V, V>(inner, result, [&](const V& v, V& out) -> Status {
      if (infinite(v)) {
        out = v;
        return Status();
      }
      if (!unit.ok()) return Status(unit.error());
      return truncate(*unit, v, out);
    });
  }
  return map_rows<V, StringRef, V>(frame, result, [&](const StringRef& name, const V& v, V& out) -> Status {
    if (infinite(v)) {
      out = v;
      return Status();
    }
    ASSIGN_OR_RETURN(const TimeUnit unit, truncation_unit(name, type, kInterval));
    return truncate(unit, v, out);
  });
}

Status in_range(int64_t us) {
  return !timestamp_is_finite(us) || timestamp_in_range(us) ? Status() : fault::kTimestampRange.status();
}

Result<int64_t> fixed_stride(const IntervalValue& stride) {
  if (stride.months != 0)
    return Status(sqlstate::kFeatureNotSupported, "timestamps cannot be binned into intervals containing months or years");
  int64_t us = 0;
  if (__builtin_mul_overflow(int64_t{stride.days}, kMicrosPerDay, &us) || __builtin_add_overflow(us, stride.microseconds, &us))
    return fault::kIntervalRange.status();
  if (us <= 0) return Status(sqlstate::kDatetimeFieldOverflow, "stride must be greater than zero");
  return us;
}

}  // namespace

Status bin_timestamp(const IntervalValue& stride, int64_t us, int64_t origin, int64_t& out) {
  out = us;
  if (!timestamp_is_finite(us)) return Status();
  if (!timestamp_is_finite(origin)) return Status(sqlstate::kDatetimeFieldOverflow, "origin out of range");
  ASSIGN_OR_RETURN(const int64_t step, fixed_stride(stride));
  int64_t difference = 0;
  if (__builtin_sub_overflow(us, origin, &difference)) return fault::kIntervalRange.status();
  int64_t start = 0;
  if (__builtin_mul_overflow(floor_div(difference, step), step, &start)) return fault::kTimestampRange.status();
  out = origin + start;
  return in_range(out);
}

void register_datetime_truncate(Builder& builder) {
  builder.builtin("date_trunc(text,timestamp)", [](const CallFrame& frame, Vector& result) {
    return truncate_rows<int64_t>(frame, result, "timestamp without time zone", [](TimeUnit unit, int64_t us, int64_t& out) {
      out = timestamp_is_finite(us) ? truncate_local(unit, us) : us;
      return in_range(out);
    });
  });
  builder.builtin("date_trunc(text,timestamptz)", [](const CallFrame& frame, Vector& result) {
    const TimeZone& zone = session_zone(frame);
    return truncate_rows<int64_t>(frame, result, "timestamp with time zone", [&](TimeUnit unit, int64_t us, int64_t& out) {
      out = truncate_in_zone(unit, us, zone);
      return in_range(out);
    });
  });
  builder.builtin("date_trunc(text,timestamptz,text)",
                  row_kernel<int64_t, StringRef, int64_t, StringRef>(
                      [](const StringRef& name, int64_t us, const StringRef& zone_name, int64_t& out) -> Status {
                        ASSIGN_OR_RETURN(const TimeZone* zone, require_zone(zone_name.view()));
                        ASSIGN_OR_RETURN(const TimeUnit unit, truncation_unit(name, "timestamp with time zone", false));
                        out = truncate_in_zone(unit, us, *zone);
                        return in_range(out);
                      }));
  builder.builtin("date_trunc(text,interval)", [](const CallFrame& frame, Vector& result) {
    return truncate_rows<IntervalValue>(frame, result, "interval", truncate_interval);
  });
  builder.builtins({"date_bin(interval,timestamp,timestamp)", "date_bin(interval,timestamptz,timestamptz)"},
                   row_kernel<int64_t, IntervalValue, int64_t, int64_t>(
                       [](const IntervalValue& stride, int64_t us, int64_t origin, int64_t& out) { return bin_timestamp(stride, us, origin, out); }));
  register_time_bucket(builder);
  register_gap_fill(builder);
}

}  // namespace eventd::engine
