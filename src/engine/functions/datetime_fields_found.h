// What a format found in a text, and the date and time it makes. Private to to_date / to_timestamp.
#pragma once

#include <string_view>

#include "engine/functions/datetime_scanner.h"
#include "engine/functions/datetime_template.h"

namespace eventd::engine {

/// 0 = not given, as PostgreSQL.
struct DateFieldsFound {
  DateConvention convention = DateConvention::kNone;
  bool half_day_clock = false;
  int hour = 0, afternoon = 0, minute = 0, second = 0, second_of_day = 0;
  int milliseconds = 0, microseconds = 0;
  int day_of_week = 0;  ///< 1 = Sunday
  int day = 0, day_of_year = 0, month = 0, year = 0, year_digits = 0, before_christ = 0;
  int week_of_year = 0, week_of_month = 0, century = 0, julian = 0;
  int zone_sign = 0, zone_hours = 0, zone_minutes = 0;
};

Result<ScannedDateTime> resolve_fields(DateFieldsFound found, std::string_view text);

}  // namespace eventd::engine
