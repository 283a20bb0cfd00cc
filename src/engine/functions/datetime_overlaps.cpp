// overlaps(…), timeofday(), timezone(interval, timetz).
#include <ctime>

#include "engine/functions/datetime_functions.h"
#include "engine/functions/ordering.h"
#include "engine/types/interval.h"

namespace eventd::engine {
namespace {

/// Time of day: a span wraps round midnight.
int64_t add_to_clock(int64_t us, const IntervalValue& span) { return floor_mod(us + span.microseconds % kMicrosPerDay, kMicrosPerDay); }

enum class Moment { kTimestamp, kTimestamptz, kTime, kTimetz };

template <Moment kMoment>
using MomentValue = std::conditional_t<kMoment == Moment::kTimetz, TimetzValue, int64_t>;

template <Moment kMoment>
bool before(const MomentValue<kMoment>& a, const MomentValue<kMoment>& b) {
  if constexpr (kMoment == Moment::kTimetz) return TimetzOrder::less(a, b);
  else return a < b;
}

/// One end of a period: the start plus a span, or the end itself. nullopt = NULL.
template <Moment kMoment>
Result<std::optional<MomentValue<kMoment>>> end_of(const CallFrame& frame, size_t argument, uint32_t row) {
  using Value = MomentValue<kMoment>;
  const Vector& end = frame.arguments[argument];
  if (end.is_null(row)) return std::optional<Value>();
  if (end.type() != oid::kInterval) return std::optional<Value>(end.view<Value>()[row]);
  const Vector& start = frame.arguments[argument - 1];
  if (start.is_null(row)) return std::optional<Value>();
  const IntervalValue& span = end.view<IntervalValue>()[row];
  if constexpr (kMoment == Moment::kTime) {
    return std::optional<Value>(add_to_clock(start.view<Value>()[row], span));
  } else if constexpr (kMoment == Moment::kTimestamp) {
    ASSIGN_OR_RETURN(const int64_t moved, add_to_timestamp(start.view<Value>()[row], span));
    return std::optional<Value>(moved);
  } else if constexpr (kMoment == Moment::kTimestamptz) {
    ASSIGN_OR_RETURN(const int64_t moved, add_to_timestamptz(start.view<Value>()[row], span, session_zone(frame)));
    return std::optional<Value>(moved);
  } else {
    TimetzValue moved = start.view<Value>()[row];
    moved.microseconds = add_to_clock(moved.microseconds, span);
    return std::optional<Value>(moved);
  }
}

/// SQL's rule: the period's start is its earlier end; a NULL end may leave the answer open.
template <class Value, class Less>
std::optional<bool> overlap(std::optional<Value> s1, std::optional<Value> e1, std::optional<Value> s2, std::optional<Value> e2,
                            const Less& less) {
  const auto order = [&](std::optional<Value>& start, std::optional<Value>& end) {
    if (!start || (end && less(*end, *start))) std::swap(start, end);
    return start.has_value();
  };
  if (!order(s1, e1) || !order(s2, e2)) return std::nullopt;
  const auto starts_later = [&](const Value& later, const std::optional<Value>& later_end,
                                const std::optional<Value>& other_end) -> std::optional<bool> {
    if (!other_end) return std::nullopt;
    if (less(later, *other_end)) return true;
    if (!later_end) return std::nullopt;
    return false;
  };
  if (less(*s2, *s1)) return starts_later(*s1, e1, e2);
  if (less(*s1, *s2)) return starts_later(*s2, e2, e1);
  if (!e1 || !e2) return std::nullopt;
  return true;
}

template <Moment kMoment>
Status overlaps(const CallFrame& frame, Vector& result) {
  using Value = MomentValue<kMoment>;
  const auto start_of = [&](size_t argument, uint32_t row) {
    const Vector& v = frame.arguments[argument];
    return v.is_null(row) ? std::optional<Value>() : std::optional<Value>(v.view<Value>()[row]);
  };
  return each_row(frame, result, [&](uint32_t row, Vector& out) -> Status {
    ASSIGN_OR_RETURN(const std::optional<Value> e1, end_of<kMoment>(frame, 1, row));
    ASSIGN_OR_RETURN(const std::optional<Value> e2, end_of<kMoment>(frame, 3, row));
    const std::optional<bool> answer = overlap(start_of(0, row), e1, start_of(2, row), e2, before<kMoment>);
    if (answer) out.data<uint8_t>()[row] = *answer;
    else out.set_null(row);
    return Status();
  });
}

template <Moment kMoment>
void register_overlaps(FunctionCatalog::Builder& builder, const std::string& type) {
  for (const std::string& first : {type, std::string("interval")})
    for (const std::string& second : {type, std::string("interval")}) {
      if (kMoment == Moment::kTimetz && (first != type || second != type)) continue;
      builder.builtin("overlaps(" + type + "," + first + "," + type + "," + second + ")", overlaps<kMoment>);
    }
}

Status zone_with_days(const IntervalValue& zone) {
  std::string text;
  append_interval(IntervalStyle::kPostgres, zone, text);
  return Status(sqlstate::kInvalidParameterValue, "interval time zone \"" + text + "\" must not include months or days");
}

/// "Fri Nov 20 17:00:00.123456 2026 UTC".
Status time_of_day(const CallFrame& frame, Vector& result) {
  return each_row(frame, result, [&](uint32_t row, Vector& out) {
    struct timespec now {};
    clock_gettime(CLOCK_REALTIME, &now);
    const TimeZone::Offset zone = session_zone(frame).offset_at(now.tv_sec);
    const time_t local = now.tv_sec + zone.seconds_east;
    struct tm fields {};
    gmtime_r(&local, &fields);
    char day[32], rest[32], text[128];
    strftime(day, sizeof day, "%a %b %d %H:%M:%S", &fields);
    strftime(rest, sizeof rest, "%Y", &fields);
    snprintf(text, sizeof text, "%s.%06ld %s ", day, now.tv_nsec / 1000, rest);
    out.set_string(row, std::string(text) + zone.abbreviation);
    return Status();
  });
}

}  // namespace

void register_datetime_overlaps(FunctionCatalog::Builder& builder) {
  register_overlaps<Moment::kTimestamp>(builder, "timestamp");
  register_overlaps<Moment::kTimestamptz>(builder, "timestamptz");
  register_overlaps<Moment::kTime>(builder, "time");
  register_overlaps<Moment::kTimetz>(builder, "timetz");
  builder.builtin("timeofday()", time_of_day);
  builder.builtin("timezone(interval,timetz)",
                  row_kernel<TimetzValue, IntervalValue, TimetzValue>(
                      [](const IntervalValue& zone, const TimetzValue& v, TimetzValue& out) -> Status {
                        if (zone.months != 0 || zone.days != 0)
                          return zone_with_days(zone);
                        out.zone_seconds_west = static_cast<int32_t>(-(zone.microseconds / kMicrosPerSecond));
                        out.microseconds = floor_mod(v.microseconds + (int64_t{v.zone_seconds_west} - out.zone_seconds_west) * kMicrosPerSecond,
                                                     kMicrosPerDay);
                        return Status();
                      }));
}

}  // namespace eventd::engine
