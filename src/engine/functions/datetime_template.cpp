#include "engine/functions/datetime_template.h"

#include "engine/functions/text_helpers.h"

namespace eventd::engine {
namespace {

using F = DateField;
using C = DateConvention;

// Longer ones first where one begins another. Upper or lower case, not mixed, but for names.
constexpr DatePattern kPatterns[] = {
    {"A.D.", F::kEraDotted, false, C::kNone},      {"A.M.", F::kHalfDayDotted, false, C::kNone},
    {"AD", F::kEra, false, C::kNone},              {"AM", F::kHalfDay, false, C::kNone},
    {"B.C.", F::kEraDotted, false, C::kNone},      {"BC", F::kEra, false, C::kNone},
    {"CC", F::kCentury, true, C::kNone},           {"DAY", F::kDayName, false, C::kNone},
    {"DDD", F::kDayOfYear, true, C::kGregorian},   {"DD", F::kDay, true, C::kGregorian},
    {"DY", F::kDayShort, false, C::kNone},         {"Day", F::kDayName, false, C::kNone},
    {"Dy", F::kDayShort, false, C::kNone},         {"D", F::kDayOfWeek, true, C::kGregorian},
    {"FF1", F::kFraction, false, C::kNone, 1},     {"FF2", F::kFraction, false, C::kNone, 2},
    {"FF3", F::kFraction, false, C::kNone, 3},     {"FF4", F::kFraction, false, C::kNone, 4},
    {"FF5", F::kFraction, false, C::kNone, 5},     {"FF6", F::kFraction, false, C::kNone, 6},
    {"FX", F::kExact, false, C::kNone},            {"HH24", F::kHour24, true, C::kNone},
    {"HH12", F::kHour12, true, C::kNone},          {"HH", F::kHour12, true, C::kNone},
    {"IDDD", F::kIsoDayOfYear, true, C::kIsoWeek}, {"ID", F::kIsoDay, true, C::kIsoWeek},
    {"IW", F::kIsoWeek, true, C::kIsoWeek},        {"IYYY", F::kYear, true, C::kIsoWeek, 4},
    {"IYY", F::kYear, true, C::kIsoWeek, 3},       {"IY", F::kYear, true, C::kIsoWeek, 2},
    {"I", F::kYear, true, C::kIsoWeek, 1},         {"J", F::kJulian, true, C::kNone},
    {"MI", F::kMinute, true, C::kNone},            {"MM", F::kMonth, true, C::kGregorian},
    {"MONTH", F::kMonthName, false, C::kGregorian}, {"MON", F::kMonthShort, false, C::kGregorian},
    {"MS", F::kMillisecond, true, C::kNone},       {"Month", F::kMonthName, false, C::kGregorian},
    {"Mon", F::kMonthShort, false, C::kGregorian}, {"OF", F::kOutputOnly, false, C::kNone},
    {"P.M.", F::kHalfDayDotted, false, C::kNone},  {"PM", F::kHalfDay, false, C::kNone},
    {"Q", F::kQuarter, true, C::kNone},            {"RM", F::kRomanMonth, false, C::kGregorian},
    {"SSSSS", F::kSecondOfDay, true, C::kNone},    {"SSSS", F::kSecondOfDay, true, C::kNone},
    {"SS", F::kSecond, true, C::kNone},            {"TZH", F::kZoneHours, false, C::kNone},
    {"TZM", F::kZoneMinutes, true, C::kNone},      {"TZ", F::kOutputOnly, false, C::kNone},
    {"US", F::kMicrosecond, true, C::kNone},       {"WW", F::kWeekOfYear, true, C::kGregorian},
    {"W", F::kWeekOfMonth, true, C::kGregorian},   {"Y,YYY", F::kYearComma, true, C::kGregorian},
    {"YYYY", F::kYear, true, C::kGregorian, 4},    {"YYY", F::kYear, true, C::kGregorian, 3},
    {"YY", F::kYear, true, C::kGregorian, 2},      {"Y", F::kYear, true, C::kGregorian, 1},
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
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

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
      character(is_date_separator(format[at]) ? Kind::kSeparator : is_space(format[at]) ? Kind::kSpace : Kind::kCharacter);
    }
  }
  return items;
}

}  // namespace eventd::engine
