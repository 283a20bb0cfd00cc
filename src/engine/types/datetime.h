// Text forms of timestamptz, timestamp, date, time, timetz: PostgreSQL's input rules (manual §8.5,
// appendix B) and its DateStyle outputs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/types/datetime_fields.h"
#include "engine/types/format_options.h"
#include "engine/types/type.h"
#include "result.h"

namespace eventd::engine {

/// What reading a date needs besides its text.
struct DateTimeInput {
  const FormatOptions& format;
  /// 'now', 'today' …: the transaction's time, µs since 2000-01-01 UTC.
  int64_t now_us = 0;
};

// Parsing. Errors: 22007 not a date/time, 22008 a field or the whole out of range, 22023 unknown
// zone. Results are finite and in range, or infinity. `modifier` = digits of seconds, -1 = 6.
Result<int64_t> parse_timestamptz(const DateTimeInput& input, std::string_view text, int32_t modifier = -1);
Result<int64_t> parse_timestamp(const DateTimeInput& input, std::string_view text, int32_t modifier = -1);
Result<int32_t> parse_date(const DateTimeInput& input, std::string_view text);
Result<int64_t> parse_time(const DateTimeInput& input, std::string_view text, int32_t modifier = -1);
Result<TimetzValue> parse_timetz(const DateTimeInput& input, std::string_view text, int32_t modifier = -1);

// Printing.
void append_timestamptz(const FormatOptions& format, int64_t us, std::string& out);
void append_timestamp(const FormatOptions& format, int64_t us, std::string& out);
void append_date(const FormatOptions& format, int32_t days, std::string& out);
void append_time(int64_t us, std::string& out);
void append_timetz(const TimetzValue& value, std::string& out);

/// Rounds to `digits` (0–6; others leave it) of a second, half away from zero.
int64_t round_to_digits(int64_t us, int32_t digits);

}  // namespace eventd::engine
