// make_date … make_interval, to_timestamp(float8).
#include <cmath>
#include <cstdio>

#include "engine/functions/datetime_functions.h"
#include "engine/types/float_text.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;

Status bad_field(const char* what, const std::string& value) {
  return Status(sqlstate::kDatetimeFieldOverflow, std::string(what) + " field value out of range: " + value);
}

int64_t civil_year_of(int32_t year) { return year < 0 ? int64_t{year} + 1 : year; }  // negative: BC

/// `shown`: the year in messages, of which PostgreSQL has two.
Status make_date(int32_t year, int32_t month, int32_t day, int64_t shown, int64_t& days) {
  const int64_t civil_year = civil_year_of(year);
  char text[64];
  snprintf(text, sizeof text, "%lld-%02d-%02d", static_cast<long long>(shown), month, day);
  if (year == 0 || month < 1 || month > 12) return bad_field("date", text);
  if (day < 1 || day > days_in_month(civil_year, month)) return bad_field("date", text);
  days = days_from_civil(civil_year, month, day);
  if (days < kDateMin || days >= kDateEnd) return Status(sqlstate::kDatetimeFieldOverflow, std::string("date out of range: ") + text);
  return Status();
}

Status make_time(int32_t hour, int32_t minute, double second, int64_t& us) {
  const bool fine = hour >= 0 && hour <= 24 && minute >= 0 && minute <= 59 && second >= 0 && second <= 60 &&
                    !(hour == 24 && (minute > 0 || second > 0));
  if (!fine) {
    char text[80];
    snprintf(text, sizeof text, "%d:%02d:%02g", hour, minute, second);
    return bad_field("time", text);
  }
  us = (hour * 60 + minute) * kMicrosPerMinute + static_cast<int64_t>(std::rint(second * 1e6));
  return Status();
}

Status make_local(int32_t year, int32_t month, int32_t day, int32_t hour, int32_t minute, double second, int64_t& out) {
  int64_t days = 0, time = 0;
  RETURN_IF_ERROR(make_date(year, month, day, year, days));
  RETURN_IF_ERROR(make_time(hour, minute, second, time));
  if (days >= kTimestampEnd / kMicrosPerDay) return fault::kTimestampRange.status();
  out = days * kMicrosPerDay + time;
  return timestamp_in_range(out) ? Status() : fault::kTimestampRange.status();
}

Status in_timestamp_range(int64_t us) { return timestamp_in_range(us) ? Status() : fault::kTimestampRange.status(); }

Status make_interval(int32_t years, int32_t months, int32_t weeks, int32_t days, int32_t hours, int32_t minutes, double seconds, IntervalValue& out) {
  const int64_t all_months = int64_t{years} * 12 + months, all_days = int64_t{weeks} * 7 + days;
  const double us = std::rint(seconds * 1e6);
  const int64_t whole = hours * kMicrosPerHour + minutes * kMicrosPerMinute;
  if (!std::isfinite(us) || std::abs(us) > 9e18 || all_months != static_cast<int32_t>(all_months) ||
      all_days != static_cast<int32_t>(all_days) ||
      __builtin_add_overflow(whole, static_cast<int64_t>(us), &out.microseconds))
    return fault::kIntervalRange.status();
  out.months = static_cast<int32_t>(all_months);
  out.days = static_cast<int32_t>(all_days);
  return Status();
}

Status to_timestamp(double seconds, int64_t& out) {
  if (std::isnan(seconds)) return Status(sqlstate::kDatetimeFieldOverflow, "timestamp cannot be NaN");
  if (std::isinf(seconds)) {
    out = seconds < 0 ? kTimestampMinusInfinity : kTimestampInfinity;
    return Status();
  }
  const double us = std::rint((seconds - static_cast<double>(kPostgresEpochSeconds)) * 1e6);
  if (!(us >= static_cast<double>(kTimestampMin) && us < static_cast<double>(kTimestampEnd))) {
    std::string message = "timestamp out of range: \"";
    append_float8(seconds, message);
    return Status(sqlstate::kDatetimeFieldOverflow, message + "\"");
  }
  out = static_cast<int64_t>(us);
  return Status();
}

}  // namespace

void register_datetime_make(Builder& b) {
  using F = CallFrame;
  b.builtin("make_date(int4,int4,int4)", row_kernel<int32_t, int32_t, int32_t, int32_t>([](int32_t y, int32_t m, int32_t d, int32_t& o) -> Status {
              int64_t days = 0;
              RETURN_IF_ERROR(make_date(y, m, d, civil_year_of(y), days));
              o = static_cast<int32_t>(days);
              return Status();
            }));
  b.builtin("make_time(int4,int4,float8)", row_kernel<int64_t, int32_t, int32_t, double>([](int32_t h, int32_t m, double s, int64_t& o) { return make_time(h, m, s, o); }));
  b.builtin("make_timestamp(int4,int4,int4,int4,int4,float8)",
            row_kernel<int64_t, int32_t, int32_t, int32_t, int32_t, int32_t, double>(
                [](int32_t y, int32_t mo, int32_t d, int32_t h, int32_t mi, double s, int64_t& o) { return make_local(y, mo, d, h, mi, s, o); }));
  b.builtin("make_timestamptz(int4,int4,int4,int4,int4,float8)",
            row_kernel<int64_t, int32_t, int32_t, int32_t, int32_t, int32_t, double>(
                [](const F& f, int32_t y, int32_t mo, int32_t d, int32_t h, int32_t mi, double s, int64_t& o) -> Status {
                  int64_t local = 0;
                  RETURN_IF_ERROR(make_local(y, mo, d, h, mi, s, local));
                  o = timestamptz_from_local(local, session_zone(f));
                  return in_timestamp_range(o);
                }));
  b.builtin("make_timestamptz(int4,int4,int4,int4,int4,float8,text)",
            row_kernel<int64_t, int32_t, int32_t, int32_t, int32_t, int32_t, double, StringRef>(
                [](int32_t y, int32_t mo, int32_t d, int32_t h, int32_t mi, double s, const StringRef& name, int64_t& o) -> Status {
                  int64_t local = 0;
                  RETURN_IF_ERROR(make_local(y, mo, d, h, mi, s, local));
                  ASSIGN_OR_RETURN(const TimeZone* zone, require_zone(name.view()));
                  o = timestamptz_from_local(local, *zone);
                  return in_timestamp_range(o);
                }));
  b.builtin("make_interval(int4,int4,int4,int4,int4,int4,float8)",
            row_kernel<IntervalValue, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, double>(
                [](int32_t y, int32_t mo, int32_t w, int32_t d, int32_t h, int32_t mi, double s, IntervalValue& o) {
                  return make_interval(y, mo, w, d, h, mi, s, o);
                }));
  b.builtin("to_timestamp(float8)", row_kernel<int64_t, double>([](double s, int64_t& o) { return to_timestamp(s, o); }));
}

}  // namespace eventd::engine
