// interval: printing, comparison and arithmetic. Parsing: interval_parse.cpp.
#include "engine/types/interval.h"

#include <cmath>
#include <cstdio>

#include "engine/types/datetime_fields.h"
#include "engine/types/int128.h"
#include "engine/types/integer_text.h"

namespace eventd::engine {
namespace {

Status out_of_range() { return Status(sqlstate::kDatetimeFieldOverflow, "interval out of range"); }
Status timestamp_out_of_range() { return Status(sqlstate::kDatetimeFieldOverflow, "timestamp out of range"); }

struct Parts {
  int32_t years, months, days;
  int64_t hours;
  int32_t minutes, seconds, micros;  // signs as the whole time's
};

Parts split(const IntervalValue& v) {
  Parts p{};
  p.years = v.months / 12;
  p.months = v.months % 12;
  p.days = v.days;
  int64_t rest = v.microseconds;
  p.hours = rest / kMicrosPerHour;
  rest %= kMicrosPerHour;
  p.minutes = static_cast<int32_t>(rest / kMicrosPerMinute);
  rest %= kMicrosPerMinute;
  p.seconds = static_cast<int32_t>(rest / kMicrosPerSecond);
  p.micros = static_cast<int32_t>(rest % kMicrosPerSecond);
  return p;
}

// Seconds without sign; fraction without trailing zeros; at least `width` digits before the point.
void append_seconds(const Parts& p, int width, std::string& out) {
  char buffer[32];
  snprintf(buffer, sizeof buffer, "%0*d", width, std::abs(p.seconds));
  out += buffer;
  if (p.micros == 0) return;
  snprintf(buffer, sizeof buffer, ".%06d", std::abs(p.micros));
  std::string_view fraction = buffer;
  while (fraction.ends_with('0')) fraction.remove_suffix(1);
  out += fraction;
}

void append_clock(const Parts& p, int hour_width, std::string& out) {
  char buffer[48];
  const auto hours = static_cast<unsigned long long>(p.hours < 0 ? 0 - static_cast<uint64_t>(p.hours)
                                                                 : static_cast<uint64_t>(p.hours));
  snprintf(buffer, sizeof buffer, "%0*llu:%02d:", hour_width, hours, std::abs(p.minutes));
  out += buffer;
  append_seconds(p, 2, out);
}

bool time_negative(const Parts& p) { return p.hours < 0 || p.minutes < 0 || p.seconds < 0 || p.micros < 0; }
bool time_zero(const Parts& p) { return p.hours == 0 && p.minutes == 0 && p.seconds == 0 && p.micros == 0; }

void append_postgres(const Parts& p, std::string& out) {
  bool empty = true, before_negative = false;
  const auto unit = [&](int32_t value, const char* name) {
    if (value == 0) return;
    if (!empty) out.push_back(' ');
    if (before_negative && value > 0) out.push_back('+');
    append_integer(value, out);
    out.append(" ").append(name).append(value == 1 ? "" : "s");
    before_negative = value < 0;
    empty = false;
  };
  unit(p.years, "year");
  unit(p.months, "mon");
  unit(p.days, "day");
  if (!empty && time_zero(p)) return;
  if (!empty) out.push_back(' ');
  if (time_negative(p)) out.push_back('-');
  else if (before_negative) out.push_back('+');
  append_clock(p, 2, out);
}

void append_verbose(const Parts& p, std::string& out) {
  out.push_back('@');
  bool empty = true, ago = false;
  const auto unit = [&](int64_t value, const char* name) {
    if (value == 0) return;
    if (empty) {
      ago = value < 0;
      value = std::abs(value);
    } else if (ago) {
      value = -value;
    }
    out.push_back(' ');
    append_integer(value, out);
    out.append(" ").append(name).append(value == 1 ? "" : "s");
    empty = false;
  };
  unit(p.years, "year");
  unit(p.months, "mon");
  unit(p.days, "day");
  unit(p.hours, "hour");
  unit(p.minutes, "min");
  if (p.seconds != 0 || p.micros != 0) {
    const bool negative = p.seconds < 0 || p.micros < 0;
    out.push_back(' ');
    if (empty) ago = negative;
    else if (negative != ago) out.push_back('-');
    append_seconds(p, 1, out);
    out.append(std::abs(p.seconds) != 1 || p.micros != 0 ? " secs" : " sec");
    empty = false;
  }
  if (empty) out += " 0";
  if (ago) out += " ago";
}

void append_iso8601(const Parts& p, std::string& out) {
  if (p.years == 0 && p.months == 0 && p.days == 0 && time_zero(p)) {
    out += "PT0S";
    return;
  }
  const auto unit = [&](int64_t value, char letter) {
    if (value == 0) return;
    append_integer(value, out);
    out.push_back(letter);
  };
  out.push_back('P');
  unit(p.years, 'Y');
  unit(p.months, 'M');
  unit(p.days, 'D');
  if (time_zero(p)) return;
  out.push_back('T');
  unit(p.hours, 'H');
  unit(p.minutes, 'M');
  if (p.seconds == 0 && p.micros == 0) return;
  if (p.seconds < 0 || p.micros < 0) out.push_back('-');
  append_seconds(p, 1, out);
  out.push_back('S');
}

void append_sql_standard(Parts p, std::string& out) {
  const bool has_months = p.years != 0 || p.months != 0, has_days = p.days != 0, has_time = !time_zero(p);
  const bool negative = p.years < 0 || p.months < 0 || p.days < 0 || time_negative(p);
  const bool positive = p.years > 0 || p.months > 0 || p.days > 0 || (has_time && !time_negative(p));
  const bool same_sign = !(negative && positive);
  if (!negative && !positive) {
    out += "0";
  } else if (!same_sign || (has_months && (has_days || has_time))) {
    char buffer[64];
    const bool months_negative = p.years < 0 || p.months < 0;
    snprintf(buffer, sizeof buffer, "%c%d-%d %c%d %c", months_negative ? '-' : '+', std::abs(p.years),
             std::abs(p.months), p.days < 0 ? '-' : '+', std::abs(p.days), time_negative(p) ? '-' : '+');
    out += buffer;
    append_clock(p, 1, out);
  } else {
    if (negative) out.push_back('-');
    if (has_months) {
      out += std::to_string(std::abs(p.years)) + "-" + std::to_string(std::abs(p.months));
    } else {
      if (has_days) out += std::to_string(std::abs(p.days)) + " ";
      append_clock(p, 1, out);
    }
  }
}

// Microseconds with months of 30 days and days of 24 hours.
Int128 flat(const IntervalValue& v) {
  return Int128{v.microseconds} + (Int128{v.months} * 30 + v.days) * kMicrosPerDay;
}

// PostgreSQL's TSROUND: to microseconds.
double round_micro(double seconds) { return std::rint(seconds * 1e6) / 1e6; }

bool fits_int32(double v) { return v >= -2147483648.0 && v < 2147483648.0; }

}  // namespace

void append_interval(IntervalStyle style, const IntervalValue& value, std::string& out) {
  const Parts parts = split(value);
  switch (style) {
    case IntervalStyle::kPostgres: return append_postgres(parts, out);
    case IntervalStyle::kPostgresVerbose: return append_verbose(parts, out);
    case IntervalStyle::kIso8601: return append_iso8601(parts, out);
    case IntervalStyle::kSqlStandard: return append_sql_standard(parts, out);
  }
}

std::strong_ordering compare_intervals(const IntervalValue& a, const IntervalValue& b) {
  return flat(a) <=> flat(b);
}

uint64_t hash_interval(const IntervalValue& value) {
  const Int128 v = flat(value);
  return static_cast<uint64_t>(v) * 0x9e3779b97f4a7c15 ^ static_cast<uint64_t>(v >> 64);
}

Result<IntervalValue> negate_interval(const IntervalValue& v) {
  return subtract_intervals(IntervalValue{}, v);
}

Result<IntervalValue> add_intervals(const IntervalValue& a, const IntervalValue& b) {
  IntervalValue r;
  if (__builtin_add_overflow(a.months, b.months, &r.months) ||
      __builtin_add_overflow(a.days, b.days, &r.days) ||
      __builtin_add_overflow(a.microseconds, b.microseconds, &r.microseconds))
    return out_of_range();
  return r;
}

Result<IntervalValue> subtract_intervals(const IntervalValue& a, const IntervalValue& b) {
  IntervalValue r;
  if (__builtin_sub_overflow(a.months, b.months, &r.months) ||
      __builtin_sub_overflow(a.days, b.days, &r.days) ||
      __builtin_sub_overflow(a.microseconds, b.microseconds, &r.microseconds))
    return out_of_range();
  return r;
}

// interval_mul: fractions of months become days, fractions of days become time.
Result<IntervalValue> multiply_interval(const IntervalValue& v, double factor) {
  if (!std::isfinite(factor)) return out_of_range();
  IntervalValue r;
  const double months = v.months * factor, days = v.days * factor;
  if (!fits_int32(months) || !fits_int32(days)) return out_of_range();
  r.months = static_cast<int32_t>(months);
  r.days = static_cast<int32_t>(days);
  double month_days = round_micro((months - r.months) * 30);
  double seconds = round_micro((days - r.days + month_days - static_cast<int>(month_days)) * 86'400);
  if (std::abs(seconds) >= 86'400) {
    r.days += static_cast<int32_t>(seconds / 86'400);
    seconds -= static_cast<int>(seconds / 86'400) * 86'400;
  }
  r.days += static_cast<int32_t>(month_days);
  const double micros = std::rint(static_cast<double>(v.microseconds) * factor + seconds * 1e6);
  if (!(micros >= -9.2233720368547758e18 && micros < 9.2233720368547758e18)) return out_of_range();
  r.microseconds = static_cast<int64_t>(micros);
  return r;
}

Result<IntervalValue> divide_interval(const IntervalValue& v, double divisor) {
  if (divisor == 0) return Status(sqlstate::kDivisionByZero, "division by zero");
  IntervalValue r;
  const double months = v.months / divisor, days = v.days / divisor;
  if (!fits_int32(months) || !fits_int32(days)) return out_of_range();
  r.months = static_cast<int32_t>(months);
  r.days = static_cast<int32_t>(days);
  double month_days = round_micro((months - r.months) * 30);
  double seconds = round_micro((days - r.days + month_days - static_cast<int>(month_days)) * 86'400);
  if (std::abs(seconds) >= 86'400) {
    r.days += static_cast<int32_t>(seconds / 86'400);
    seconds -= static_cast<int>(seconds / 86'400) * 86'400;
  }
  r.days += static_cast<int32_t>(month_days);
  const double micros = std::rint(static_cast<double>(v.microseconds) / divisor + seconds * 1e6);
  if (!(micros >= -9.2233720368547758e18 && micros < 9.2233720368547758e18)) return out_of_range();
  r.microseconds = static_cast<int64_t>(micros);
  return r;
}

Result<IntervalValue> justify_hours(const IntervalValue& v) {
  IntervalValue r = v;
  const auto whole = static_cast<int32_t>(r.microseconds / kMicrosPerDay);
  r.microseconds %= kMicrosPerDay;
  if (__builtin_add_overflow(r.days, whole, &r.days)) return out_of_range();
  if (r.days > 0 && r.microseconds < 0) {
    r.microseconds += kMicrosPerDay;
    --r.days;
  } else if (r.days < 0 && r.microseconds > 0) {
    r.microseconds -= kMicrosPerDay;
    ++r.days;
  }
  return r;
}

Result<IntervalValue> justify_days(const IntervalValue& v) {
  IntervalValue r = v;
  const int32_t whole = r.days / 30;
  r.days -= whole * 30;
  if (__builtin_add_overflow(r.months, whole, &r.months)) return out_of_range();
  if (r.months > 0 && r.days < 0) {
    r.days += 30;
    --r.months;
  } else if (r.months < 0 && r.days > 0) {
    r.days -= 30;
    ++r.months;
  }
  return r;
}

Result<IntervalValue> justify_interval(const IntervalValue& v) {
  IntervalValue r = v;
  // Days first where both push the same way, so that the sum cannot overflow early.
  if ((r.days > 0 && r.microseconds > 0) || (r.days < 0 && r.microseconds < 0)) {
    const int32_t whole = r.days / 30;
    r.days -= whole * 30;
    if (__builtin_add_overflow(r.months, whole, &r.months)) return out_of_range();
  }
  const auto whole_days = static_cast<int32_t>(r.microseconds / kMicrosPerDay);
  r.microseconds %= kMicrosPerDay;
  if (__builtin_add_overflow(r.days, whole_days, &r.days)) return out_of_range();
  const int32_t whole_months = r.days / 30;
  r.days -= whole_months * 30;
  if (__builtin_add_overflow(r.months, whole_months, &r.months)) return out_of_range();
  if (r.months > 0 && (r.days < 0 || (r.days == 0 && r.microseconds < 0))) {
    r.days += 30;
    --r.months;
  } else if (r.months < 0 && (r.days > 0 || (r.days == 0 && r.microseconds > 0))) {
    r.days -= 30;
    ++r.months;
  }
  if (r.days > 0 && r.microseconds < 0) {
    r.microseconds += kMicrosPerDay;
    --r.days;
  } else if (r.days < 0 && r.microseconds > 0) {
    r.microseconds -= kMicrosPerDay;
    ++r.days;
  }
  return r;
}

namespace {

// Months and days of `span` on the calendar of `local_us`; the time of day stays.
Result<int64_t> add_calendar(int64_t local_us, const IntervalValue& span) {
  int64_t days = floor_div(local_us, kMicrosPerDay);
  const int64_t time = local_us - days * kMicrosPerDay;
  if (span.months != 0) {
    const CivilDate date = civil_from_days(days);
    const int64_t month_index = int64_t{date.year} * 12 + (date.month - 1) + span.months;
    const int64_t year = floor_div(month_index, 12);
    const auto month = static_cast<int32_t>(floor_mod(month_index, 12)) + 1;
    days = days_from_civil(year, month, std::min(date.day, days_in_month(year, month)));
  }
  days += span.days;
  int64_t result = 0;
  if (__builtin_mul_overflow(days, kMicrosPerDay, &result) ||
      __builtin_add_overflow(result, time, &result) || !timestamp_in_range(result))
    return timestamp_out_of_range();
  return result;
}

}  // namespace

Result<int64_t> add_to_timestamp(int64_t us, const IntervalValue& span) {
  if (!timestamp_is_finite(us)) return us;
  if (span.months != 0 || span.days != 0) {
    ASSIGN_OR_RETURN(us, add_calendar(us, span));
  }
  if (__builtin_add_overflow(us, span.microseconds, &us) || !timestamp_in_range(us))
    return timestamp_out_of_range();
  return us;
}

Result<int64_t> add_to_timestamptz(int64_t us, const IntervalValue& span, const TimeZone& zone) {
  if (!timestamp_is_finite(us)) return us;
  // PostgreSQL goes back to UTC between months and days; that differs only inside DST gaps.
  if (span.months != 0) {
    ASSIGN_OR_RETURN(const int64_t local,
                     add_calendar(local_from_timestamptz(us, zone), {0, 0, span.months}));
    us = timestamptz_from_local(local, zone);
  }
  if (span.days != 0) {
    ASSIGN_OR_RETURN(const int64_t local,
                     add_calendar(local_from_timestamptz(us, zone), {0, span.days, 0}));
    us = timestamptz_from_local(local, zone);
  }
  if (__builtin_add_overflow(us, span.microseconds, &us) || !timestamp_in_range(us))
    return timestamp_out_of_range();
  return us;
}

}  // namespace eventd::engine
