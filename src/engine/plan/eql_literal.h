// Words of EQL that are values: numbers, booleans, times.
#pragma once

#include <optional>
#include <string_view>

#include "engine/plan/eql_ast.h"

namespace eventd::engine {

/// The value `word` is by itself: an integer (decimal or 0x…), a float, true/false, now, today,
/// yesterday, a date or a timestamp. nullopt = none. Durations need a second word: parse_duration.
std::optional<EqlLiteral> parse_eql_word(std::string_view word);

/// `15s`, `5m`, `2h`, `7d` in nanoseconds; nullopt if it is none or beyond int64.
std::optional<int64_t> parse_eql_duration_ns(std::string_view word);

bool equals_ignoring_case(std::string_view a, std::string_view b);

}  // namespace eventd::engine
