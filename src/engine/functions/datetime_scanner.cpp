#include "engine/functions/datetime_scanner.h"

#include <climits>
#include <span>
#include <string>

#include "engine/functions/datetime_fields_found.h"
#include "engine/functions/datetime_template.h"
#include "engine/functions/text_helpers.h"

namespace eventd::engine {
namespace {

using ItemKind = DateTemplateItem::Kind;
using Items = std::vector<DateTemplateItem>;

constexpr std::string_view kMonthNames[] = {"january", "february", "march", "april", "may", "june", "july",
                                            "august", "september", "october", "november", "december"};
constexpr std::string_view kDayNames[] = {"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"};
constexpr std::string_view kRomans[] = {"xii", "xi", "x", "ix", "viii", "vii", "vi", "v", "iv", "iii", "ii", "i"};
constexpr std::string_view kHalfDays[] = {"am", "pm"}, kHalfDaysDotted[] = {"a.m.", "p.m."};
constexpr std::string_view kEras[] = {"ad", "bc"}, kErasDotted[] = {"a.d.", "b.c."};

bool is_date_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
// What of these bytes are whole characters: fields are cut by bytes, messages must be valid UTF-8.
std::string whole_characters(std::string_view bytes) {
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; };
  while (!bytes.empty() && continues(bytes.front())) bytes.remove_prefix(1);
  size_t last = bytes.size();
  while (last > 0 && continues(bytes[last - 1])) --last;
  if (last == 0) return std::string(bytes);
  const auto lead = static_cast<unsigned char>(bytes[last - 1]);
  const size_t length = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return std::string(bytes.substr(0, last - 1 + length > bytes.size() ? last - 1 : bytes.size()));
}

bool is_date_digit(char c) { return c >= '0' && c <= '9'; }

Status format_error(std::string message, std::string detail, std::string hint = {}) {
  Error error{sqlstate::kInvalidDatetimeFormat, std::move(message), {}, {}, {}, 0};
  error.detail = std::move(detail);
  error.hint = std::move(hint);
  return Status(std::move(error));
}

constexpr const char* kFixedWidthHint = "If your source string is not fixed-width, try using the \"FM\" modifier.";

/// Years of two and three digits are those nearest to 2020.
int nearest_to_2020(int year) {
  if (year < 70) return year + 2000;
  if (year < 100) return year + 1900;
  if (year < 520) return year + 2000;
  if (year < 1000) return year + 1000;
  return year;
}

class DateTimeScanner {
 public:
  DateTimeScanner(std::string_view text, const Items& items, DateFieldsFound& found)
      : text_(text), items_(items), f_(found) {}

  Status run() {
    for (size_t i = 0; i < items_.size() && at_ < text_.size(); ++i) {
      const DateTemplateItem& item = items_[i];
      const bool pattern = item.kind == ItemKind::kPattern;
      if (!exact_ && !(pattern && item.pattern->field == DateField::kExact) && (pattern || i == 0)) skip_spaces();
      if (item.kind == ItemKind::kSpace || item.kind == ItemKind::kSeparator) {
        separator();
      } else if (!pattern) {
        if (!exact_ && extra_skipped_ > 0) --extra_skipped_;
        else skip_character();
      } else {
        RETURN_IF_ERROR(set_convention(item.pattern->convention));
        RETURN_IF_ERROR(field(i));
        if (!exact_) {
          extra_skipped_ = 0;
          skip_spaces();
        }
      }
    }
    return Status();
  }

 private:
  void skip_spaces() {
    for (; at_ < text_.size() && is_date_space(text_[at_]); ++at_) ++extra_skipped_;
  }
  void skip_character() { at_ += utf8_first_bytes(text_.substr(at_)); }
  void separator() {
    if (exact_) return skip_character();
    --extra_skipped_;
    if (at_ < text_.size() && (is_date_space(text_[at_]) || is_date_separator(text_[at_]))) {
      ++at_;
      ++extra_skipped_;
    }
  }

  Status set_convention(DateConvention convention) {
    if (convention == DateConvention::kNone) return Status();
    if (f_.convention == DateConvention::kNone) f_.convention = convention;
    if (f_.convention == convention) return Status();
    return format_error("invalid combination of date conventions", {},
                        "Do not mix Gregorian and ISO week date conventions in a formatting template.");
  }

  Status set(int& field, int value, const DateTemplateItem& item) {
    if (field != 0 && field != value)
      return format_error("conflicting values for \"" + std::string(item.pattern->name) + "\" field in formatting string",
                          "This value contradicts a previous setting for the same field type.");
    field = value;
    return Status();
  }

  /// What follows ends a number by itself.
  bool before_separator(size_t i) const {
    if (items_[i].ordinal || i + 1 == items_.size()) return true;
    const DateTemplateItem& next = items_[i + 1];
    if (next.kind == ItemKind::kPattern) return !next.pattern->is_number;
    return !(next.character.size() == 1 && is_date_digit(next.character[0]));
  }

  /// Digits as strtol reads them from `from`; returns the end (`from` if there are none).
  size_t integer(size_t from, size_t limit, int64_t& value) const {
    size_t at = from;
    while (at < limit && is_date_space(text_[at])) ++at;
    const bool negative = at < limit && text_[at] == '-';
    if (at < limit && (text_[at] == '-' || text_[at] == '+')) ++at;
    const size_t digits = at;
    value = 0;
    for (; at < limit && is_date_digit(text_[at]); ++at) value = std::min<int64_t>(value * 10 + (text_[at] - '0'), int64_t{1} << 40);
    if (negative) value = -value;
    return at == digits ? from : at;
  }

  /// Reads an integer of `length` characters, more where nothing can be confused. `taken` = bytes.
  Status number(size_t i, size_t length, int& field, int* taken = nullptr) {
    const DateTemplateItem& item = items_[i];
    const std::string name(item.pattern->name);
    const size_t begin = at_;
    size_t start = at_;
    while (start < text_.size() && is_date_space(text_[start])) ++start;
    const std::string_view copy = text_.substr(start, length);
    int64_t value = 0;
    size_t end = 0;
    if (item.fill_mode || before_separator(i)) {
      end = integer(begin, text_.size(), value);
    } else {
      if (copy.size() < length)
        return format_error("source string too short for \"" + name + "\" formatting field",
                            "Field requires " + std::to_string(length) + " characters, but only " +
                                std::to_string(copy.size()) + " remain.",
                            kFixedWidthHint);
      const size_t stop = integer(start, start + length, value);
      if (stop > start && stop - start < length)
        return format_error("invalid value \"" + whole_characters(copy) + "\" for \"" + name + "\"",
                            "Field requires " + std::to_string(length) + " characters, but only " +
                                std::to_string(stop - start) + " could be parsed.",
                            kFixedWidthHint);
      end = stop > start ? stop : begin;
    }
    if (end == begin)
      return format_error("invalid value \"" + whole_characters(copy) + "\" for \"" + name + "\"", "Value must be an integer.");
    if (value < INT_MIN || value > INT_MAX) {
      Error error{sqlstate::kDatetimeFieldOverflow, "value for \"" + name + "\" in source string is out of range", {}, {}, {}, 0};
      error.detail = "Value must be in the range -2147483648 to 2147483647.";
      return Status(std::move(error));
    }
    at_ = end;
    if (taken != nullptr) *taken = static_cast<int>(end - begin);
    return set(field, static_cast<int>(value), item);
  }

  Status numbered(size_t i, size_t length, int& field) {
    RETURN_IF_ERROR(number(i, length, field));
    if (items_[i].ordinal) at_ = std::min(at_ + 2, text_.size());
    return Status();
  }

  Status word(size_t i, std::span<const std::string_view> words, size_t letters, int& index) {
    const std::string_view rest = text_.substr(at_);
    for (size_t w = 0; w < words.size(); ++w) {
      const std::string_view sought = words[w].substr(0, letters);
      if (rest.size() < sought.size() || !equal_ignoring_ascii_case(rest.substr(0, sought.size()), sought)) continue;
      index = static_cast<int>(w);
      at_ += sought.size();
      return Status();
    }
    size_t end = 0;
    while (end < rest.size() && !is_date_space(rest[end])) ++end;
    return format_error("invalid value \"" + whole_characters(rest.substr(0, end)) + "\" for \"" + std::string(items_[i].pattern->name) + "\"",
                        "The given value did not match any of the allowed values for this field.");
  }
  Status named(size_t i, std::span<const std::string_view> words, int& field, int first, size_t letters = 99) {
    int index = 0;
    RETURN_IF_ERROR(word(i, words, letters, index));
    return set(field, index + first, items_[i]);
  }

  Status fraction(size_t i, int digits, int& field) {
    int taken = 0;
    RETURN_IF_ERROR(number(i, static_cast<size_t>(digits), field, &taken));
    for (; taken < (&field == &f_.milliseconds ? 3 : 6); ++taken) field *= 10;
    if (items_[i].ordinal) at_ = std::min(at_ + 2, text_.size());
    return Status();
  }

  Status year(size_t i) {
    const int digits = items_[i].pattern->digits;
    int taken = 0;
    RETURN_IF_ERROR(number(i, items_[i].pattern->name.size(), f_.year, &taken));
    if (digits < 4 && taken < 4) f_.year = nearest_to_2020(f_.year);
    f_.year_digits = digits;
    if (items_[i].ordinal) at_ = std::min(at_ + 2, text_.size());
    return Status();
  }

  Status year_with_comma(const DateTemplateItem& item) {
    int64_t thousands = 0, rest = 0;
    const size_t comma = integer(at_, text_.size(), thousands);
    size_t end = comma;
    if (comma > at_ && comma < text_.size() && text_[comma] == ',')
      end = integer(comma + 1, std::min(text_.size(), comma + 4), rest);
    if (end <= comma + 1) return format_error("invalid input string for \"Y,YYY\"", {});
    at_ = end;
    f_.year_digits = 4;
    return set(f_.year, static_cast<int>(rest + thousands * 1000), item);
  }

  void zone_sign() {
    if (text_[at_] == '+' || text_[at_] == '-' || text_[at_] == ' ') {
      f_.zone_sign = text_[at_] == '-' ? -1 : 1;
      ++at_;
    } else {
      // The minus may have passed for a separator.
      f_.zone_sign = extra_skipped_ > 0 && at_ > 0 && text_[at_ - 1] == '-' ? -1 : 1;
    }
  }

  Status field(size_t i) {
    const DateTemplateItem& item = items_[i];
    const size_t length = item.pattern->name.size();
    switch (item.pattern->field) {
      case DateField::kExact: exact_ = true; return Status();
      case DateField::kHalfDay: f_.half_day_clock = true; return named(i, kHalfDays, f_.afternoon, 0);
      case DateField::kHalfDayDotted: f_.half_day_clock = true; return named(i, kHalfDaysDotted, f_.afternoon, 0);
      case DateField::kEra: return named(i, kEras, f_.before_christ, 0);
      case DateField::kEraDotted: return named(i, kErasDotted, f_.before_christ, 0);
      case DateField::kHour12: f_.half_day_clock = true; return numbered(i, 2, f_.hour);
      case DateField::kHour24: return numbered(i, 2, f_.hour);
      case DateField::kMinute: return numbered(i, length, f_.minute);
      case DateField::kSecond: return numbered(i, length, f_.second);
      case DateField::kSecondOfDay: return numbered(i, length, f_.second_of_day);
      case DateField::kMillisecond: return fraction(i, 3, f_.milliseconds);
      case DateField::kMicrosecond: return fraction(i, 6, f_.microseconds);
      case DateField::kFraction: return fraction(i, item.pattern->digits, f_.microseconds);
      case DateField::kOutputOnly:
        return Status(sqlstate::kFeatureNotSupported,
                      "formatting field \"" + std::string(item.pattern->name) + "\" is only supported in to_char");
      case DateField::kZoneHours: zone_sign(); return number(i, 2, f_.zone_hours);
      case DateField::kZoneMinutes:
        if (f_.zone_sign == 0) f_.zone_sign = 1;
        return number(i, 2, f_.zone_minutes);
      case DateField::kMonthName: return named(i, kMonthNames, f_.month, 1);
      case DateField::kMonthShort: return named(i, kMonthNames, f_.month, 1, 3);
      case DateField::kMonth: return numbered(i, length, f_.month);
      case DateField::kRomanMonth: {
        int index = 0;
        RETURN_IF_ERROR(word(i, kRomans, 99, index));
        return set(f_.month, 12 - index, item);
      }
      case DateField::kDayName: return weekday(named(i, kDayNames, f_.day_of_week, 0));
      case DateField::kDayShort: return weekday(named(i, kDayNames, f_.day_of_week, 0, 3));
      case DateField::kDayOfYear: return numbered(i, length, f_.day_of_year);
      case DateField::kIsoDayOfYear: return numbered(i, 3, f_.day_of_year);
      case DateField::kDay: return numbered(i, length, f_.day);
      case DateField::kDayOfWeek: return numbered(i, length, f_.day_of_week);
      case DateField::kIsoDay:
        RETURN_IF_ERROR(number(i, 1, f_.day_of_week));
        if (++f_.day_of_week > 7) f_.day_of_week = 1;
        if (item.ordinal) at_ = std::min(at_ + 2, text_.size());
        return Status();
      case DateField::kWeekOfYear:
      case DateField::kIsoWeek: return numbered(i, length, f_.week_of_year);
      case DateField::kWeekOfMonth: return numbered(i, length, f_.week_of_month);
      case DateField::kQuarter: {
        int ignored = 0;
        return numbered(i, length, ignored);
      }
      case DateField::kCentury: return numbered(i, length, f_.century);
      case DateField::kJulian: return numbered(i, length, f_.julian);
      case DateField::kYearComma: return year_with_comma(item);
      case DateField::kYear: return year(i);
    }
    return Status();
  }
  Status weekday(Status status) {
    if (status.ok()) ++f_.day_of_week;
    return status;
  }

  const std::string_view text_;
  const Items& items_;
  DateFieldsFound& f_;
  size_t at_ = 0;
  int extra_skipped_ = 0;
  bool exact_ = false;
};

}  // namespace

Result<ScannedDateTime> scan_datetime(std::string_view text, std::string_view format) {
  const Items items = parse_date_template(format);
  DateFieldsFound found;
  RETURN_IF_ERROR(DateTimeScanner(text, items, found).run());
  return resolve_fields(found, text);
}

}  // namespace eventd::engine
