// The output functions of the date/time types in each DateStyle (EncodeDateTime of PostgreSQL).
#include <cstdio>

#include "engine/types/datetime.h"
#include "engine/types/integer_text.h"
#include "engine/types/time_zone.h"

namespace eventd::engine {
namespace {

constexpr const char* kMonthNames[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr const char* kDayNames[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

void append_two(int32_t v, std::string& out) {
  out.push_back(static_cast<char>('0' + v / 10));
  out.push_back(static_cast<char>('0' + v % 10));
}

// At least four digits; years before 1 count as BC from 1.
void append_year(int32_t year, std::string& out) {
  const int32_t shown = year > 0 ? year : 1 - year;
  if (shown < 10'000) {
    append_two(shown / 100, out);
    append_two(shown % 100, out);
  } else {
    append_integer(shown, out);
  }
}

void append_fraction(int32_t micros, std::string& out) {
  if (micros == 0) return;
  char buffer[8];
  buffer[0] = '.';
  int last = 6;
  for (int i = 6; i >= 1; --i, micros /= 10) buffer[i] = static_cast<char>('0' + micros % 10);
  while (buffer[last] == '0') --last;
  out.append(buffer, static_cast<size_t>(last) + 1);
}

void append_clock(int32_t hour, int32_t minute, int32_t second, int32_t micros, std::string& out) {
  append_two(hour, out);
  out.push_back(':');
  append_two(minute, out);
  out.push_back(':');
  append_two(second, out);
  append_fraction(micros, out);
}

void append_offset(int32_t seconds_east, std::string& out) {
  const int32_t s = std::abs(seconds_east);
  out.push_back(seconds_east < 0 ? '-' : '+');
  append_two(s / 3600, out);
  if (s % 3600 == 0) return;
  out.push_back(':');
  append_two(s / 60 % 60, out);
  if (s % 60 == 0) return;
  out.push_back(':');
  append_two(s % 60, out);
}

void append_numeric_date(const CivilDate& d, DateStyle style, DateOrder order, std::string& out) {
  if (style == DateStyle::kIso) {
    append_year(d.year, out);
    out.push_back('-');
    append_two(d.month, out);
    out.push_back('-');
    append_two(d.day, out);
    return;
  }
  const char between = style == DateStyle::kSql ? '/' : style == DateStyle::kGerman ? '.' : '-';
  const bool day_first = style == DateStyle::kGerman || order == DateOrder::kDmy;
  append_two(day_first ? d.day : d.month, out);
  out.push_back(between);
  append_two(day_first ? d.month : d.day, out);
  out.push_back(between);
  append_year(d.year, out);
}

// `zone` null for timestamp without time zone.
void append_datetime(const FormatOptions& format, int64_t us, const TimeZone* zone, std::string& out) {
  if (us == kTimestampInfinity) {
    out += "infinity";
    return;
  }
  if (us == kTimestampMinusInfinity) {
    out += "-infinity";
    return;
  }
  TimeZone::Offset offset;
  int64_t local = us;
  const bool iso = format.date_style == DateStyle::kIso;
  if (zone != nullptr) {
    const int64_t unix_seconds = floor_div(us, kMicrosPerSecond) + kPostgresEpochSeconds;
    if (iso) offset.seconds_east = zone->seconds_east_at(unix_seconds);
    else offset = zone->offset_at(unix_seconds);
    local += offset.seconds_east * kMicrosPerSecond;
  }
  const DateTimeFields f = fields_from_timestamp(local);
  const auto clock = [&] { append_clock(f.hour, f.minute, f.second, f.microsecond, out); };
  if (format.date_style == DateStyle::kPostgres) {
    out.append(kDayNames[day_of_week(floor_div(local, kMicrosPerDay))]).push_back(' ');
    const bool day_first = format.date_order == DateOrder::kDmy;
    if (day_first) {
      append_two(f.date.day, out);
      out.append(" ").append(kMonthNames[f.date.month - 1]);
    } else {
      out.append(kMonthNames[f.date.month - 1]).append(" ");
      append_two(f.date.day, out);
    }
    out.push_back(' ');
    clock();
    out.push_back(' ');
    append_year(f.date.year, out);
  } else {
    append_numeric_date(f.date, format.date_style, format.date_order, out);
    out.push_back(' ');
    clock();
  }
  if (zone != nullptr) {
    const bool named = !iso && !offset.abbreviation.empty() && offset.abbreviation[0] != '+' && offset.abbreviation[0] != '-';
    if (named) {
      out.append(" ").append(offset.abbreviation);
    } else {
      if (format.date_style == DateStyle::kPostgres) out.push_back(' ');
      append_offset(offset.seconds_east, out);
    }
  }
  if (f.date.year <= 0) out += " BC";
}

}  // namespace

void append_timestamptz(const FormatOptions& format, int64_t us, std::string& out) {
  append_datetime(format, us, format.time_zone != nullptr ? format.time_zone : &TimeZone::utc(), out);
}

void append_timestamp(const FormatOptions& format, int64_t us, std::string& out) {
  append_datetime(format, us, nullptr, out);
}

void append_date(const FormatOptions& format, int32_t days, std::string& out) {
  if (!date_is_finite(days)) {
    out += days == kDateInfinity ? "infinity" : "-infinity";
    return;
  }
  const CivilDate date = civil_from_days(days);
  append_numeric_date(date, format.date_style, format.date_order, out);
  if (date.year <= 0) out += " BC";
}

void append_time(int64_t us, std::string& out) {
  append_clock(static_cast<int32_t>(us / kMicrosPerHour), static_cast<int32_t>(us / kMicrosPerMinute % 60),
               static_cast<int32_t>(us / kMicrosPerSecond % 60), static_cast<int32_t>(us % kMicrosPerSecond), out);
}

void append_timetz(const TimetzValue& value, std::string& out) {
  append_time(value.microseconds, out);
  append_offset(-value.zone_seconds_west, out);
}

}  // namespace eventd::engine
