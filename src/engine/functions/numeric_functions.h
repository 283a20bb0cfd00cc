// Roots, powers and logarithms of numeric, with PostgreSQL's result scales (numeric.c).
#pragma once

#include "engine/types/numeric.h"
#include "result.h"

namespace eventd::engine {

/// Digits that exp, ln, log and power compute with; results that need more are 0A000.
inline constexpr int kNumericTranscendentalDigits = 200;

Result<Numeric> numeric_sqrt(const Numeric& value);                          // 2201F
/// √value rounded to `scale` digits. REQUIRES: finite, not negative.
Numeric numeric_sqrt(const Numeric& value, int scale);
Result<Numeric> numeric_exp(const Numeric& value);                           // 22003
Result<Numeric> numeric_ln(const Numeric& value);                            // 2201E
Result<Numeric> numeric_log(const Numeric& base, const Numeric& value);      // 2201E, 22012
Result<Numeric> numeric_power(const Numeric& base, const Numeric& exponent); // 2201F, 22003

}  // namespace eventd::engine
