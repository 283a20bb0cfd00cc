// Reads a text by the format of to_date / to_timestamp into fields, PostgreSQL's rules.
#pragma once

#include <optional>
#include <string_view>

#include "engine/types/datetime_fields.h"
#include "result.h"

namespace eventd::engine {

struct ScannedDateTime {
  DateTimeFields fields;                   ///< year 0 = 1 BC, as civil_from_days
  std::optional<int32_t> zone_seconds_east;  ///< TZH, TZM
};

/// 22007 not as the format says, 22008 a field out of range, 0A000 patterns only to_char has.
Result<ScannedDateTime> scan_datetime(std::string_view text, std::string_view format);

}  // namespace eventd::engine
