// JSON numbers → msgpack numbers.
#pragma once

#include <string>
#include <string_view>

#include "result.h"

namespace eventd::engine {

/// The parts of a number token that has JSON's grammar.
struct JsonNumber {
  std::string_view text;        ///< the whole token
  size_t integer_digits = 0;
  size_t fraction_digits = 0;   ///< 0 also without a point
  bool has_exponent = false;
  bool is_integer() const { return fraction_digits == 0 && !has_exponent; }
};

/// Appends it as int64/uint64, float64, or ext 1 decimal text. 22003 beyond numeric's range.
Status append_json_number(const JsonNumber& number, std::string& out);

}  // namespace eventd::engine
