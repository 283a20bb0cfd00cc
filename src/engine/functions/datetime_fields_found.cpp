#include "engine/functions/datetime_fields_found.h"

#include <string>

namespace eventd::engine {
namespace {

constexpr int64_t kJulianDayOfEpoch = 2'451'545;  // 2000-01-01

Status out_of_range(std::string_view text) {
  return Status(sqlstate::kDatetimeFieldOverflow, "date/time field value out of range: \"" + std::string(text) + "\"");
}

/// Monday of the ISO week.
int64_t iso_week_start(int year, int week) {
  const int64_t january_4 = days_from_civil(year, 1, 4);
  return january_4 - (day_of_week(january_4) + 6) % 7 + (int64_t{week} - 1) * 7;
}

/// Puts the fields together. A part that has been given is range-checked, as PostgreSQL does.
class FieldResolver {
 public:
  FieldResolver(DateFieldsFound found, std::string_view text) : f_(found), text_(text) {}

  Result<ScannedDateTime> run() {
    RETURN_IF_ERROR(clock());
    year();
    if (f_.julian != 0) set_date(f_.julian - kJulianDayOfEpoch);
    weeks();
    if (f_.day != 0) {
      day_ = f_.day;
      has_day_ = true;
    }
    if (f_.month != 0) {
      month_ = f_.month;
      has_month_ = true;
    }
    RETURN_IF_ERROR(day_of_year());
    RETURN_IF_ERROR(check_date());
    RETURN_IF_ERROR(zone());
    out_.fields.date = {static_cast<int32_t>(year_), month_, day_};
    return out_;
  }

 private:
  Status clock() {
    DateTimeFields& to = out_.fields;
    if (f_.second_of_day != 0) {
      to.hour = f_.second_of_day / 3600;
      to.minute = f_.second_of_day % 3600 / 60;
      to.second = f_.second_of_day % 60;
    }
    if (f_.second != 0) to.second = f_.second;
    if (f_.minute != 0) to.minute = f_.minute;
    if (f_.hour != 0) to.hour = f_.hour;
    if (f_.half_day_clock) {
      if (to.hour < 1 || to.hour > 12) {
        Error error{sqlstate::kInvalidDatetimeFormat, "hour \"" + std::to_string(to.hour) + "\" is invalid for the 12-hour clock", {}, {}, {}, 0};
        error.hint = "Use the 24-hour clock, or give an hour between 1 and 12.";
        return Status(std::move(error));
      }
      if (f_.afternoon != 0 && to.hour < 12) to.hour += 12;
      else if (f_.afternoon == 0 && to.hour == 12) to.hour = 0;
    }
    fraction_ = int64_t{f_.milliseconds} * 1000 + f_.microseconds;
    return Status();
  }

  void year() {
    if (f_.year != 0) {
      has_year_ = true;
      if (f_.century != 0 && f_.year_digits <= 2) {
        const int64_t century = f_.before_christ != 0 ? -f_.century : f_.century;
        year_ = f_.year % 100;
        if (year_ != 0) year_ = century >= 0 ? year_ + (century - 1) * 100 : (century + 1) * 100 - year_ + 1;
        else year_ = century * 100 + (century >= 0 ? 0 : 1);
      } else {
        year_ = f_.before_christ != 0 ? -int64_t{f_.year} : f_.year;
        if (year_ < 0) ++year_;  // there is no year 0
      }
    } else if (f_.century != 0) {
      has_year_ = true;
      const int64_t century = f_.before_christ != 0 ? -f_.century : f_.century;
      year_ = century >= 0 ? (century - 1) * 100 + 1 : century * 100 + 1;
    }
  }

  void set_date(int64_t days) {
    const CivilDate date = civil_from_days(days);
    year_ = date.year;
    month_ = date.month;
    day_ = date.day;
    has_year_ = has_month_ = has_day_ = true;
  }

  void weeks() {
    if (f_.week_of_year != 0) {
      if (f_.convention == DateConvention::kIsoWeek) {
        int64_t days = iso_week_start(static_cast<int>(year_), f_.week_of_year);
        if (f_.day_of_week != 0) days += f_.day_of_week > 1 ? f_.day_of_week - 2 : 6;
        set_date(days);
      } else {
        f_.day_of_year = static_cast<int>((int64_t{f_.week_of_year} - 1) * 7 + 1);
      }
    }
    if (f_.week_of_month != 0) f_.day = static_cast<int>((int64_t{f_.week_of_month} - 1) * 7 + 1);
  }

  Status day_of_year() {
    if (f_.day_of_year == 0 || (month_ > 1 && day_ > 1)) return Status();
    if (year_ == 0 && f_.before_christ == 0)
      return Status(sqlstate::kInvalidDatetimeFormat, "cannot calculate day of year without year information");
    if (f_.convention == DateConvention::kIsoWeek) {
      set_date(iso_week_start(static_cast<int>(year_), 1) - 1 + f_.day_of_year);
      return Status();
    }
    int month = 1, before = 0;
    while (month <= 12 && f_.day_of_year > before + days_in_month(year_, month)) before += days_in_month(year_, month++);
    if (month_ <= 1) month_ = month;
    if (day_ <= 1) day_ = f_.day_of_year - before;
    has_month_ = has_day_ = true;
    return Status();
  }

  Status check_date() {
    const DateTimeFields& t = out_.fields;
    if (has_month_ && (month_ < 1 || month_ > 12)) return out_of_range(text_);
    if (has_day_ && (day_ < 1 || day_ > 31)) return out_of_range(text_);
    if (has_year_ && has_month_ && has_day_ && day_ > days_in_month(year_, month_)) return out_of_range(text_);
    if (t.hour < 0 || t.hour >= 24 || t.minute < 0 || t.minute >= 60 || t.second < 0 || t.second >= 60 || fraction_ < 0 ||
        fraction_ >= kMicrosPerSecond)
      return out_of_range(text_);
    out_.fields.microsecond = static_cast<int32_t>(fraction_);
    return Status();
  }

  Status zone() {
    if (f_.zone_sign == 0) return Status();
    if (f_.zone_hours < 0 || f_.zone_hours > 15 || f_.zone_minutes < 0 || f_.zone_minutes >= 60)
      return Status(sqlstate::kInvalidTimeZoneDisplacement,
                    "time zone displacement out of range: \"" + std::string(text_) + "\"");
    out_.zone_seconds_east = f_.zone_sign * (f_.zone_hours * 3600 + f_.zone_minutes * 60);
    return Status();
  }

  DateFieldsFound f_;
  const std::string_view text_;
  ScannedDateTime out_;
  int64_t year_ = 0, fraction_ = 0;
  int32_t month_ = 1, day_ = 1;
  bool has_year_ = false, has_month_ = false, has_day_ = false;
};

}  // namespace

Result<ScannedDateTime> resolve_fields(DateFieldsFound found, std::string_view text) {
  return FieldResolver(found, text).run();
}

}  // namespace eventd::engine
