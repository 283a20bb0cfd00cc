#include "engine/types/datetime_fields.h"

#include "engine/types/time_zone.h"

namespace eventd::engine {

// After Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": years begin in March.
int64_t days_from_civil(int64_t year, int32_t month, int32_t day) {
  year -= month <= 2;
  const int64_t era = floor_div(year, 400);
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era + (day - 1) - 730'425;
}

CivilDate civil_from_days(int64_t days) {
  days += 730'425;  // from 0000-03-01
  const int64_t era = floor_div(days, 146'097);
  const int64_t day_of_era = days - era * 146'097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted_month = (5 * day_of_year + 2) / 153;
  CivilDate date;
  date.day = static_cast<int32_t>(day_of_year - (153 * shifted_month + 2) / 5 + 1);
  date.month = static_cast<int32_t>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
  date.year = static_cast<int32_t>(year_of_era + era * 400 + (date.month <= 2));
  return date;
}

bool is_leap_year(int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int32_t days_in_month(int64_t year, int32_t month) {
  constexpr int8_t kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap_year(year) ? 29 : kDays[month - 1];
}

int32_t day_of_week(int64_t days) {
  return static_cast<int32_t>(floor_mod(days + 6, 7));  // 2000-01-01 was a Saturday
}

IsoWeek iso_week_of(int64_t days) {
  // The Thursday of the week decides its year.
  const int64_t monday_based = floor_mod(days + 5, 7);
  const int64_t thursday = days - monday_based + 3;
  const int32_t year = civil_from_days(thursday).year;
  return {year, static_cast<int32_t>((thursday - days_from_civil(year, 1, 1)) / 7 + 1)};
}

DateTimeFields fields_from_timestamp(int64_t local_us) {
  const int64_t days = floor_div(local_us, kMicrosPerDay);
  int64_t rest = local_us - days * kMicrosPerDay;
  DateTimeFields f;
  f.date = civil_from_days(days);
  f.hour = static_cast<int32_t>(rest / kMicrosPerHour);
  rest %= kMicrosPerHour;
  f.minute = static_cast<int32_t>(rest / kMicrosPerMinute);
  rest %= kMicrosPerMinute;
  f.second = static_cast<int32_t>(rest / kMicrosPerSecond);
  f.microsecond = static_cast<int32_t>(rest % kMicrosPerSecond);
  return f;
}

int64_t timestamp_from_fields(const DateTimeFields& f) {
  const int64_t days = days_from_civil(f.date.year, f.date.month, f.date.day);
  return static_cast<int64_t>(
      static_cast<uint64_t>(days) * static_cast<uint64_t>(kMicrosPerDay) +
      static_cast<uint64_t>(((int64_t{f.hour} * 60 + f.minute) * 60 + f.second) * kMicrosPerSecond +
                            f.microsecond));
}

int64_t local_from_timestamptz(int64_t us, const TimeZone& zone) {
  if (!timestamp_is_finite(us)) return us;
  const int64_t unix_seconds = floor_div(us, kMicrosPerSecond) + kPostgresEpochSeconds;
  return us + zone.seconds_east_at(unix_seconds) * kMicrosPerSecond;
}

int64_t timestamptz_from_local(int64_t local_us, const TimeZone& zone) {
  if (!timestamp_is_finite(local_us)) return local_us;
  const int64_t seconds = floor_div(local_us, kMicrosPerSecond);
  const int64_t unix_seconds = zone.to_unix_seconds(seconds + kPostgresEpochSeconds);
  return local_us + (unix_seconds - kPostgresEpochSeconds - seconds) * kMicrosPerSecond;
}

}  // namespace eventd::engine
