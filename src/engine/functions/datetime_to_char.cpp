// to_char(timestamp, text), to_char(timestamptz, text), to_char(interval, text).
// Source of the patterns: PostgreSQL manual, table 9.26.
#include <cstdio>

#include "engine/functions/datetime_functions.h"
#include "engine/types/integer_text.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;

constexpr const char* kMonths[] = {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"};
constexpr const char* kDays[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
constexpr const char* kRoman[] = {"I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"};

/// What the patterns show.
struct Parts {
  DateTimeFields fields;
  int64_t days = 0;  // since 2000-01-01
  int64_t hours = 0;
  bool is_interval = false;
  TimeZone::Offset zone;
  bool has_zone = false;
};

std::string cased(std::string_view text, std::string_view pattern) {
  std::string out(text);
  const bool upper = pattern[0] < 'a' && pattern[1] < 'a', lower = pattern[0] >= 'a';
  for (char& c : out) {
    if (upper && c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
    if (lower && c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

/// One format applied to one value.
class DatetimeFormatter {
 public:
  DatetimeFormatter(const Parts& parts, std::string_view format, std::string& out) : p_(parts), format_(format), out_(out) {}

  void run() {
    while (at_ < format_.size()) {
      if (format_[at_] == '"') {
        quoted();
      } else if (format_[at_] == '\\' && at_ + 1 < format_.size() && format_[at_ + 1] == '"') {
        out_.push_back('"');
        at_ += 2;
      } else {
        fill_ = true;
        while (take("FM") || take("FX") || take("TM")) {
          if (format_[at_ - 2] == 'F' && format_[at_ - 1] == 'M') fill_ = false;
        }
        if (!pattern() && at_ < format_.size()) out_.push_back(format_[at_++]);
      }
    }
  }

 private:
  bool take(std::string_view word) {
    if (!format_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  // In any case.
  bool take_any(std::string_view word) {
    if (format_.size() - at_ < word.size()) return false;
    for (size_t i = 0; i < word.size(); ++i) {
      const char c = format_[at_ + i];
      if ((c >= 'a' && c <= 'z' ? c - 32 : c) != word[i]) return false;
    }
    at_ += word.size();
    return true;
  }
  void quoted() {
    for (++at_; at_ < format_.size() && format_[at_] != '"'; ++at_) {
      if (format_[at_] == '\\' && at_ + 1 < format_.size()) ++at_;
      out_.push_back(format_[at_]);
    }
    ++at_;
  }
  void number(int64_t value, int width) {
    char buffer[32];
    const int padded = fill_ ? width + (value < 0) : 0;
    snprintf(buffer, sizeof buffer, "%0*lld", padded, static_cast<long long>(value));
    out_ += buffer;
    ordinal(value);
  }
  void ordinal(int64_t value) {
    const bool upper = take("TH");
    if (!upper && !take("th")) return;
    const int64_t last = value % 10;
    const bool teen = value / 10 % 10 == 1;
    const char* suffix = teen ? "th" : last == 1 ? "st" : last == 2 ? "nd" : last == 3 ? "rd" : "th";
    for (const char* c = suffix; *c != '\0'; ++c) out_.push_back(upper ? static_cast<char>(*c - 32) : *c);
  }
  void word(const std::string& text, size_t width) {
    out_ += text;
    if (fill_ && text.size() < width) out_.append(width - text.size(), ' ');
  }
  int64_t shown_year() const { return p_.is_interval || p_.fields.date.year > 0 ? p_.fields.date.year : 1 - p_.fields.date.year; }
  std::string_view from(size_t start) const { return format_.substr(start, at_ - start); }
  void half_day(const char* am, const char* pm) { out_ += p_.hours % 24 >= 12 ? pm : am; }
  int64_t clock_hour() const { return p_.hours % 12 == 0 ? 12 : p_.hours % 12; }

  bool pattern() {
    const size_t start = at_;
    const DateTimeFields& f = p_.fields;
    const int64_t day_of_year = p_.is_interval ? int64_t{f.date.month} * 30 + f.date.day : p_.days - days_from_civil(f.date.year, 1, 1) + 1;
    const int64_t us = f.microsecond;
    // Longest first where one pattern begins another.
    if (take_any("HH24")) number(p_.hours, 2);
    else if (take_any("HH12") || take_any("HH")) number(clock_hour(), 2);
    else if (take_any("MI")) number(f.minute, 2);
    else if (take_any("SSSSS") || take_any("SSSS")) number((p_.hours * 60 + f.minute) * 60 + f.second, 0);
    else if (take_any("SS")) number(f.second, 2);
    else if (take_any("MS")) number(us / 1000, 3);
    else if (take_any("US")) number(us, 6);
    else if (take_any("FF1")) number(us / 100'000, 1);
    else if (take_any("FF2")) number(us / 10'000, 2);
    else if (take_any("FF3")) number(us / 1000, 3);
    else if (take_any("FF4")) number(us / 100, 4);
    else if (take_any("FF5")) number(us / 10, 5);
    else if (take_any("FF6")) number(us, 6);
    else if (take("AM") || take("PM")) half_day("AM", "PM");
    else if (take("am") || take("pm")) half_day("am", "pm");
    else if (take("A.M.") || take("P.M.")) half_day("A.M.", "P.M.");
    else if (take("a.m.") || take("p.m.")) half_day("a.m.", "p.m.");
    else if (take("TZH")) zone_hours();
    else if (take("TZM")) zone_minutes();
    else if (take("TZ")) out_ += p_.zone.abbreviation;
    else if (take("tz")) out_ += cased(p_.zone.abbreviation, "tz");
    else if (take("OF")) zone_offset();
    else if (take_any("Y,YYY")) {
      char buffer[32];
      snprintf(buffer, sizeof buffer, "%lld,%03lld", static_cast<long long>(shown_year() / 1000), static_cast<long long>(shown_year() % 1000));
      out_ += buffer;
    } else if (take_any("IYYY")) number(iso_week_of(p_.days).year, 4);
    else if (take_any("IYY")) number(iso_week_of(p_.days).year % 1000, 3);
    else if (take_any("IY")) number(iso_week_of(p_.days).year % 100, 2);
    else if (take_any("IDDD")) {
      const IsoWeek iso = iso_week_of(p_.days);
      number((iso.week - 1) * 7 + (day_of_week(p_.days) + 6) % 7 + 1, 3);
    } else if (take_any("ID")) number(day_of_week(p_.days) == 0 ? 7 : day_of_week(p_.days), 0);
    else if (take_any("IW")) number(iso_week_of(p_.days).week, 2);
    else if (take_any("I")) number(iso_week_of(p_.days).year % 10, 1);
    else if (take_any("YYYY")) number(shown_year(), 4);
    else if (take_any("YYY")) number(shown_year() % 1000, 3);
    else if (take_any("YY")) number(shown_year() % 100, 2);
    else if (take_any("Y")) number(shown_year() % 10, 1);
    else if (take_any("MONTH")) name(kMonths, f.date.month - 1, from(start), 9, 0);
    else if (take_any("MON")) name(kMonths, f.date.month - 1, from(start), 0, 3);
    else if (take_any("MM")) number(f.date.month, 2);
    else if (take_any("DAY")) name(kDays, day_of_week(p_.days), from(start), 9, 0);
    else if (take_any("DDD")) number(day_of_year, 3);
    else if (take_any("DD")) number(f.date.day, 2);
    else if (take_any("DY")) name(kDays, day_of_week(p_.days), from(start), 0, 3);
    else if (take_any("D")) number(day_of_week(p_.days) + 1, 0);
    else if (take_any("WW")) number((day_of_year - 1) / 7 + 1, 2);
    else if (take_any("W")) number((f.date.day - 1) / 7 + 1, 0);
    else if (take_any("CC")) number((shown_year() + 99) / 100, 2);
    else if (take_any("Q")) number((f.date.month - 1) / 3 + 1, 0);
    else if (take_any("J")) number(p_.days + 2'451'545, 0);
    else if (take("RM")) roman(false);
    else if (take("rm")) roman(true);
    else if (take("BC") || take("AD")) out_ += f.date.year <= 0 ? "BC" : "AD";
    else if (take("bc") || take("ad")) out_ += f.date.year <= 0 ? "bc" : "ad";
    else if (take("B.C.") || take("A.D.")) out_ += f.date.year <= 0 ? "B.C." : "A.D.";
    else return false;
    return true;
  }

  void name(const char* const* names, int32_t index, std::string_view spelled, size_t width, size_t cut) {
    if (p_.is_interval) return;
    std::string_view text = names[index];
    if (cut > 0) text = text.substr(0, cut);
    word(cased(text, spelled), width);
  }
  void roman(bool lower) {
    if (p_.fields.date.month < 1) return;
    std::string text = kRoman[p_.fields.date.month - 1];
    word(lower ? cased(text, "rm") : text, 4);
  }
  void zone_hours() {
    char buffer[16];
    snprintf(buffer, sizeof buffer, "%c%02d", p_.zone.seconds_east < 0 ? '-' : '+', std::abs(p_.zone.seconds_east) / 3600);
    out_ += buffer;
  }
  void zone_minutes() {
    char buffer[16];
    snprintf(buffer, sizeof buffer, "%02d", std::abs(p_.zone.seconds_east) / 60 % 60);
    out_ += buffer;
  }
  void zone_offset() {
    zone_hours();
    if (p_.zone.seconds_east % 3600 == 0) return;
    out_.push_back(':');
    zone_minutes();
  }

  const Parts& p_;
  std::string_view format_;
  std::string& out_;
  size_t at_ = 0;
  bool fill_ = true;
};

bool format_time(const Parts& parts, const StringRef& format, StringOut& out) {
  if (format.size == 0) return false;
  std::string& buffer = out.buffer();
  DatetimeFormatter(parts, format.view(), buffer).run();
  out.copy(buffer);
  return true;
}

Parts parts_of(int64_t local) {
  Parts parts;
  parts.fields = fields_from_timestamp(local);
  parts.days = floor_div(local, kMicrosPerDay);
  parts.hours = parts.fields.hour;
  return parts;
}

}  // namespace

void register_datetime_to_char(Builder& b) {
  b.builtin("to_char(timestamp,text)", row_kernel<StringRef, int64_t, StringRef>([](int64_t us, const StringRef& format, StringOut& out) {
              return timestamp_is_finite(us) && format_time(parts_of(us), format, out);
            }));
  b.builtin("to_char(timestamptz,text)",
            row_kernel<StringRef, int64_t, StringRef>([](const CallFrame& frame, int64_t us, const StringRef& format, StringOut& out) {
              if (!timestamp_is_finite(us)) return false;
              const TimeZone::Offset offset = session_zone(frame).offset_at(unix_seconds_of(us));
              Parts parts = parts_of(us + offset.seconds_east * kMicrosPerSecond);
              parts.zone = offset;
              parts.has_zone = true;
              return format_time(parts, format, out);
            }));
  b.builtin("to_char(interval,text)", row_kernel<StringRef, IntervalValue, StringRef>([](const IntervalValue& v, const StringRef& format, StringOut& out) {
              Parts parts;
              parts.is_interval = true;
              parts.fields.date = {v.months / 12, v.months % 12, v.days};
              parts.hours = v.microseconds / kMicrosPerHour;
              parts.fields.minute = static_cast<int32_t>(v.microseconds / kMicrosPerMinute % 60);
              parts.fields.second = static_cast<int32_t>(v.microseconds / kMicrosPerSecond % 60);
              parts.fields.microsecond = static_cast<int32_t>(v.microseconds % kMicrosPerSecond);
              return format_time(parts, format, out);
            }));
}

}  // namespace eventd::engine
