// The input functions of the date/time types, over the split fields.
#include "engine/types/datetime.h"
#include "engine/types/datetime_parser.h"
#include "engine/types/time_zone.h"

namespace eventd::engine {
namespace {

constexpr int64_t kEpochUs = -kPostgresEpochSeconds * kMicrosPerSecond;

Status out_of_range(std::string_view what, std::string_view text) {
  std::string message(what);
  return Status(sqlstate::kDatetimeFieldOverflow,
                message.append(" out of range: \"").append(text).append("\""));
}

const TimeZone& zone_of(const DateTimeInput& input) {
  return input.format.time_zone != nullptr ? *input.format.time_zone : TimeZone::utc();
}

int64_t time_of_day(const DateTimeFields& f) {
  return f.hour * kMicrosPerHour + f.minute * kMicrosPerMinute + f.second * kMicrosPerSecond + f.microsecond;
}

// Local wall-clock time the text names, without zone; specials resolved in the session's zone.
// `absolute` is set when the value is an instant already ('now', 'epoch').
int64_t local_time(const DateTimeInput& input, const ParsedDateTime& p, bool& absolute) {
  const int64_t now_local = local_from_timestamptz(input.now_us, zone_of(input));
  const int64_t today = floor_div(now_local, kMicrosPerDay) * kMicrosPerDay;
  absolute = false;
  switch (p.special) {
    case DateTimeSpecial::kNow: absolute = true; return input.now_us;
    case DateTimeSpecial::kEpoch: absolute = true; return kEpochUs;
    case DateTimeSpecial::kToday: return today + time_of_day(p.fields);
    case DateTimeSpecial::kTomorrow: return today + kMicrosPerDay + time_of_day(p.fields);
    case DateTimeSpecial::kYesterday: return today - kMicrosPerDay + time_of_day(p.fields);
    default: return timestamp_from_fields(p.fields);
  }
}

// False for years no timestamp can hold (timestamp_from_fields would wrap).
bool year_in_range(const ParsedDateTime& p) {
  return !p.has_date || (p.fields.date.year >= -4713 && p.fields.date.year <= 294'277);
}

}  // namespace

int64_t round_to_digits(int64_t us, int32_t digits) {
  if (digits < 0 || digits >= 6 || !timestamp_is_finite(us)) return us;
  constexpr int64_t kUnits[] = {1'000'000, 100'000, 10'000, 1000, 100, 10};
  const int64_t unit = kUnits[digits];
  return us >= 0 ? (us + unit / 2) / unit * unit : -((-us + unit / 2) / unit * unit);
}

Result<int64_t> parse_timestamptz(const DateTimeInput& input, std::string_view text, int32_t modifier) {
  ASSIGN_OR_RETURN(const ParsedDateTime p,
                   split_datetime(text, input.format.date_order, "timestamp with time zone"));
  if (p.special == DateTimeSpecial::kInfinity) return kTimestampInfinity;
  if (p.special == DateTimeSpecial::kMinusInfinity) return kTimestampMinusInfinity;
  if (p.special == DateTimeSpecial::kNone && !p.has_date) {
    std::string message = "invalid input syntax for type timestamp with time zone: \"";
    return Status(sqlstate::kInvalidDatetimeFormat, message.append(text).append("\""));
  }
  if (!year_in_range(p)) return out_of_range("timestamp", text);
  bool absolute = false;
  int64_t us = local_time(input, p, absolute);
  if (!absolute) {
    if (p.offset_seconds) {
      if (__builtin_sub_overflow(us, *p.offset_seconds * kMicrosPerSecond, &us)) return out_of_range("timestamp", text);
    } else {
      us = timestamptz_from_local(us, p.zone != nullptr ? *p.zone : zone_of(input));
    }
  }
  us = round_to_digits(us, modifier);
  if (!timestamp_in_range(us)) return out_of_range("timestamp", text);
  return us;
}

Result<int64_t> parse_timestamp(const DateTimeInput& input, std::string_view text, int32_t modifier) {
  ASSIGN_OR_RETURN(const ParsedDateTime p, split_datetime(text, input.format.date_order, "timestamp"));
  if (p.special == DateTimeSpecial::kInfinity) return kTimestampInfinity;
  if (p.special == DateTimeSpecial::kMinusInfinity) return kTimestampMinusInfinity;
  if (p.special == DateTimeSpecial::kNone && !p.has_date) {
    std::string message = "invalid input syntax for type timestamp: \"";
    return Status(sqlstate::kInvalidDatetimeFormat, message.append(text).append("\""));
  }
  if (!year_in_range(p)) return out_of_range("timestamp", text);
  bool absolute = false;
  int64_t us = local_time(input, p, absolute);
  if (p.special == DateTimeSpecial::kNow) us = local_from_timestamptz(us, zone_of(input));
  us = round_to_digits(us, modifier);
  if (!timestamp_in_range(us)) return out_of_range("timestamp", text);
  return us;
}

Result<int32_t> parse_date(const DateTimeInput& input, std::string_view text) {
  ASSIGN_OR_RETURN(const ParsedDateTime p, split_datetime(text, input.format.date_order, "date"));
  if (p.special == DateTimeSpecial::kInfinity) return kDateInfinity;
  if (p.special == DateTimeSpecial::kMinusInfinity) return kDateMinusInfinity;
  if (p.special == DateTimeSpecial::kNone) {
    if (!p.has_date) {
      std::string message = "invalid input syntax for type date: \"";
      return Status(sqlstate::kInvalidDatetimeFormat, message.append(text).append("\""));
    }
    const CivilDate& d = p.fields.date;
    const int64_t days = days_from_civil(d.year, d.month, d.day);
    if (days < kDateMin || days >= kDateEnd) return out_of_range("date", text);
    return static_cast<int32_t>(days);
  }
  bool absolute = false;
  int64_t us = local_time(input, p, absolute);
  if (p.special == DateTimeSpecial::kNow) us = local_from_timestamptz(us, zone_of(input));
  return static_cast<int32_t>(floor_div(us, kMicrosPerDay));
}

Result<int64_t> parse_time(const DateTimeInput& input, std::string_view text, int32_t modifier) {
  ASSIGN_OR_RETURN(const ParsedDateTime p, split_datetime(text, input.format.date_order, "time"));
  if (p.special == DateTimeSpecial::kNow)
    return round_to_digits(floor_mod(local_from_timestamptz(input.now_us, zone_of(input)), kMicrosPerDay), modifier);
  if (!p.has_time || p.special != DateTimeSpecial::kNone) {
    std::string message = "invalid input syntax for type time: \"";
    return Status(sqlstate::kInvalidDatetimeFormat, message.append(text).append("\""));
  }
  const int64_t us = time_of_day(p.fields);
  if (us > kMicrosPerDay) {
    std::string message = "date/time field value out of range: \"";
    return Status(sqlstate::kDatetimeFieldOverflow, message.append(text).append("\""));
  }
  return round_to_digits(us, modifier);
}

Result<TimetzValue> parse_timetz(const DateTimeInput& input, std::string_view text, int32_t modifier) {
  ASSIGN_OR_RETURN(const ParsedDateTime p,
                   split_datetime(text, input.format.date_order, "time with time zone"));
  const TimeZone& session = zone_of(input);
  const int64_t now_unix = floor_div(input.now_us, kMicrosPerSecond) + kPostgresEpochSeconds;
  if (p.special == DateTimeSpecial::kNow) {
    const int32_t east = session.seconds_east_at(now_unix);
    return TimetzValue{round_to_digits(floor_mod(input.now_us + east * kMicrosPerSecond, kMicrosPerDay), modifier), -east};
  }
  if (!p.has_time || p.special != DateTimeSpecial::kNone || (p.zone != nullptr && !p.has_date)) {
    std::string message = "invalid input syntax for type time with time zone: \"";
    return Status(sqlstate::kInvalidDatetimeFormat, message.append(text).append("\""));
  }
  const int64_t us = time_of_day(p.fields);
  if (us > kMicrosPerDay) {
    std::string message = "date/time field value out of range: \"";
    return Status(sqlstate::kDatetimeFieldOverflow, message.append(text).append("\""));
  }
  int32_t east = 0;
  if (p.offset_seconds) {
    east = *p.offset_seconds;
  } else {
    const TimeZone& zone = p.zone != nullptr ? *p.zone : session;
    // The zone's offset on that date, or today.
    const int64_t date_us = p.has_date && year_in_range(p)
                                ? timestamp_from_fields(p.fields)
                                : floor_div(local_from_timestamptz(input.now_us, session), kMicrosPerDay) * kMicrosPerDay + us;
    const int64_t seconds = floor_div(date_us, kMicrosPerSecond) + kPostgresEpochSeconds;
    east = static_cast<int32_t>(seconds - zone.to_unix_seconds(seconds));
  }
  return TimetzValue{round_to_digits(us, modifier), -east};
}

}  // namespace eventd::engine
