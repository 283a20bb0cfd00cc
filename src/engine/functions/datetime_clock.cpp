// now() and its kin, and what the datetime files share.
#include "clock.h"
#include "engine/functions/datetime_functions.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;

Status transaction_time(const CallFrame& frame, Vector& result) {
  result = Vector::constant(Datum(oid::kTimestamptz, frame.context.transaction_timestamp_us), frame.rows);
  return Status();
}
Status statement_time(const CallFrame& frame, Vector& result) {
  result = Vector::constant(Datum(oid::kTimestamptz, frame.context.statement_timestamp_us), frame.rows);
  return Status();
}

struct UnitName {
  std::string_view name;
  TimeUnit unit;
};
constexpr UnitName kUnits[] = {
    {"microsecond", TimeUnit::kMicrosecond}, {"microseconds", TimeUnit::kMicrosecond}, {"usec", TimeUnit::kMicrosecond},
    {"usecs", TimeUnit::kMicrosecond}, {"useconds", TimeUnit::kMicrosecond}, {"us", TimeUnit::kMicrosecond}, {"microsecon", TimeUnit::kMicrosecond},
    {"millisecond", TimeUnit::kMillisecond}, {"milliseconds", TimeUnit::kMillisecond}, {"ms", TimeUnit::kMillisecond},
    {"msec", TimeUnit::kMillisecond}, {"msecs", TimeUnit::kMillisecond}, {"mseconds", TimeUnit::kMillisecond}, {"millisecon", TimeUnit::kMillisecond},
    {"second", TimeUnit::kSecond}, {"seconds", TimeUnit::kSecond}, {"sec", TimeUnit::kSecond}, {"secs", TimeUnit::kSecond}, {"s", TimeUnit::kSecond},
    {"minute", TimeUnit::kMinute}, {"minutes", TimeUnit::kMinute}, {"min", TimeUnit::kMinute}, {"mins", TimeUnit::kMinute}, {"m", TimeUnit::kMinute},
    {"hour", TimeUnit::kHour}, {"hours", TimeUnit::kHour}, {"hr", TimeUnit::kHour}, {"hrs", TimeUnit::kHour}, {"h", TimeUnit::kHour},
    {"day", TimeUnit::kDay}, {"days", TimeUnit::kDay}, {"d", TimeUnit::kDay},
    {"week", TimeUnit::kWeek}, {"weeks", TimeUnit::kWeek}, {"w", TimeUnit::kWeek},
    {"month", TimeUnit::kMonth}, {"months", TimeUnit::kMonth}, {"mon", TimeUnit::kMonth}, {"mons", TimeUnit::kMonth},
    {"quarter", TimeUnit::kQuarter}, {"qtr", TimeUnit::kQuarter},
    {"year", TimeUnit::kYear}, {"years", TimeUnit::kYear}, {"y", TimeUnit::kYear}, {"yr", TimeUnit::kYear}, {"yrs", TimeUnit::kYear},
    {"decade", TimeUnit::kDecade}, {"decades", TimeUnit::kDecade}, {"dec", TimeUnit::kDecade}, {"decs", TimeUnit::kDecade},
    {"century", TimeUnit::kCentury}, {"centuries", TimeUnit::kCentury}, {"c", TimeUnit::kCentury}, {"cent", TimeUnit::kCentury},
    {"millennium", TimeUnit::kMillennium}, {"millennia", TimeUnit::kMillennium}, {"mil", TimeUnit::kMillennium}, {"mils", TimeUnit::kMillennium},
    {"epoch", TimeUnit::kEpoch}, {"julian", TimeUnit::kJulian}, {"j", TimeUnit::kJulian}, {"jd", TimeUnit::kJulian},
    {"isoyear", TimeUnit::kIsoYear}, {"dow", TimeUnit::kDayOfWeek}, {"isodow", TimeUnit::kIsoDayOfWeek}, {"doy", TimeUnit::kDayOfYear},
    {"timezone", TimeUnit::kTimezone}, {"timezone_hour", TimeUnit::kTimezoneHour}, {"timezone_h", TimeUnit::kTimezoneHour},
    {"timezone_minute", TimeUnit::kTimezoneMinute}, {"timezone_m", TimeUnit::kTimezoneMinute},
};

}  // namespace

TimeUnit time_unit_of(std::string_view name) {
  if (name.size() > 32) return TimeUnit::kUnknown;
  char lower[32];
  for (size_t i = 0; i < name.size(); ++i)
    lower[i] = name[i] >= 'A' && name[i] <= 'Z' ? static_cast<char>(name[i] + 32) : name[i];
  const std::string_view key(lower, name.size());
  for (const UnitName& u : kUnits)
    if (u.name == key) return u.unit;
  return TimeUnit::kUnknown;
}

Status bad_unit(std::string_view unit, TimeUnit parsed, std::string_view type) {
  std::string name(unit);
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  const bool known = parsed != TimeUnit::kUnknown;
  return Status(known ? sqlstate::kFeatureNotSupported : sqlstate::kInvalidParameterValue,
                "unit \"" + name + (known ? "\" not supported" : "\" not recognized") + " for type " + std::string(type));
}

Result<const TimeZone*> require_zone(std::string_view name) {
  if (const TimeZone* zone = TimeZone::find(name)) return zone;
  return Status(sqlstate::kInvalidParameterValue, "time zone \"" + std::string(name) + "\" not recognized");
}

Result<int64_t> timestamp_from_date(int32_t days) {
  if (days == kDateInfinity) return kTimestampInfinity;
  if (days == kDateMinusInfinity) return kTimestampMinusInfinity;
  if (days >= kTimestampEnd / kMicrosPerDay)
    return Status(sqlstate::kDatetimeFieldOverflow, "date out of range for timestamp");
  return days * kMicrosPerDay;
}

void register_datetime_clock(Builder& builder) {
  builder.builtins({"now()", "transaction_timestamp()"}, transaction_time);
  builder.builtin("statement_timestamp()", statement_time);
  builder.builtin("clock_timestamp()", [](const CallFrame& frame, Vector& result) {
    return each_row(frame, result, [](uint32_t row, Vector& to) {
      to.data<int64_t>()[row] = timestamptz_from_unix_ns(Clock::system().realtime_ns());
      return Status();
    });
  });
}

void register_datetime(Builder& builder) {
  register_datetime_clock(builder);
  register_datetime_arithmetic(builder);
  register_datetime_truncate(builder);
  register_datetime_extract(builder);
  register_datetime_casts(builder);
  register_datetime_make(builder);
  register_datetime_to_char(builder);
  register_datetime_from_char(builder);
  register_datetime_overlaps(builder);
}

}  // namespace eventd::engine
