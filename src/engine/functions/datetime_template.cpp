#include "engine/functions/datetime_template.h"

#include "engine/functions/text_helpers.h"

namespace eventd::engine {
namespace {

using DF = DateField;
using C = DateConvention;

// Longer ones first where one begins another. Upper or lower case, not mixed, but for names.
constexpr DatePattern kPatterns[] = {
    {"A.D.", DF::kEraDotted, false, C::kNone},      {"A.M.", DF::kHalfDayDotted, false, C::kNone},
    {"AD", DF::kEra, false, C::kNone},              {"AM", DF::kHalfDay, false, C::kNone},
    {"B.C.", DF::kEraDotted, false, C::kNone},      {"BC", DF::kEra, false, C::kNone},
    {"CC", DF::kCentury, true, C::kNone},           {"DAY", DF::kDayName, false, C::kNone},
    {"DDD", DF::kDayOfYear, true, C::kGregorian},   {"DD", DF::kDay, true, C::kGregorian},
    {"DY", DF::kDayShort, false, C::kNone},         {"Day", DF::kDayName, false, C::kNone},
    {"Dy", DF::kDayShort, false, C::kNone},         {"D", DF::kDayOfWeek, true, C::kGregorian},
    {"FF1", DF::kFraction, false, C::kNone, 1},     {"FF2", DF::kFraction, false, C::kNone, 2},
    {"FF3", DF::kFraction, false, C::kNone, 3},     {"FF4", DF::kFraction, false, C::kNone, 4},
    {"FF5", DF::kFraction, false, C::kNone, 5},     {"FF6", DF::kFraction, false, C::kNone, 6},
    {"FX", DF::kExact, false, C::kNone},            {"HH24", DF::kHour24, true, C::kNone},
    {"HH12", DF::kHour12, true, C::kNone},          {"HH", DF::kHour12, true, C::kNone},
    {"IDDD", DF::kIsoDayOfYear, true, C::kIsoWeek}, {"ID", DF::kIsoDay, true, C::kIsoWeek},
    {"IW", DF::kIsoWeek, true, C::kIsoWeek},        {"IYYY", DF::kYear, true, C::kIsoWeek, 4},
    {"IYY", DF::kYear, true, C::kIsoWeek, 3},       {"IY", DF::kYear, true, C::kIsoWeek, 2},
    {"I", DF::kYear, true, C::kIsoWeek, 1},         {"J", DF::kJulian, true, C::kNone},
    {"MI", DF::kMinute, true, C::kNone},            {"MM", DF::kMonth, true, C::kGregorian},
    {"MONTH", DF::kMonthName, false, C::kGregorian}, {"MON", DF::kMonthShort, false, C::kGregorian},
    {"MS", DF::kMillisecond, true, C::kNone},       {"Month", DF::kMonthName, false, C::kGregorian},
    {"Mon", DF::kMonthShort, false, C::kGregorian}, {"OF", DF::kOutputOnly, false, C::kNone},
    {"P.M.", DF::kHalfDayDotted, false, C::kNone},  {"PM", DF::kHalfDay, false, C::kNone},
    {"Q", DF::kQuarter, true, C::kNone},            {"RM", DF::kRomanMonth, false, C::kGregorian},
    {"SSSSS", DF::kSecondOfDay, true, C::kNone},    {"SSSS", DF::kSecondOfDay, true, C::kNone},
    {"SS", DF::kSecond, true, C::kNone},            {"TZH", DF::kZoneHours, false, C::kNone},
    {"TZM", DF::kZoneMinutes, true, C::kNone},      {"TZ", DF::kOutputOnly, false, C::kNone},
    {"US", DF::kMicrosecond, true, C::kNone},       {"WW", DF::kWeekOfYear, true, C::kGregorian},
    {"W", DF::kWeekOfMonth, true, C::kGregorian},   {"Y,YYY", DF::kYearComma, true, C::kGregorian},
    {"YYYY", DF::kYear, true, C::kGregorian, 4},    {"YYY", DF::kYear, true, C::kGregorian, 3},
    {"YY", DF::kYear, true, C::kGregorian, 2},      {"Y", DF::kYear, true, C::kGregorian, 1},
};

bool starts_with_lower(std::string_view text, std::string_view upper_word) {
  if (text.size() < upper_word.size()) return false;
  for (size_t i = 0; i < upper_word.size(); ++i)
    if (text[i] != ascii_lower(upper_word[i])) return false;
  return true;
}

const DatePattern* pattern_at(std::string_view text) {
  for (const DatePattern& pattern : kPatterns) {
    if (text.starts_with(pattern.name) || starts_with_lower(text, pattern.name)) return &pattern;
  }
  return nullptr;
}

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
}
bool is_format_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool take(std::string_view text, size_t& at, std::string_view upper, std::string_view lower) {
  if (!text.substr(at).starts_with(upper) && !text.substr(at).starts_with(lower)) return false;
  at += upper.size();
  return true;
}

}  // namespace

bool is_date_separator(char c) { return c > 0x20 && c < 0x7f && !is_letter_or_digit(c); }

std::vector<DateTemplateItem> parse_date_template(std::string_view format) {
  using Kind = DateTemplateItem::Kind;
  std::vector<DateTemplateItem> items;
  size_t at = 0;
  const auto character = [&](Kind kind) {
    const size_t size = utf8_first_bytes(format.substr(at));
    DateTemplateItem item;
    item.kind = kind;
    item.character = format.substr(at, size);
    items.push_back(item);
    at += size;
  };
  while (at < format.size()) {
    DateTemplateItem item;
    // A prefix counts whether a pattern follows or not.
    for (;;) {
      if (take(format, at, "FM", "fm")) item.fill_mode = true;
      else if (!take(format, at, "TM", "tm")) break;
    }
    if (at >= format.size()) break;
    if (const DatePattern* pattern = pattern_at(format.substr(at))) {
      item.kind = Kind::kPattern;
      item.pattern = pattern;
      at += pattern->name.size();
      for (;;) {
        if (take(format, at, "TH", "th")) item.ordinal = true;
        else if (!take(format, at, "SP", "SP")) break;
      }
      items.push_back(item);
    } else if (format[at] == '"') {
      for (++at; at < format.size() && format[at] != '"';) {
        if (format[at] == '\\' && at + 1 < format.size()) ++at;
        character(Kind::kCharacter);
      }
      ++at;
    } else {
      if (format[at] == '\\' && at + 1 < format.size() && format[at + 1] == '"') ++at;
      character(is_date_separator(format[at]) ? Kind::kSeparator : is_format_space(format[at]) ? Kind::kSpace : Kind::kCharacter);
    }
  }
  return items;
}

}  // namespace eventd::engine
