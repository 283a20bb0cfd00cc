#include "engine/types/datetime_parser.h"

#include <charconv>
#include <cmath>
#include <string>

#include "engine/types/integer_text.h"
#include "engine/types/time_zone.h"

namespace eventd::engine {
namespace {

constexpr size_t kTextMax = 256;  // PostgreSQL: MAXDATELEN and its field buffers

bool digit(char c) { return c >= '0' && c <= '9'; }
bool alpha(char c) { return (c >= 'a' && c <= 'z') || (static_cast<uint8_t>(c) & 0x80) != 0; }

constexpr std::string_view kMonths[] = {"january", "february", "march",     "april",   "may",      "june",
                                        "july",    "august",   "september", "october", "november", "december"};
constexpr std::string_view kDays[] = {"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"};

int month_of(std::string_view word) {
  for (int i = 0; i < 12; ++i)
    if (word == kMonths[i] || word == kMonths[i].substr(0, 3) || (i == 8 && word == "sept")) return i + 1;
  return 0;
}
bool is_day_name(std::string_view word) {
  for (const std::string_view day : kDays)
    if (word == day || word == day.substr(0, 3)) return true;
  return word == "tues" || word == "wedn" || word == "wednes" || word == "thur" || word == "thurs";
}

struct Number {
  int64_t value = 0;
  size_t digits = 0;
};

class Splitter {
 public:
  Splitter(std::string_view text, DateOrder order, std::string_view type_name)
      : original_(text),
        order_(order),
        type_name_(type_name),
        time_only_(type_name == "time" || type_name == "time with time zone") {}

  Result<ParsedDateTime> run();

 private:
  enum class Half : uint8_t { kNone, kAm, kPm };

  Status invalid() const {
    std::string message = "invalid input syntax for type ";
    return Status(sqlstate::kInvalidDatetimeFormat,
                  message.append(type_name_).append(": \"").append(original_).append("\""));
  }
  Status field_overflow(bool maybe_style = false) const {
    Error error{sqlstate::kDatetimeFieldOverflow, "date/time field value out of range: \"", {}, {}, {}, 0};
    error.message.append(original_).append("\"");
    if (maybe_style) error.hint = "Perhaps you need a different \"datestyle\" setting.";
    return Status(std::move(error));
  }

  bool at_end() const { return at_ >= text_.size(); }
  char peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  Number take_number() {
    Number n;
    for (; digit(peek()); ++at_, ++n.digits)
      if (n.value < 1'000'000'000'000) n.value = n.value * 10 + (peek() - '0');
    return n;
  }

  Status number_field();
  Status time_field(Number hour);
  Status date_field(Number first);
  Status word_field();
  Status zone_offset();
  Status resolve_date();
  Status finish_time();
  // .ffffff at at_, rounded to microseconds.
  void fraction();

  std::string_view original_;
  std::string text_;  // lower case
  DateOrder order_;
  std::string_view type_name_;
  bool time_only_;  // bare digits are a time
  size_t at_ = 0;

  ParsedDateTime result_;
  Half half_ = Half::kNone;
  bool bc_ = false;
  int text_month_ = 0;
  Number numbers_[3];  // parts of a date, in order of appearance
  int number_count_ = 0;
  bool iso_time_next_ = false;
};

void Splitter::fraction() {
  ++at_;  // '.'
  int64_t micros = 0;
  int place = 0;
  for (; digit(peek()); ++at_, ++place) {
    if (place < 6) micros = micros * 10 + (peek() - '0');
    else if (place == 6 && peek() >= '5') ++micros;  // half up: time is never negative here
  }
  for (; place < 6; ++place) micros *= 10;
  result_.fields.microsecond = static_cast<int32_t>(micros);
}

Status Splitter::time_field(Number hour) {
  if (result_.has_time) return invalid();
  result_.has_time = true;
  DateTimeFields& f = result_.fields;
  ++at_;  // ':'
  const Number minute = take_number();
  if (minute.digits == 0) return invalid();
  Number second;
  if (peek() == ':') {
    ++at_;
    second = take_number();
    if (second.digits == 0) return invalid();
    if (peek() == '.') fraction();
  }
  if (hour.value > 24 || minute.value > 59 || second.value > 60) return field_overflow();
  f.hour = static_cast<int32_t>(hour.value);
  f.minute = static_cast<int32_t>(minute.value);
  f.second = static_cast<int32_t>(second.value);
  return Status();
}

// A date of numbers (and a month's name) with '-', '/' or '.' between.
Status Splitter::date_field(Number first) {
  if (result_.has_date || number_count_ > 0) return invalid();
  numbers_[number_count_++] = first;
  const char delimiter = peek();
  while (peek() == delimiter && number_count_ < 3) {
    ++at_;
    if (alpha(peek()) && text_month_ == 0) {
      const size_t start = at_;
      while (alpha(peek())) ++at_;
      text_month_ = month_of(std::string_view(text_).substr(start, at_ - start));
      if (text_month_ == 0) return invalid();
    } else {
      numbers_[number_count_++] = take_number();
      if (numbers_[number_count_ - 1].digits == 0) return invalid();
    }
    if (number_count_ + (text_month_ != 0) == 3) break;
  }
  // Two parts: year.day-of-year ("1999.008").
  if (number_count_ + (text_month_ != 0) == 2 && delimiter == '.' && first.digits >= 4 &&
      numbers_[1].digits == 3) {
    const int64_t days = days_from_civil(first.value, 1, 1) + numbers_[1].value - 1;
    if (numbers_[1].value < 1 || numbers_[1].value > 366) return field_overflow();
    result_.fields.date = civil_from_days(days);
    result_.has_date = true;
    number_count_ = 0;
    return Status();
  }
  if (number_count_ + (text_month_ != 0) != 3) return invalid();
  return resolve_date();
}

Status Splitter::resolve_date() {
  result_.has_date = true;
  int64_t year = 0, month = 0, day = 0;
  size_t year_digits = 0;
  const auto set_year = [&](const Number& n) {
    year = n.value;
    year_digits = n.digits;
  };
  const Number *a = &numbers_[0], *b = &numbers_[1], *c = &numbers_[2];
  if (text_month_ != 0) {
    if (number_count_ != 2) return invalid();
    month = text_month_;
    // The part with three or more digits is the year; else the year comes last (first in YMD).
    const bool year_first = a->digits >= 3 || (b->digits < 3 && order_ == DateOrder::kYmd);
    set_year(year_first ? *a : *b);
    day = (year_first ? b : a)->value;
  } else {
    if (number_count_ != 3) return invalid();
    if (a->digits >= 3 || (order_ == DateOrder::kYmd && c->digits < 3)) {
      set_year(*a);
      month = b->value;
      day = c->value;
    } else {
      const bool day_first = order_ == DateOrder::kDmy;
      month = (day_first ? b : a)->value;
      day = (day_first ? a : b)->value;
      set_year(*c);
    }
  }
  number_count_ = 0;
  if (year_digits <= 2 && !bc_) year += year < 70 ? 2000 : 1900;
  if (month < 1 || month > 12) return field_overflow(true);
  if (year > 6'000'000) return field_overflow();
  if (day < 1 || day > 31) return field_overflow(true);
  result_.fields.date = {static_cast<int32_t>(year), static_cast<int32_t>(month), static_cast<int32_t>(day)};
  return Status();
}

Status Splitter::number_field() {
  const Number n = take_number();
  const char c = peek();
  if (iso_time_next_ && c != ':') {
    iso_time_next_ = false;
    if (result_.has_time || (n.digits != 6 && n.digits != 4 && n.digits != 2)) return invalid();
    const int64_t v = n.digits == 6 ? n.value : n.digits == 4 ? n.value * 100 : n.value * 10'000;
    result_.has_time = true;
    result_.fields.hour = static_cast<int32_t>(v / 10'000);
    result_.fields.minute = static_cast<int32_t>(v / 100 % 100);
    result_.fields.second = static_cast<int32_t>(v % 100);
    if (result_.fields.hour > 24 || result_.fields.minute > 59 || result_.fields.second > 60) return field_overflow();
    if (peek() == '.') fraction();
    return Status();
  }
  if (c == ':') {
    iso_time_next_ = false;
    return time_field(n);
  }
  const bool complete = result_.has_date;
  if ((c == '-' || c == '/' || c == '.') && !complete && number_count_ == 0 && text_month_ == 0) return date_field(n);
  // "10 am"
  size_t look = at_;
  while (look < text_.size() && is_input_space(text_[look])) ++look;
  const std::string_view rest = std::string_view(text_).substr(look);
  if ((rest.starts_with("am") || rest.starts_with("pm")) && (rest.size() == 2 || !alpha(rest[2])) && !result_.has_time && n.digits <= 2) {
    if (n.value > 12) return field_overflow();
    result_.has_time = true;
    result_.fields.hour = static_cast<int32_t>(n.value);
    return Status();
  }
  if (complete || (time_only_ && number_count_ == 0 && text_month_ == 0 && (n.digits == 6 || n.digits == 4))) {
    // hhmmss or hhmm behind a date, or where only a time is wanted.
    if (result_.has_time || (n.digits != 6 && n.digits != 4)) return invalid();
    iso_time_next_ = true;
    at_ -= n.digits;
    return number_field();
  }
  if (!complete && number_count_ == 0 && text_month_ == 0 && (n.digits == 8 || n.digits == 6)) {
    // yyyymmdd, yymmdd
    int64_t year = n.value / 10'000;
    if (n.digits == 6) year += year < 70 ? 2000 : 1900;
    const int64_t month = n.value / 100 % 100, day = n.value % 100;
    if (month < 1 || month > 12 || day < 1 || day > 31) return field_overflow();
    result_.fields.date = {static_cast<int32_t>(year), static_cast<int32_t>(month), static_cast<int32_t>(day)};
    result_.has_date = true;
    return Status();
  }
  if (number_count_ >= 2) return invalid();
  numbers_[number_count_++] = n;
  if (number_count_ == 2 && text_month_ != 0) return resolve_date();
  return Status();
}

Status Splitter::zone_offset() {
  if (result_.offset_seconds || result_.zone != nullptr) return invalid();
  const int sign = peek() == '-' ? -1 : 1;
  ++at_;
  const Number first = take_number();
  int64_t hours = first.value, minutes = 0, seconds = 0;
  if (peek() == ':') {
    ++at_;
    minutes = take_number().value;
    if (peek() == ':') {
      ++at_;
      seconds = take_number().value;
    }
  } else if (first.digits > 4) {
    hours = first.value / 10'000;
    minutes = first.value / 100 % 100;
    seconds = first.value % 100;
  } else if (first.digits > 2) {
    hours = first.value / 100;
    minutes = first.value % 100;
  }
  if (first.digits == 0) return invalid();
  if (hours > 15 || minutes > 59 || seconds > 59) {
    std::string message = "time zone displacement out of range: \"";
    return Status(sqlstate::kInvalidTimeZoneDisplacement, message.append(original_).append("\""));
  }
  result_.offset_seconds = static_cast<int32_t>(sign * (hours * 3600 + minutes * 60 + seconds));
  return Status();
}

Status Splitter::word_field() {
  const size_t start = at_;
  while (alpha(peek())) ++at_;
  std::string_view word = std::string_view(text_).substr(start, at_ - start);
  const auto special = [&](DateTimeSpecial s) {
    if (result_.special != DateTimeSpecial::kNone) return invalid();
    result_.special = s;
    return Status();
  };
  if (word == "t" && (result_.has_date || time_only_) && (digit(peek()) || is_input_space(peek()))) {
    iso_time_next_ = true;
    return Status();
  }
  if (word == "j" && digit(peek()) && !result_.has_date) {
    const Number julian = take_number();
    if (julian.value > 2'147'483'647 || julian.digits > 10) return field_overflow();
    result_.fields.date = civil_from_days(julian.value - 2'451'545);
    result_.has_date = true;
    return Status();
  }
  if (const int month = month_of(word)) {
    if (text_month_ != 0 || result_.has_date) return invalid();
    text_month_ = month;
    // "Jan-08-1999", "Jan 8, 1999"
    if (peek() == '-' || peek() == '/' || peek() == '.') {
      while (number_count_ < 2 && (peek() == '-' || peek() == '/' || peek() == '.') && digit(peek(1))) {
        ++at_;
        numbers_[number_count_++] = take_number();
      }
    }
    return number_count_ == 2 ? resolve_date() : Status();
  }
  if (is_day_name(word) || word == "at" || word == "on") return Status();
  if (word == "am" || word == "pm") {
    if (half_ != Half::kNone) return invalid();
    half_ = word == "am" ? Half::kAm : Half::kPm;
    return Status();
  }
  if (word == "bc" || word == "ad") {
    bc_ = word == "bc";
    return Status();
  }
  if (word == "now") return special(DateTimeSpecial::kNow);
  if (word == "today") return special(DateTimeSpecial::kToday);
  if (word == "tomorrow") return special(DateTimeSpecial::kTomorrow);
  if (word == "yesterday") return special(DateTimeSpecial::kYesterday);
  if (word == "epoch") return special(DateTimeSpecial::kEpoch);
  if (word == "infinity" || word == "inf") return special(DateTimeSpecial::kInfinity);
  if (word == "allballs") {
    if (result_.has_time) return invalid();
    result_.has_time = true;
    result_.offset_seconds = 0;
    return Status();
  }
  // A zone: an abbreviation, or a name that may go on with '/', '_', '+', '-', digits.
  while (!at_end() && (alpha(peek()) || digit(peek()) || peek() == '/' || peek() == '_' || peek() == '+' || peek() == '-')) ++at_;
  word = std::string_view(text_).substr(start, at_ - start);
  if (result_.offset_seconds || result_.zone != nullptr) return invalid();
  const TimeZone* zone = TimeZone::find(word);
  if (zone == nullptr) {
    if (word.find('/') == std::string_view::npos && word.find('_') == std::string_view::npos) return invalid();
    std::string message = "time zone \"";
    return Status(sqlstate::kInvalidParameterValue, message.append(word).append("\" not recognized"));
  }
  if (zone->is_fixed()) result_.offset_seconds = zone->seconds_east_at(0);
  else result_.zone = zone;
  return Status();
}

Status Splitter::finish_time() {
  DateTimeFields& f = result_.fields;
  if (half_ != Half::kNone) {
    if (!result_.has_time) return invalid();
    if (f.hour > 12) return field_overflow();
    if (half_ == Half::kAm && f.hour == 12) f.hour = 0;
    if (half_ == Half::kPm && f.hour != 12) f.hour += 12;
  }
  if (f.hour == 24 && (f.minute > 0 || f.second > 0 || f.microsecond > 0)) return field_overflow();
  if (f.second == 60 && f.microsecond > 0) return field_overflow();
  return Status();
}

Result<ParsedDateTime> Splitter::run() {
  const std::string_view trimmed = trim_input_space(original_);
  if (trimmed.empty() || trimmed.size() > kTextMax) return invalid();
  text_ = trimmed;
  for (char& c : text_)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  bc_ = text_.ends_with("bc");
  while (!at_end()) {
    const char c = peek();
    if (is_input_space(c) || c == ',') {
      ++at_;
    } else if (digit(c)) {
      RETURN_IF_ERROR(number_field());
    } else if (alpha(c)) {
      RETURN_IF_ERROR(word_field());
    } else if ((c == '+' || c == '-') && digit(peek(1))) {
      if (!result_.has_time && !result_.has_date) return invalid();
      RETURN_IF_ERROR(zone_offset());
    } else if ((c == '+' || c == '-') && alpha(peek(1))) {
      ++at_;
      RETURN_IF_ERROR(word_field());
      if (c == '+' || result_.special != DateTimeSpecial::kInfinity) return invalid();
      result_.special = DateTimeSpecial::kMinusInfinity;
    } else if (c == '(' || c == ')') {
      ++at_;
    } else {
      return invalid();
    }
  }
  if (number_count_ > 0 || (text_month_ != 0 && !result_.has_date)) return invalid();
  RETURN_IF_ERROR(finish_time());
  const bool special = result_.special != DateTimeSpecial::kNone;
  if (special && result_.has_date) return invalid();
  if (special && result_.has_time && result_.special != DateTimeSpecial::kToday &&
      result_.special != DateTimeSpecial::kTomorrow && result_.special != DateTimeSpecial::kYesterday)
    return invalid();
  if (!special && !result_.has_date && !result_.has_time) return invalid();
  if (result_.has_date) {
    CivilDate& date = result_.fields.date;
    if (bc_) {
      if (date.year <= 0) return field_overflow();
      date.year = 1 - date.year;
    } else if (date.year == 0 && type_name_ != "time") {
      return field_overflow();
    }
    if (date.day > days_in_month(date.year, date.month)) return field_overflow();
  }
  return result_;
}

}  // namespace

Result<ParsedDateTime> split_datetime(std::string_view text, DateOrder order, std::string_view type_name) {
  return Splitter(text, order, type_name).run();
}

}  // namespace eventd::engine
