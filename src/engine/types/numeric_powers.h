// Powers of ten and digit counts for numeric's two representations.
#pragma once

#include <array>
#include <boost/multiprecision/cpp_int.hpp>

#include "engine/types/int128.h"

namespace eventd::engine::numeric_detail {

using Big = boost::multiprecision::cpp_int;

/// Coefficients of up to this many digits stay in an Int128 (10^38 - 1 would fit; one digit is
/// left so that sums do not overflow).
inline constexpr int kSmallDigits = 37;

inline constexpr auto kPowers = [] {
  std::array<Int128, kSmallDigits + 2> powers{};
  powers[0] = 1;
  for (size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}();
inline constexpr Int128 kSmallLimit = kPowers[kSmallDigits];

/// REQUIRES: 0 <= n <= kSmallDigits + 1.
inline Int128 power_of_ten(int n) { return kPowers[static_cast<size_t>(n)]; }
inline Big big_power_of_ten(int n) {
  return boost::multiprecision::pow(Big(10), static_cast<unsigned>(n));
}

/// Decimal digits of v >= 0; 0 for 0.
inline int small_digits(Int128 v) {
  if (v == 0) return 0;
  int n = 1;
  while (n <= kSmallDigits && v >= power_of_ten(n)) ++n;
  return n;
}
inline int big_digits(const Big& v) {
  if (v.is_zero()) return 0;
  const Big magnitude = boost::multiprecision::abs(v);
  const auto bits = static_cast<double>(boost::multiprecision::msb(magnitude));
  const int estimate = static_cast<int>(bits * 0.30102999566398120) + 1;  // exact or one too few
  return magnitude >= big_power_of_ten(estimate) ? estimate + 1 : estimate;
}

}  // namespace eventd::engine::numeric_detail
