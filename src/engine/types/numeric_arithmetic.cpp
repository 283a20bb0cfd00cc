// numeric's + - * / %: result scales as PostgreSQL's add_var, mul_var, select_div_scale.
#include <algorithm>

#include "bytes.h"
#include "engine/types/numeric.h"
#include "engine/types/numeric_powers.h"

namespace eventd::engine {

using numeric_detail::big_power_of_ten;
using numeric_detail::kSmallDigits;
using numeric_detail::power_of_ten;
using numeric_detail::small_digits;

namespace {

constexpr int kSignificantDigitsMin = 16;  // NUMERIC_MIN_SIG_DIGITS
constexpr int kDisplayScaleMax = 1000;     // NUMERIC_MAX_DISPLAY_SCALE

Status division_by_zero() { return Status(sqlstate::kDivisionByZero, "division by zero"); }

}  // namespace

Result<Numeric> Numeric::add(const Numeric& other) const {
  if (!is_finite() || !other.is_finite()) {
    if (is_nan() || other.is_nan()) return nan();
    if (is_infinite() && other.is_infinite() && kind_ != other.kind_) return nan();
    return is_infinite() ? *this : other;
  }
  const int scale = std::max(scale_, other.scale_);
  const Numeric a = rescaled(scale), b = other.rescaled(scale);
  if (!a.is_big_ && !b.is_big_) return from_int128(a.small_ + b.small_, scale);
  Numeric sum = from_big(a.coefficient() + b.coefficient(), scale);
  RETURN_IF_ERROR(sum.check_range());
  return sum;
}

Result<Numeric> Numeric::subtract(const Numeric& other) const { return add(-other); }

Result<Numeric> Numeric::multiply(const Numeric& other) const {
  if (!is_finite() || !other.is_finite()) {
    if (is_nan() || other.is_nan() || is_zero() || other.is_zero()) return nan();
    return infinity(sign() * other.sign() < 0);
  }
  const int scale = scale_ + other.scale_;
  Int128 product = 0;
  Numeric result = !is_big_ && !other.is_big_ && !__builtin_mul_overflow(small_, other.small_, &product)
                       ? from_int128(product, scale)
                       : from_big(coefficient() * other.coefficient(), scale);
  RETURN_IF_ERROR(result.check_range());
  return scale > kScaleMax ? result.round(kScaleMax) : result;
}

Result<Numeric> Numeric::divide(const Numeric& other, int result_scale) const {
  if (is_nan() || other.is_nan()) return nan();
  if (other.is_zero()) return division_by_zero();
  if (is_infinite()) return other.is_infinite() ? nan() : infinity(sign() * other.sign() < 0);
  if (other.is_infinite()) return from_int128(0, 0);
  // numerator / denominator × 10^-result_scale
  const int shift = result_scale + other.scale_ - scale_;
  const bool negative = sign() * other.sign() < 0;
  if (!is_big_ && !other.is_big_) {
    const Int128 a = small_ < 0 ? -small_ : small_, b = other.small_ < 0 ? -other.small_ : other.small_;
    const int digits_a = small_digits(a) + std::max(shift, 0), digits_b = small_digits(b) + std::max(-shift, 0);
    if (digits_a <= kSmallDigits && digits_b <= kSmallDigits) {
      const Int128 numerator = shift > 0 ? a * power_of_ten(shift) : a;
      const Int128 denominator = shift < 0 ? b * power_of_ten(-shift) : b;
      Int128 q = numerator / denominator;
      if (numerator % denominator * 2 >= denominator) ++q;
      return from_int128(negative ? -q : q, result_scale);
    }
  }
  Big numerator = boost::multiprecision::abs(coefficient());
  Big denominator = boost::multiprecision::abs(other.coefficient());
  if (shift > 0) numerator *= big_power_of_ten(shift);
  if (shift < 0) denominator *= big_power_of_ten(-shift);
  Big q, r;
  boost::multiprecision::divide_qr(numerator, denominator, q, r);
  if (r * 2 >= denominator) ++q;
  Numeric result = from_big(negative ? Big(-q) : std::move(q), result_scale);
  RETURN_IF_ERROR(result.check_range());
  return result;
}

Result<Numeric> Numeric::divide(const Numeric& other) const {
  if (!is_finite() || !other.is_finite() || other.is_zero()) return divide(other, 0);
  // Base-10000 weight and first digit of each side, as PostgreSQL estimates the quotient's size.
  const auto leading = [](const Numeric& n, int& weight, int& first) {
    const int digits = n.digits();
    if (digits == 0) {
      weight = first = 0;
      return;
    }
    const int exponent = digits - 1 - n.scale_;
    weight = exponent >= 0 ? exponent / 4 : -((3 - exponent) / 4);
    const int take = exponent - weight * 4 + 1;  // decimal digits in the first base-10000 digit
    if (!n.is_big_) {
      const Int128 value = n.small_ < 0 ? -n.small_ : n.small_;
      first = static_cast<int>(digits > take ? value / power_of_ten(digits - take)
                                             : value * power_of_ten(take - digits));
    } else if (digits > take) {
      const Numeric top = n.abs().shrink(n.scale_ - (digits - take), false);
      const Big whole = top.scale_ == 0 ? top.coefficient() / big_power_of_ten(std::max(0, digits - take - n.scale_))
                                        : top.coefficient();
      first = static_cast<int>(whole);
    } else {
      first = static_cast<int>(n.abs().coefficient() * big_power_of_ten(take - digits));
    }
  };
  int weight_a, first_a, weight_b, first_b;
  leading(*this, weight_a, first_a);
  leading(other, weight_b, first_b);
  int quotient_weight = weight_a - weight_b;
  if (first_a <= first_b) --quotient_weight;
  int scale = kSignificantDigitsMin - quotient_weight * 4;
  scale = std::max({scale, scale_, other.scale_, 0});
  return divide(other, std::min(scale, kDisplayScaleMax));
}

Result<Numeric> Numeric::divide_truncate(const Numeric& other) const {
  if (is_nan() || other.is_nan()) return nan();
  if (other.is_zero()) return division_by_zero();
  if (is_infinite()) return other.is_infinite() ? nan() : infinity(sign() * other.sign() < 0);
  if (other.is_infinite()) return from_int128(0, 0);
  const int scale = std::max(scale_, other.scale_);
  const Numeric a = rescaled(scale), b = other.rescaled(scale);
  if (!a.is_big_ && !b.is_big_) return from_int128(a.small_ / b.small_, 0);
  Numeric result = from_big(a.coefficient() / b.coefficient(), 0);
  RETURN_IF_ERROR(result.check_range());
  return result;
}

Result<Numeric> Numeric::modulo(const Numeric& other) const {
  if (is_nan() || other.is_nan() || is_infinite()) {
    if (!is_nan() && !other.is_nan() && other.is_zero()) return division_by_zero();
    return nan();
  }
  if (other.is_zero()) return division_by_zero();
  if (other.is_infinite()) return *this;
  const int scale = std::max(scale_, other.scale_);
  const Numeric a = rescaled(scale), b = other.rescaled(scale);
  if (!a.is_big_ && !b.is_big_) return from_int128(a.small_ % b.small_, scale);
  return from_big(a.coefficient() % b.coefficient(), scale);
}

// Wire form (numeric_send): int16 ndigits, weight, sign, dscale, then base-10000 digits.
void Numeric::append_binary(std::string& out) const {
  const auto header = [&](size_t count, int weight, uint16_t sign_bits) {
    append_be(out, static_cast<uint16_t>(count));
    append_be(out, static_cast<int16_t>(weight));
    append_be(out, sign_bits);
    append_be(out, static_cast<uint16_t>(scale_));
  };
  if (is_nan()) return header(0, 0, 0xC000);
  if (is_infinite()) return header(0, 0, sign() > 0 ? 0xD000 : 0xF000);
  const std::string text = abs().text();
  const size_t point = std::min(text.find('.'), text.size());
  // Pad both sides of the point to whole groups of four.
  std::string digits((4 - point % 4) % 4, '0');
  digits.append(text, 0, point);
  int weight = static_cast<int>(digits.size() / 4) - 1;
  if (point < text.size()) digits.append(text, point + 1);
  digits.append((4 - digits.size() % 4) % 4, '0');
  std::string_view left = digits;
  while (left.starts_with("0000")) {
    left.remove_prefix(4);
    --weight;
  }
  while (left.ends_with("0000")) left.remove_suffix(4);
  header(left.size() / 4, left.empty() ? 0 : weight, sign() < 0 ? 0x4000 : 0);
  for (size_t i = 0; i < left.size(); i += 4) {
    const int group = (left[i] - '0') * 1000 + (left[i + 1] - '0') * 100 + (left[i + 2] - '0') * 10 + (left[i + 3] - '0');
    append_be(out, static_cast<uint16_t>(group));
  }
}

Result<Numeric> Numeric::from_binary(std::string_view bytes) {
  const auto bad = [](const char* what) { return Status(sqlstate::kInvalidBinaryRepresentation, what); };
  if (bytes.size() < 8) return bad("insufficient data left in message");
  const auto count = load_be<uint16_t>(bytes.data());
  const int weight = load_be<int16_t>(bytes.data() + 2);
  const auto sign_bits = load_be<uint16_t>(bytes.data() + 4);
  const auto scale = load_be<uint16_t>(bytes.data() + 6);
  if (bytes.size() != 8 + size_t{count} * 2) return bad("insufficient data left in message");
  if (sign_bits == 0xC000) return nan();
  if (sign_bits == 0xD000 || sign_bits == 0xF000) return infinity(sign_bits == 0xF000);
  if (sign_bits != 0 && sign_bits != 0x4000) return bad("invalid sign in external \"numeric\" value");
  if (scale > kScaleMax) return bad("invalid scale in external \"numeric\" value");
  std::string text = sign_bits == 0x4000 ? "-" : "";
  for (size_t i = 0; i < count; ++i) {
    const auto group = load_be<uint16_t>(bytes.data() + 8 + i * 2);
    if (group > 9999) return bad("invalid digit in external \"numeric\" value");
    char buffer[8];
    text.append(buffer, static_cast<size_t>(snprintf(buffer, sizeof buffer, "%04d", int{group})));
  }
  if (count == 0) text += "0";
  text += "e" + std::to_string((weight + 1 - int{count}) * 4);
  ASSIGN_OR_RETURN(Numeric value, parse(text));
  return value.truncate(scale);
}

}  // namespace eventd::engine
