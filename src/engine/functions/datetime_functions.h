// The parts of register_datetime(), one per file, and what they share.
#pragma once

#include <string>
#include <string_view>

#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/types/datetime_fields.h"
#include "engine/types/time_zone.h"

namespace eventd::engine {

void register_datetime_clock(FunctionCatalog::Builder& builder);
void register_datetime_arithmetic(FunctionCatalog::Builder& builder);
void register_datetime_truncate(FunctionCatalog::Builder& builder);
void register_datetime_extract(FunctionCatalog::Builder& builder);
void register_datetime_casts(FunctionCatalog::Builder& builder);
void register_datetime_make(FunctionCatalog::Builder& builder);
void register_datetime_to_char(FunctionCatalog::Builder& builder);
void register_datetime_from_char(FunctionCatalog::Builder& builder);
void register_datetime_overlaps(FunctionCatalog::Builder& builder);

namespace fault {
inline constexpr Fault kTimestampRange{sqlstate::kDatetimeFieldOverflow, "timestamp out of range"};
inline constexpr Fault kDateRange{sqlstate::kDatetimeFieldOverflow, "date out of range"};
inline constexpr Fault kIntervalRange{sqlstate::kDatetimeFieldOverflow, "interval out of range"};
}  // namespace fault

/// The unit of date_trunc and extract, lower case, without PostgreSQL's synonyms.
enum class TimeUnit : uint8_t {
  kMicrosecond, kMillisecond, kSecond, kMinute, kHour, kDay, kWeek, kMonth, kQuarter, kYear, kDecade,
  kCentury, kMillennium, kEpoch, kJulian, kIsoYear, kDayOfWeek, kIsoDayOfWeek, kDayOfYear,
  kTimezone, kTimezoneHour, kTimezoneMinute, kUnknown
};
TimeUnit time_unit_of(std::string_view name);
/// 22023 `unit "x" not recognized for type T`, or 0A000 `unit "x" not supported for type T`.
Status bad_unit(std::string_view unit, TimeUnit parsed, std::string_view type);

inline const TimeZone& session_zone(const CallFrame& frame) {
  return frame.context.format.time_zone != nullptr ? *frame.context.format.time_zone : TimeZone::utc();
}
/// 22023 `time zone "x" not recognized`.
Result<const TimeZone*> require_zone(std::string_view name);
inline int64_t unix_seconds_of(int64_t us) { return floor_div(us, kMicrosPerSecond) + kPostgresEpochSeconds; }
/// Date → timestamp. 22008.
Result<int64_t> timestamp_from_date(int32_t days);

/// map_rows over all arguments but the first.
inline CallFrame without_first(const CallFrame& frame) {
  return {frame.context, frame.arguments.subspan(1), frame.rows, frame.result_type, frame.state};
}
inline bool constant_value(const Vector& v) { return v.form() == Vector::Form::kConstant && !v.is_null(0); }

}  // namespace eventd::engine
