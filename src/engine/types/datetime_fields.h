// Civil-date arithmetic on PostgreSQL's epoch: splitting instants into fields and back.
#pragma once

#include <cstdint>

#include "engine/types/type.h"

namespace eventd::engine {

inline constexpr int64_t kMicrosPerSecond = 1'000'000;
inline constexpr int64_t kMicrosPerMinute = 60 * kMicrosPerSecond;
inline constexpr int64_t kMicrosPerHour = 60 * kMicrosPerMinute;
inline constexpr int64_t kMicrosPerDay = 24 * kMicrosPerHour;

/// timestamp / timestamptz 'infinity' and '-infinity'.
inline constexpr int64_t kTimestampInfinity = INT64_MAX, kTimestampMinusInfinity = INT64_MIN;
/// date 'infinity' and '-infinity'.
inline constexpr int32_t kDateInfinity = INT32_MAX, kDateMinusInfinity = INT32_MIN;
/// Finite timestamps are in [min, end): 4714-11-24 BC … 294277-01-01.
inline constexpr int64_t kTimestampMin = -211'813'488'000'000'000, kTimestampEnd = 9'223'371'331'200'000'000;
/// Finite dates are in [min, end): 4714-11-24 BC … 5874898-01-01.
inline constexpr int32_t kDateMin = -2'451'545, kDateEnd = 2'145'031'949;

inline bool timestamp_is_finite(int64_t us) {
  return us != kTimestampInfinity && us != kTimestampMinusInfinity;
}
inline bool timestamp_in_range(int64_t us) { return us >= kTimestampMin && us < kTimestampEnd; }
inline bool date_is_finite(int32_t days) {
  return days != kDateInfinity && days != kDateMinusInfinity;
}

/// Proleptic Gregorian; year 0 is 1 BC.
struct CivilDate {
  int32_t year = 2000;
  int32_t month = 1;  ///< 1–12
  int32_t day = 1;    ///< 1–31
};

/// Days since 2000-01-01. REQUIRES: month 1–12; day may lie outside the month (it is just added).
int64_t days_from_civil(int64_t year, int32_t month, int32_t day);
CivilDate civil_from_days(int64_t days);
bool is_leap_year(int64_t year);
int32_t days_in_month(int64_t year, int32_t month);
/// 0 = Sunday.
int32_t day_of_week(int64_t days);
/// ISO 8601 week and its year.
struct IsoWeek {
  int32_t year;
  int32_t week;
};
IsoWeek iso_week_of(int64_t days);

/// floor(us / day) and the rest, also before 2000.
inline int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a % b < 0) != (b < 0)); }
inline int64_t floor_mod(int64_t a, int64_t b) { return a - floor_div(a, b) * b; }

/// A timestamp as fields.
struct DateTimeFields {
  CivilDate date;
  int32_t hour = 0, minute = 0, second = 0;
  int32_t microsecond = 0;
};
/// REQUIRES: finite.
DateTimeFields fields_from_timestamp(int64_t local_us);
/// No range check. Month must be 1–12; the others may overflow.
int64_t timestamp_from_fields(const DateTimeFields& fields);

class TimeZone;
/// Instant → local wall-clock time (µs since 2000-01-01 local). Infinities pass through.
int64_t local_from_timestamptz(int64_t us, const TimeZone& zone);
/// Local wall-clock time → instant, PostgreSQL's rules in gaps and overlaps. Infinities pass through.
int64_t timestamptz_from_local(int64_t local_us, const TimeZone& zone);

}  // namespace eventd::engine
