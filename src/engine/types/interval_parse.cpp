// Reading intervals: traditional and SQL forms by units, ISO 8601 by designators.
// Source: PostgreSQL 15 src/backend/utils/adt/datetime.c, DecodeInterval, DecodeISO8601Interval.
#include <charconv>
#include <cmath>

#include "engine/types/datetime.h"
#include "engine/types/datetime_fields.h"
#include "engine/types/int128.h"
#include "engine/types/integer_text.h"
#include "engine/types/interval.h"

namespace eventd::engine {
namespace {

enum class Unit { kMicrosecond, kMillisecond, kSecond, kMinute, kHour, kDay, kWeek, kMonth, kYear,
                  kDecade, kCentury, kMillennium, kNone };

struct UnitName {
  std::string_view name;
  Unit unit;
};
constexpr UnitName kUnits[] = {
    {"c", Unit::kCentury},       {"cent", Unit::kCentury},    {"centuries", Unit::kCentury}, {"century", Unit::kCentury},
    {"d", Unit::kDay},           {"day", Unit::kDay},         {"days", Unit::kDay},          {"dec", Unit::kDecade},
    {"decade", Unit::kDecade},   {"decades", Unit::kDecade},  {"decs", Unit::kDecade},       {"h", Unit::kHour},
    {"hour", Unit::kHour},       {"hours", Unit::kHour},      {"hr", Unit::kHour},           {"hrs", Unit::kHour},
    {"m", Unit::kMinute},        {"microsecon", Unit::kMicrosecond}, {"microsecond", Unit::kMicrosecond}, {"microseconds", Unit::kMicrosecond},
    {"mil", Unit::kMillennium},  {"millennia", Unit::kMillennium},   {"millennium", Unit::kMillennium},
    {"millisecon", Unit::kMillisecond}, {"millisecond", Unit::kMillisecond}, {"milliseconds", Unit::kMillisecond},
    {"mils", Unit::kMillennium}, {"min", Unit::kMinute},      {"mins", Unit::kMinute},       {"minute", Unit::kMinute},
    {"minutes", Unit::kMinute},  {"mon", Unit::kMonth},       {"mons", Unit::kMonth},        {"month", Unit::kMonth},
    {"months", Unit::kMonth},    {"ms", Unit::kMillisecond},  {"msec", Unit::kMillisecond},  {"mseconds", Unit::kMillisecond},
    {"msecs", Unit::kMillisecond}, {"s", Unit::kSecond},      {"sec", Unit::kSecond},        {"second", Unit::kSecond},
    {"seconds", Unit::kSecond},  {"secs", Unit::kSecond},     {"us", Unit::kMicrosecond},    {"usec", Unit::kMicrosecond},
    {"useconds", Unit::kMicrosecond}, {"usecs", Unit::kMicrosecond}, {"w", Unit::kWeek},     {"week", Unit::kWeek},
    {"weeks", Unit::kWeek},      {"y", Unit::kYear},          {"year", Unit::kYear},         {"years", Unit::kYear},
    {"yr", Unit::kYear},         {"yrs", Unit::kYear},        {"centurys", Unit::kCentury},
};

Unit unit_of(std::string_view word) {
  for (const UnitName& u : kUnits)
    if (u.name == word) return u.unit;
  return Unit::kNone;
}

/// Sums parts; fractions run down: years → months, months → days, days → time.
struct Sum {
  Int128 years = 0, months = 0, days = 0, micros = 0;

  void add_days_fraction(long double days_value) {
    const long double whole = std::trunc(days_value);
    days += static_cast<Int128>(whole);
    micros += static_cast<Int128>(std::rint((days_value - whole) * static_cast<long double>(kMicrosPerDay)));
  }
  void add_time(Int128 whole, long double fraction, int64_t unit) {
    micros += whole * unit + static_cast<Int128>(std::rint(fraction * static_cast<long double>(unit)));
  }
  // `whole` + `fraction` (same sign) of a unit.
  void add(Unit unit, Int128 whole, long double fraction) {
    switch (unit) {
      case Unit::kMicrosecond: micros += whole + static_cast<Int128>(std::rint(fraction)); break;
      case Unit::kMillisecond: add_time(whole, fraction, 1000); break;
      case Unit::kNone:
      case Unit::kSecond: add_time(whole, fraction, kMicrosPerSecond); break;
      case Unit::kMinute: add_time(whole, fraction, kMicrosPerMinute); break;
      case Unit::kHour: add_time(whole, fraction, kMicrosPerHour); break;
      case Unit::kDay:
        days += whole;
        add_days_fraction(fraction);
        break;
      case Unit::kWeek:
        days += whole * 7;
        add_days_fraction(fraction * 7);
        break;
      case Unit::kMonth:
        months += whole;
        add_days_fraction(fraction * 30);
        break;
      case Unit::kYear: add_years(whole, fraction, 1); break;
      case Unit::kDecade: add_years(whole, fraction, 10); break;
      case Unit::kCentury: add_years(whole, fraction, 100); break;
      case Unit::kMillennium: add_years(whole, fraction, 1000); break;
    }
  }
  void add_years(Int128 whole, long double fraction, int unit_years) {
    years += whole * unit_years;
    months += static_cast<Int128>(std::rint(fraction * unit_years * 12));
  }
};

struct Number {
  Int128 whole = 0;
  long double fraction = 0;
  bool negative = false, signed_explicitly = false, has_point = false;
};

/// One text being read.
class IntervalParser {
 public:
  IntervalParser(std::string_view text, int32_t fields)
      : whole_(text), text_(trim_input_space(text)), fields_(fields) {}

  Result<IntervalValue> run() {
    std::string lower(text_);
    for (char& c : lower)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    text_ = lower;
    const bool ok = text_.size() > 1 && text_[0] == 'p' ? iso8601() : traditional();
    if (!ok && !overflow_) {
      std::string message = "invalid input syntax for type interval: \"";
      return Status(sqlstate::kInvalidDatetimeFormat, message.append(whole_).append("\""));
    }
    IntervalValue value;
    const Int128 months = sum_.years * 12 + sum_.months;
    value.months = static_cast<int32_t>(months);
    value.days = static_cast<int32_t>(sum_.days);
    value.microseconds = static_cast<int64_t>(sum_.micros);
    if (overflow_ || !fits(sum_.years) || !fits(sum_.months) || !fits(sum_.days)) {
      std::string message = "interval field value out of range: \"";
      return Status(sqlstate::kIntervalFieldOverflow, message.append(whole_).append("\""));
    }
    if (value.microseconds != sum_.micros || value.months != months)
      return Status(sqlstate::kDatetimeFieldOverflow, "interval out of range");
    return value;
  }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  static bool fits(Int128 v) { return v >= INT32_MIN && v <= INT32_MAX; }
  static bool digit(char c) { return c >= '0' && c <= '9'; }
  void skip_space() {
    while (!at_end() && is_input_space(peek())) ++at_;
  }

  // Digits; sets overflow_ past what any field can hold.
  bool digits(Int128& value) {
    value = 0;
    const size_t start = at_;
    for (; digit(peek()); ++at_) {
      value = value * 10 + (peek() - '0');
      if (value > INT64_MAX) {
        overflow_ = true;
        return false;
      }
    }
    return at_ > start;
  }

  bool number(Number& n) {
    n = {};
    if (peek() == '+' || peek() == '-') {
      n.negative = peek() == '-';
      n.signed_explicitly = true;
      ++at_;
      skip_space();
    }
    const bool whole = digits(n.whole);
    if (overflow_) return false;
    bool fraction = false;
    if (peek() == '.') {
      ++at_;
      n.has_point = true;
      long double place = 0.1L;
      for (; digit(peek()); ++at_, place /= 10) {
        n.fraction += (peek() - '0') * place;
        fraction = true;
      }
    }
    if (!whole && !fraction) return false;
    if (n.negative) {
      n.whole = -n.whole;
      n.fraction = -n.fraction;
    }
    return true;
  }

  // What a number without a unit counts.
  Unit default_unit() const {
    if (fields_ == kIntervalAllFields || (fields_ & kIntervalSecond) != 0) return Unit::kSecond;
    if ((fields_ & kIntervalMinute) != 0) return Unit::kMinute;
    if ((fields_ & kIntervalHour) != 0) return Unit::kHour;
    if ((fields_ & kIntervalDay) != 0) return Unit::kDay;
    return (fields_ & kIntervalMonth) != 0 ? Unit::kMonth : Unit::kYear;
  }

  // hh:mm[:ss[.ffffff]], with `hours` read already.
  bool clock(const Number& hours) {
    Int128 minutes = 0, seconds = 0, total = 0;
    if (hours.has_point) return false;
    const Int128 h = hours.negative ? -hours.whole : hours.whole;
    ++at_;  // ':'
    if (!digits(minutes)) return false;
    long double fraction = 0;
    const auto read_fraction = [&] {
      if (peek() != '.') return;
      ++at_;
      long double place = 0.1L;
      for (; digit(peek()); ++at_, place /= 10) fraction += (peek() - '0') * place;
    };
    if (peek() == ':') {
      ++at_;
      if (!digits(seconds)) return false;
      read_fraction();
      total = h * kMicrosPerHour;
    } else if (peek() == '.' || fields_ == (kIntervalMinute | kIntervalSecond)) {
      // mm:ss.fff
      read_fraction();
      seconds = minutes;
      minutes = h;
      if (minutes > 59) overflow_ = true;
    } else {
      total = h * kMicrosPerHour;
    }
    if (minutes > 59 || seconds > 60) {
      overflow_ = true;
      return false;
    }
    total += minutes * kMicrosPerMinute + seconds * kMicrosPerSecond +
             static_cast<Int128>(std::rint(fraction * 1e6L));
    sum_.micros += hours.negative ? -total : total;
    return true;
  }

  // "1 12:34:56", "1 2 hours", and "1 2" of DAY TO HOUR: a bare number before hours is days.
  bool hours_follow() const {
    size_t look = at_;
    if (text_[look] == '+' || text_[look] == '-') ++look;
    const size_t start = look;
    while (look < text_.size() && digit(text_[look])) ++look;
    if (look == start) return false;
    if (look < text_.size() && text_[look] == ':') return true;
    while (look < text_.size() && is_input_space(text_[look])) ++look;
    size_t end = look;
    while (end < text_.size() && text_[end] >= 'a' && text_[end] <= 'z') ++end;
    if (end > look) return unit_of(text_.substr(look, end - look)) == Unit::kHour;
    return look == text_.size() && default_unit() == Unit::kHour;
  }

  // Seconds with a fraction stand for milli- and microseconds too.
  static constexpr unsigned kAllSeconds = 1u << static_cast<unsigned>(Unit::kSecond) |
                                          1u << static_cast<unsigned>(Unit::kMillisecond) |
                                          1u << static_cast<unsigned>(Unit::kMicrosecond);

  bool traditional() {
    if (peek() == '@') ++at_;
    bool any = false, ago = false;
    unsigned seen_units = 0;
    for (skip_space(); !at_end(); skip_space()) {
      if (ago) return false;
      const char c = peek();
      if (c >= 'a' && c <= 'z') {
        const std::string_view word = take_word();
        if (word == "ago" && any) {
          ago = true;
          continue;
        }
        return false;
      }
      Number n;
      if (!number(n)) return false;
      if (peek() == ':') {
        // A time stands for hours, minutes and seconds.
        constexpr unsigned kClock = 1u << static_cast<unsigned>(Unit::kHour) | 1u << static_cast<unsigned>(Unit::kMinute) |
                                    kAllSeconds;
        if ((seen_units & kClock) != 0 || !clock(n)) return false;
        seen_units |= kClock;
        any = true;
        continue;
      }
      if (peek() == '-' && !n.has_point && at_ + 1 < text_.size() && digit(text_[at_ + 1])) {
        // SQL's years-months.
        ++at_;
        Int128 months = 0;
        if (!digits(months)) return false;
        if (months > 11) {
          overflow_ = true;
          return false;
        }
        sum_.years += n.whole;
        sum_.months += n.negative ? -months : months;
        any = true;
        continue;
      }
      skip_space();
      Unit unit = Unit::kNone;
      if (peek() >= 'a' && peek() <= 'z') {
        const size_t before = at_;
        const std::string_view word = take_word();
        if (word == "ago") at_ = before;
        else if ((unit = unit_of(word)) == Unit::kNone) return false;
      } else if (!at_end()) {
        if (!hours_follow()) return false;
        unit = Unit::kDay;
      }
      // Each unit once.
      if (unit == Unit::kNone) unit = default_unit();
      const bool parts = unit == Unit::kSecond && n.fraction != 0;
      const unsigned bits = parts ? kAllSeconds : 1u << static_cast<unsigned>(unit);
      if ((seen_units & bits) != 0) return false;
      seen_units |= bits;
      sum_.add(unit, n.whole, n.fraction);
      any = true;
    }
    if (ago) {
      sum_.years = -sum_.years;
      sum_.months = -sum_.months;
      sum_.days = -sum_.days;
      sum_.micros = -sum_.micros;
    }
    return any;
  }

  std::string_view take_word() {
    const size_t start = at_;
    while (!at_end() && peek() >= 'a' && peek() <= 'z') ++at_;
    return text_.substr(start, at_ - start);
  }

  bool iso8601() {
    ++at_;  // 'p'
    bool time = false, any = false;
    while (!at_end()) {
      if (peek() == 't') {
        if (time) return false;
        time = any = true;
        ++at_;
        continue;
      }
      Number n;
      if (!number(n)) return false;
      any = true;
      const char c = peek();
      if (time && (c == ':' || at_end())) {
        if (at_end()) return false;
        if (!clock(n)) return false;
        continue;
      }
      if (!time && c == '-') {
        // P0001-02-03 alternative form.
        ++at_;
        Int128 months = 0, days = 0;
        if (!digits(months)) return false;
        if (peek() == '-') {
          ++at_;
          if (!digits(days)) return false;
        }
        sum_.years += n.whole;
        sum_.months += months;
        sum_.days += days;
        continue;
      }
      ++at_;
      Unit unit = Unit::kNone;
      switch (c) {
        case 'y': unit = Unit::kYear; break;
        case 'm': unit = time ? Unit::kMinute : Unit::kMonth; break;
        case 'w': unit = Unit::kWeek; break;
        case 'd': unit = Unit::kDay; break;
        case 'h': unit = Unit::kHour; break;
        case 's': unit = Unit::kSecond; break;
        default: return false;
      }
      const bool is_time_unit = c == 'h' || c == 's' || (c == 'm' && time);
      if (is_time_unit != time) return false;
      sum_.add(unit, n.whole, n.fraction);
    }
    return any;
  }

  std::string_view whole_;
  std::string_view text_;
  int32_t fields_;
  size_t at_ = 0;
  bool overflow_ = false;
  Sum sum_;
};

}  // namespace

Result<IntervalValue> parse_interval(std::string_view text, int32_t modifier) {
  return IntervalParser(text, interval_fields(modifier)).run();
}

std::string_view interval_fields_name(int32_t fields) {
  switch (fields) {
    case kIntervalYear: return "year";
    case kIntervalMonth: return "month";
    case kIntervalDay: return "day";
    case kIntervalHour: return "hour";
    case kIntervalMinute: return "minute";
    case kIntervalSecond: return "second";
    case kIntervalYear | kIntervalMonth: return "year to month";
    case kIntervalDay | kIntervalHour: return "day to hour";
    case kIntervalDay | kIntervalHour | kIntervalMinute: return "day to minute";
    case kIntervalDay | kIntervalHour | kIntervalMinute | kIntervalSecond: return "day to second";
    case kIntervalHour | kIntervalMinute: return "hour to minute";
    case kIntervalHour | kIntervalMinute | kIntervalSecond: return "hour to second";
    case kIntervalMinute | kIntervalSecond: return "minute to second";
    default: return {};
  }
}

// AdjustIntervalForTypmod().
IntervalValue fit_interval(const IntervalValue& value, int32_t modifier) {
  IntervalValue result = value;
  if (modifier < 0) return result;
  const int32_t fields = interval_fields(modifier);
  if (fields != kIntervalAllFields) {
    constexpr int32_t kTimeOfDay = kIntervalHour | kIntervalMinute | kIntervalSecond;
    const auto truncate = [&](int64_t unit) { result.microseconds -= result.microseconds % unit; };
    if (fields == kIntervalYear) result.months = result.months / 12 * 12;
    if ((fields & (kIntervalYear | kIntervalMonth)) != 0) result.days = 0;
    if ((fields & kTimeOfDay) == 0) result.microseconds = 0;
    if ((fields & kIntervalSecond) == 0 && (fields & kIntervalMinute) != 0) {
      truncate(kMicrosPerMinute);
    } else if ((fields & kTimeOfDay) == kIntervalHour) {
      truncate(kMicrosPerHour);
    }
  }
  const int32_t precision = modifier & 0xffff;
  if (precision <= 6) result.microseconds = round_to_digits(result.microseconds, precision);
  return result;
}

}  // namespace eventd::engine
