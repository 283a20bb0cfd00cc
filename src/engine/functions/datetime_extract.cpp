// extract() (numeric) and date_part() (float8).
#include <optional>

#include "engine/functions/datetime_functions.h"
#include "engine/types/numeric.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;

/// A field's value: value × 10^-scale, an infinity, or NULL.
struct Field {
  enum class Kind : uint8_t { kNumber, kInfinity, kMinusInfinity, kNull, kJulian } kind = Kind::kNumber;
  int64_t value = 0;
  int scale = 0;
  int64_t day_micros = 0;  ///< kJulian: value days and this much of a day
};

Field number(int64_t value, int scale = 0) { return {Field::Kind::kNumber, value, scale, 0}; }

std::optional<Field> time_field(TimeUnit unit, int64_t us) {
  const int64_t in_minute = us % kMicrosPerMinute;
  switch (unit) {
    case TimeUnit::kMicrosecond: return number(in_minute);
    case TimeUnit::kMillisecond: return number(in_minute, 3);
    case TimeUnit::kSecond: return number(in_minute, 6);
    case TimeUnit::kMinute: return number(us / kMicrosPerMinute % 60);
    case TimeUnit::kHour: return number(us / kMicrosPerHour);
    default: return std::nullopt;
  }
}

int64_t century_of(int64_t year) { return year > 0 ? (year + 99) / 100 : -((99 - (year - 1)) / 100); }
int64_t millennium_of(int64_t year) { return year > 0 ? (year + 999) / 1000 : -((999 - (year - 1)) / 1000); }
int64_t decade_of(int64_t year) { return year >= 0 ? year / 10 : -((8 - (year - 1)) / 10); }

std::optional<Field> date_field(TimeUnit unit, int64_t days) {
  const CivilDate date = civil_from_days(days);
  const int64_t year = date.year;
  switch (unit) {
    case TimeUnit::kDay: return number(date.day);
    case TimeUnit::kMonth: return number(date.month);
    case TimeUnit::kQuarter: return number((date.month - 1) / 3 + 1);
    case TimeUnit::kWeek: return number(iso_week_of(days).week);
    // There is no year 0: 1 BC is -1.
    case TimeUnit::kYear: return number(year > 0 ? year : year - 1);
    case TimeUnit::kIsoYear: {
      const int64_t iso = iso_week_of(days).year;
      return number(iso > 0 ? iso : iso - 1);
    }
    case TimeUnit::kDecade: return number(decade_of(year));
    case TimeUnit::kCentury: return number(century_of(year));
    case TimeUnit::kMillennium: return number(millennium_of(year));
    case TimeUnit::kDayOfWeek: return number(day_of_week(days));
    case TimeUnit::kIsoDayOfWeek: {
      const int32_t day = day_of_week(days);
      return number(day == 0 ? 7 : day);
    }
    case TimeUnit::kDayOfYear: return number(days - days_from_civil(year, 1, 1) + 1);
    default: return std::nullopt;
  }
}

// What an infinite time has: growing fields are infinite, periodic ones NULL.
Field infinite(TimeUnit unit, bool negative) {
  switch (unit) {
    case TimeUnit::kYear:
    case TimeUnit::kDecade:
    case TimeUnit::kCentury:
    case TimeUnit::kMillennium:
    case TimeUnit::kJulian:
    case TimeUnit::kIsoYear:
    case TimeUnit::kEpoch: return {negative ? Field::Kind::kMinusInfinity : Field::Kind::kInfinity, 0, 0, 0};
    default: return {Field::Kind::kNull, 0, 0, 0};
  }
}

constexpr int64_t kJulianOfEpoch = 2'451'545;
constexpr int64_t kEpochUs = kPostgresEpochSeconds * kMicrosPerSecond;

// Fields of local time; `instant` counts for epoch.
std::optional<Field> timestamp_field(TimeUnit unit, int64_t local, int64_t instant) {
  if (unit == TimeUnit::kUnknown) return std::nullopt;
  if (!timestamp_is_finite(local)) return infinite(unit, local < 0);
  if (unit >= TimeUnit::kTimezone) return std::nullopt;
  if (unit == TimeUnit::kEpoch) {
    int64_t epoch = 0;
    if (__builtin_add_overflow(instant, kEpochUs, &epoch)) return number(instant / kMicrosPerSecond + kPostgresEpochSeconds);
    return number(epoch, 6);
  }
  const int64_t days = floor_div(local, kMicrosPerDay), time = local - days * kMicrosPerDay;
  if (unit == TimeUnit::kJulian) return Field{Field::Kind::kJulian, days + kJulianOfEpoch, 0, time};
  if (const auto field = time_field(unit, time)) return field;
  return date_field(unit, days);
}

struct TimestampSource {
  using Value = int64_t;
  static constexpr std::string_view kName = "timestamp without time zone";
  static std::optional<Field> field(const CallFrame&, TimeUnit unit, int64_t us) { return timestamp_field(unit, us, us); }
};

struct TimestamptzSource {
  using Value = int64_t;
  static constexpr std::string_view kName = "timestamp with time zone";
  static std::optional<Field> field(const CallFrame& frame, TimeUnit unit, int64_t us) {
    if (unit == TimeUnit::kEpoch && timestamp_is_finite(us)) return timestamp_field(unit, us, us);
    if (unit == TimeUnit::kUnknown) return std::nullopt;
    if (!timestamp_is_finite(us)) return infinite(unit, us < 0);
    const int64_t east = session_zone(frame).seconds_east_at(unix_seconds_of(us));
    if (unit == TimeUnit::kTimezone) return number(east);
    if (unit == TimeUnit::kTimezoneHour) return number(east / 3600);
    if (unit == TimeUnit::kTimezoneMinute) return number(east % 3600 / 60);
    return timestamp_field(unit, us + east * kMicrosPerSecond, us);
  }
};

struct DateSource {
  using Value = int32_t;
  static constexpr std::string_view kName = "date";
  static std::optional<Field> field(const CallFrame&, TimeUnit unit, int32_t days) {
    if (unit <= TimeUnit::kHour || unit == TimeUnit::kUnknown || unit >= TimeUnit::kTimezone) return std::nullopt;
    if (!date_is_finite(days)) return infinite(unit, days < 0);
    if (unit == TimeUnit::kEpoch) return number(days * int64_t{86'400} + kPostgresEpochSeconds);
    if (unit == TimeUnit::kJulian) return number(days + kJulianOfEpoch);
    return date_field(unit, days);
  }
};

struct TimeSource {
  using Value = int64_t;
  static constexpr std::string_view kName = "time without time zone";
  static std::optional<Field> field(const CallFrame&, TimeUnit unit, int64_t us) {
    return unit == TimeUnit::kEpoch ? number(us, 6) : time_field(unit, us);
  }
};

struct TimetzSource {
  using Value = TimetzValue;
  static constexpr std::string_view kName = "time with time zone";
  static std::optional<Field> field(const CallFrame&, TimeUnit unit, const TimetzValue& v) {
    const int64_t east = -v.zone_seconds_west;
    switch (unit) {
      case TimeUnit::kEpoch: return number(v.microseconds - east * kMicrosPerSecond, 6);
      case TimeUnit::kTimezone: return number(east);
      case TimeUnit::kTimezoneHour: return number(east / 3600);
      case TimeUnit::kTimezoneMinute: return number(east % 3600 / 60);
      default: return time_field(unit, v.microseconds);
    }
  }
};

struct IntervalSource {
  using Value = IntervalValue;
  static constexpr std::string_view kName = "interval";
  static std::optional<Field> field(const CallFrame&, TimeUnit unit, const IntervalValue& v) {
    const int64_t years = v.months / 12;
    switch (unit) {
      case TimeUnit::kDay: return number(v.days);
      case TimeUnit::kMonth: return number(v.months % 12);
      case TimeUnit::kQuarter: return number(v.months % 12 / 3 + 1);
      case TimeUnit::kYear: return number(years);
      case TimeUnit::kDecade: return number(years / 10);
      case TimeUnit::kCentury: return number(years / 100);
      case TimeUnit::kMillennium: return number(years / 1000);
      case TimeUnit::kEpoch: {
        // A year is 365.25 days, a month 30 days.
        const int64_t seconds = years * 31'557'600 + v.months % 12 * int64_t{2'592'000} + v.days * int64_t{86'400};
        int64_t us = 0;
        if (__builtin_mul_overflow(seconds, kMicrosPerSecond, &us) || __builtin_add_overflow(us, v.microseconds, &us))
          return number(seconds + v.microseconds / kMicrosPerSecond);
        return number(us, 6);
      }
      default: return time_field(unit, v.microseconds);
    }
  }
};

bool store(const Field& field, double& out) {
  constexpr double kScales[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
  switch (field.kind) {
    case Field::Kind::kNull: return false;
    case Field::Kind::kInfinity: out = std::numeric_limits<double>::infinity(); return true;
    case Field::Kind::kMinusInfinity: out = -std::numeric_limits<double>::infinity(); return true;
    case Field::Kind::kJulian:
      out = static_cast<double>(field.value) + static_cast<double>(field.day_micros) / static_cast<double>(kMicrosPerDay);
      return true;
    case Field::Kind::kNumber: out = static_cast<double>(field.value) / kScales[field.scale]; return true;
  }
  return false;
}

bool store(const Field& field, StringOut& out) {
  switch (field.kind) {
    case Field::Kind::kNull: return false;
    case Field::Kind::kInfinity: out.keep("Infinity"); return true;
    case Field::Kind::kMinusInfinity: out.keep("-Infinity"); return true;
    case Field::Kind::kJulian: {
      const Result<Numeric> part = Numeric::from_int64(field.day_micros).divide(Numeric::from_int64(kMicrosPerDay));
      if (!part.ok()) return false;
      const Result<Numeric> sum = Numeric::from_int64(field.value).add(*part);
      if (!sum.ok()) return false;
      out.copy(sum->text());
      return true;
    }
    case Field::Kind::kNumber: {
      std::string& buffer = out.buffer();
      Numeric::from_int128(field.value, field.scale).append_text(buffer);
      out.copy(buffer);
      return true;
    }
  }
  return false;
}

// The unit is read once when it is constant, as it is in every EXTRACT.
template <class Source, class Out>
Status extract_kernel(const CallFrame& frame, Vector& result) {
  using V = typename Source::Value;
  using OutArgument = std::conditional_t<std::is_same_v<Out, StringRef>, StringOut, Out>;
  const auto one = [&](std::string_view name, TimeUnit unit, const V& value, OutArgument& out) -> Result<bool> {
    const std::optional<Field> field = Source::field(frame, unit, value);
    if (!field) return bad_unit(name, unit, Source::kName);
    return store(*field, out);
  };
  if (constant_value(frame.arguments[0])) {
    const std::string name(frame.arguments[0].view<StringRef>()[0].view());
    const TimeUnit unit = time_unit_of(name);
    return map_rows<Out, V>(without_first(frame), result, [&](const V& value, OutArgument& out) { return one(name, unit, value, out); });
  }
  return map_rows<Out, StringRef, V>(frame, result, [&](const StringRef& name, const V& value, OutArgument& out) {
    return one(name.view(), time_unit_of(name.view()), value, out);
  });
}

// date_part() of a date is that of its midnight.
struct DateAsTimestampSource {
  using Value = int32_t;
  static constexpr std::string_view kName = TimestampSource::kName;
  static std::optional<Field> field(const CallFrame& frame, TimeUnit unit, int32_t days) {
    if (!date_is_finite(days)) return TimestampSource::field(frame, unit, days < 0 ? kTimestampMinusInfinity : kTimestampInfinity);
    if (days >= kTimestampEnd / kMicrosPerDay) return DateSource::field(frame, unit, days);
    return TimestampSource::field(frame, unit, days * kMicrosPerDay);
  }
};

}  // namespace

void register_datetime_extract(Builder& b) {
  b.builtin("extract(text,timestamp)", extract_kernel<TimestampSource, StringRef>);
  b.builtin("extract(text,timestamptz)", extract_kernel<TimestamptzSource, StringRef>);
  b.builtin("extract(text,date)", extract_kernel<DateSource, StringRef>);
  b.builtin("extract(text,time)", extract_kernel<TimeSource, StringRef>);
  b.builtin("extract(text,timetz)", extract_kernel<TimetzSource, StringRef>);
  b.builtin("extract(text,interval)", extract_kernel<IntervalSource, StringRef>);
  b.builtin("date_part(text,timestamp)", extract_kernel<TimestampSource, double>);
  b.builtin("date_part(text,timestamptz)", extract_kernel<TimestamptzSource, double>);
  b.builtin("date_part(text,date)", extract_kernel<DateAsTimestampSource, double>);
  b.builtin("date_part(text,time)", extract_kernel<TimeSource, double>);
  b.builtin("date_part(text,timetz)", extract_kernel<TimetzSource, double>);
  b.builtin("date_part(text,interval)", extract_kernel<IntervalSource, double>);
}

}  // namespace eventd::engine
