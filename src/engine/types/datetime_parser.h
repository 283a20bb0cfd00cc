// Splits the text of a date/time into fields. Source of the rules: PostgreSQL 15
// src/backend/utils/adt/datetime.c (ParseDateTime, DecodeDateTime), manual appendix B.
#pragma once

#include <optional>
#include <string_view>

#include "engine/types/datetime_fields.h"
#include "engine/types/format_options.h"
#include "result.h"

namespace eventd::engine {

class TimeZone;

enum class DateTimeSpecial : uint8_t { kNone, kNow, kToday, kTomorrow, kYesterday, kEpoch, kInfinity, kMinusInfinity };

/// What the text said; checked against the calendar, not against a type's range.
struct ParsedDateTime {
  DateTimeSpecial special = DateTimeSpecial::kNone;
  bool has_date = false, has_time = false;
  DateTimeFields fields;                   ///< microsecond may be 1,000,000 after rounding
  std::optional<int32_t> offset_seconds;   ///< seconds east, from +hh[:mm] or an abbreviation
  const TimeZone* zone = nullptr;          ///< a full zone name
};

/// 22007, 22008, 22009 or 22023, naming `type_name` and the text.
Result<ParsedDateTime> split_datetime(std::string_view text, DateOrder order, std::string_view type_name);

}  // namespace eventd::engine
