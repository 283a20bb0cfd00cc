// Decimal text of large integers. The library's own conversions take a time that grows with the square
// of the length, and can't be interrupted.
#pragma once

#include <string>
#include <string_view>

#include "engine/types/numeric_powers.h"

namespace eventd::engine::numeric_detail {

/// The value of decimal digits, which may begin with zeros. REQUIRES: nothing but digits, at least
/// one. Any value once is_interrupted().
Big big_from_digits(std::string_view digits);
/// `value` in decimal, with a minus if it is less than 0. Any digits once is_interrupted().
std::string big_text(const Big& value);

}  // namespace eventd::engine::numeric_detail
