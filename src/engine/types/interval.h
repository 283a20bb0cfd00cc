// interval: text forms and arithmetic (PostgreSQL manual §8.5.4, src/backend/utils/adt/timestamp.c).
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/types/format_options.h"
#include "engine/types/type.h"
#include "result.h"

namespace eventd::engine {

/// Verbose ('1 year 2 days 03:04:05.6 ago', '@ 1 hour'), ISO 8601 ('P1Y2DT3H'), SQL ('1-2 3 4:5:6').
/// `modifier` is the type's: a bare number counts in the last field it names ('5' MONTH).
/// 22007 not an interval, 22015/22008 out of range.
Result<IntervalValue> parse_interval(std::string_view text, int32_t modifier = -1);

// A type modifier of interval: the fields it keeps in the high half (kIntervalAllFields = all), the
// precision of seconds in the low half (0xffff = all digits). PostgreSQL's INTERVAL_MASK bits.
inline constexpr int32_t kIntervalAllFields = 0x7fff;
inline constexpr int32_t kIntervalMonth = 1 << 1, kIntervalYear = 1 << 2, kIntervalDay = 1 << 3,
                         kIntervalHour = 1 << 10, kIntervalMinute = 1 << 11,
                         kIntervalSecond = 1 << 12;
inline int32_t interval_fields(int32_t modifier) {
  return modifier < 0 ? kIntervalAllFields : modifier >> 16 & kIntervalAllFields;
}
/// "year to month", empty for all fields or none that go together.
std::string_view interval_fields_name(int32_t fields);
/// Drops the fields below the last one the modifier names and rounds the seconds.
IntervalValue fit_interval(const IntervalValue& value, int32_t modifier);
void append_interval(IntervalStyle style, const IntervalValue& value, std::string& out);

/// Comparison as PostgreSQL: a month is 30 days, a day 24 hours.
std::strong_ordering compare_intervals(const IntervalValue& a, const IntervalValue& b);
/// Equal intervals (by compare_intervals) hash equal.
uint64_t hash_interval(const IntervalValue& value);

// Arithmetic; 22008 "interval out of range" on overflow.
Result<IntervalValue> negate_interval(const IntervalValue& value);
Result<IntervalValue> add_intervals(const IntervalValue& a, const IntervalValue& b);
Result<IntervalValue> subtract_intervals(const IntervalValue& a, const IntervalValue& b);
Result<IntervalValue> multiply_interval(const IntervalValue& value, double factor);
Result<IntervalValue> divide_interval(const IntervalValue& value, double divisor);
Result<IntervalValue> justify_hours(const IntervalValue& value);
Result<IntervalValue> justify_days(const IntervalValue& value);
Result<IntervalValue> justify_interval(const IntervalValue& value);

class TimeZone;
/// Adds months (clamped to the month's last day), days, then µs. 22008. Infinities stay.
Result<int64_t> add_to_timestamp(int64_t us, const IntervalValue& span);
/// The same on the zone's calendar: days are local days.
Result<int64_t> add_to_timestamptz(int64_t us, const IntervalValue& span, const TimeZone& zone);

}  // namespace eventd::engine
