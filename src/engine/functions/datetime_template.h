// The format of to_date(text, text) and to_timestamp(text, text), parsed.
// Source of the patterns: PostgreSQL manual, table 9.26.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace eventd::engine {

enum class DateField : uint8_t {
  kEra, kEraDotted, kHalfDay, kHalfDayDotted, kCentury, kDayName, kDayShort, kDayOfYear, kDay,
  kDayOfWeek, kFraction, kExact, kHour24, kHour12, kIsoDayOfYear, kIsoDay, kIsoWeek, kJulian, kMinute,
  kMonth, kMonthName, kMonthShort, kMillisecond, kOutputOnly, kQuarter, kRomanMonth, kSecondOfDay,
  kSecond, kZoneHours, kZoneMinutes, kMicrosecond, kWeekOfYear, kWeekOfMonth, kYearComma, kYear
};

enum class DateConvention : uint8_t { kNone, kGregorian, kIsoWeek };

struct DatePattern {
  std::string_view name;
  DateField field;
  bool is_number;  ///< reads digits: a number before it cannot take as many as it likes
  DateConvention convention;
  int8_t digits = 0;  ///< year digits, digits of a fraction
};

/// One piece of a format.
struct DateTemplateItem {
  enum class Kind : uint8_t { kPattern, kSpace, kSeparator, kCharacter } kind = Kind::kCharacter;
  const DatePattern* pattern = nullptr;
  bool fill_mode = false, ordinal = false;
  std::string_view character;
};

std::vector<DateTemplateItem> parse_date_template(std::string_view format);
/// Neither letter nor digit nor space.
bool is_date_separator(char c);

}  // namespace eventd::engine
