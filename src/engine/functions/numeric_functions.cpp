#include "engine/functions/numeric_functions.h"

#include <algorithm>
#include <boost/multiprecision/cpp_dec_float.hpp>
#include <cmath>

#include "engine/types/big_text.h"

namespace eventd::engine {
namespace {

using Decimal =
    boost::multiprecision::number<boost::multiprecision::cpp_dec_float<kNumericTranscendentalDigits>>;
using Big = Numeric::Big;

constexpr int kMinSignificantDigits = 16, kMaxScale = 1000;

int clamp_scale(int scale, int argument_scale) {
  return std::clamp(std::max(scale, argument_scale), 0, kMaxScale);
}

int digit_count(const Big& coefficient) {
  return numeric_detail::big_digits(coefficient);
}

/// PostgreSQL's weight: the power of 10,000 of the first digit.
int weight_of(const Numeric& value) {
  const int exponent = digit_count(value.coefficient()) - 1 - value.scale();
  return exponent >= 0 ? exponent / 4 : -((3 - exponent) / 4);
}

Decimal decimal_of(const Numeric& value) { return Decimal(value.text()); }

Status too_precise() {
  return Status(sqlstate::kFeatureNotSupported, "a numeric result of that many digits");
}

/// Rounded half away from zero to `scale`.
Result<Numeric> numeric_of(const Decimal& value, int scale) {
  if (boost::multiprecision::isinf(value) || boost::multiprecision::isnan(value))
    return {sqlstate::kNumericValueOutOfRange, "value overflows numeric format"};
  const Decimal magnitude = boost::multiprecision::abs(value);
  if (magnitude != 0) {
    const int integer_digits = static_cast<int>(boost::multiprecision::log10(magnitude)) + 1;
    if (integer_digits + scale + 5 > kNumericTranscendentalDigits) return too_precise();
  }
  return Numeric::parse(value.str(scale + 5, std::ios_base::fixed)).value().round(scale);
}

/// Decimal digits before the point of ln(value), as PostgreSQL estimates it.
int estimate_ln_weight(const Numeric& value) {
  const double approximate = value.to_double();
  if (approximate >= 0.9 && approximate <= 1.1) {
    const Result<Numeric> difference = value.subtract(Numeric::from_int64(1));
    if (!difference.ok() || difference->is_zero()) return 0;
    return digit_count(difference->coefficient()) - 1 - difference->scale();
  }
  // By digits, as to_double may overflow.
  const int digits = digit_count(value.coefficient());
  Big first = boost::multiprecision::abs(value.coefficient());
  if (digits > 8) first /= numeric_detail::big_power_of_ten(digits - 8);
  const std::string text = first.str();
  const double ln = std::log(std::stod(text)) +
                    (digits - static_cast<int>(text.size()) - value.scale()) * 2.302585092994046;
  return static_cast<int>(std::log10(std::fabs(ln)));
}

Status check_logarithm(const Numeric& value) {
  if (value.is_nan()) return Status();
  if (value.sign() == 0)
    return Status(sqlstate::kInvalidArgumentForLogarithm, "cannot take logarithm of zero");
  if (value.sign() < 0)
    return Status(sqlstate::kInvalidArgumentForLogarithm,
                  "cannot take logarithm of a negative number");
  return Status();
}

bool is_integer(const Numeric& value) { return value.truncate(0) == value; }

/// base^exponent for an integer exponent, exact before rounding where it fits.
Result<Numeric> integer_power(const Numeric& base, int64_t exponent, int scale) {
  const Big coefficient = base.coefficient();
  const double log = base.is_zero()
                         ? 0
                         : (digit_count(coefficient) - base.scale()) * static_cast<double>(exponent);
  if (log > Numeric::kWeightDigitsMax)
    return {sqlstate::kNumericValueOutOfRange, "value overflows numeric format"};
  if (base.is_zero()) return exponent == 0 ? Numeric::from_int64(1).round(scale) : Numeric().round(scale);
  const double work = static_cast<double>(digit_count(coefficient)) * std::fabs(static_cast<double>(exponent));
  if (work > 200'000) return too_precise();
  const auto magnitude = static_cast<unsigned>(exponent < 0 ? -exponent : exponent);
  const Big power = boost::multiprecision::pow(coefficient, magnitude);
  const auto places = static_cast<unsigned>(base.scale()) * magnitude;
  const auto ten_to = [](unsigned n) -> Big { return boost::multiprecision::pow(Big(10), n); };
  Big numerator, denominator;  // of the result × 10^scale
  if (exponent >= 0) {
    numerator = power * ten_to(static_cast<unsigned>(scale));
    denominator = ten_to(places);
  } else {
    numerator = ten_to(places + static_cast<unsigned>(scale));
    denominator = power;
    if (denominator < 0) {
      denominator = -denominator;
      numerator = -numerator;
    }
  }
  const bool negative = numerator < 0;
  const Big rounded = (boost::multiprecision::abs(numerator) * 2 + denominator) / (denominator * 2);
  std::string text = numeric_detail::big_text(rounded);
  if (text.size() <= static_cast<size_t>(scale))
    text.insert(0, static_cast<size_t>(scale) + 1 - text.size(), '0');
  if (scale > 0) text.insert(text.size() - static_cast<size_t>(scale), ".");
  if (negative) text.insert(0, "-");
  return Numeric::parse(text);
}

}  // namespace

Numeric numeric_sqrt(const Numeric& value, int scale) {
  // One digit more than wanted, floor, then round half up: exact, as a root never ends in 5 there
  // unless it is exact.
  const int extra = scale + 1;
  const int shift = 2 * extra - value.scale();
  Big radicand = value.coefficient();
  if (shift >= 0) {
    radicand *= boost::multiprecision::pow(Big(10), static_cast<unsigned>(shift));
  } else {
    radicand /= boost::multiprecision::pow(Big(10), static_cast<unsigned>(-shift));
  }
  std::string text = numeric_detail::big_text(Big(boost::multiprecision::sqrt(radicand)));
  if (text.size() <= static_cast<size_t>(extra))
    text.insert(0, static_cast<size_t>(extra) + 1 - text.size(), '0');
  text.insert(text.size() - static_cast<size_t>(extra), ".");
  const Result<Numeric> root = Numeric::parse(text);
  return root.ok() ? root->round(scale) : Numeric::nan();
}

Result<Numeric> numeric_sqrt(const Numeric& value) {
  if (value.is_nan()) return value;
  if (value.sign() < 0)
    return {sqlstate::kInvalidArgumentForPower, "cannot take square root of a negative number"};
  if (value.is_infinite()) return value;
  const int root_weight = value.is_zero() ? 1 : (weight_of(value) + 1) * 4 / 2 - 1;
  return numeric_sqrt(value, clamp_scale(kMinSignificantDigits - root_weight, value.scale()));
}

Result<Numeric> numeric_exp(const Numeric& value) {
  if (value.is_nan()) return value;
  if (value.is_infinite()) return value.sign() > 0 ? value : Numeric();
  // The limit is PostgreSQL's, three times the digits a result may have after its point.
  if (value.to_double() >= 6000.0)
    return {sqlstate::kNumericValueOutOfRange, "value overflows numeric format"};
  const double digits = std::clamp(value.to_double() * 0.434294481903252, -2000.0, 2000.0);
  const int scale = clamp_scale(kMinSignificantDigits - static_cast<int>(digits), value.scale());
  if (digits > kNumericTranscendentalDigits) return too_precise();
  return numeric_of(boost::multiprecision::exp(decimal_of(value)), scale);
}

Result<Numeric> numeric_ln(const Numeric& value) {
  RETURN_IF_ERROR(check_logarithm(value));
  if (!value.is_finite()) return value;
  const int scale = clamp_scale(kMinSignificantDigits - estimate_ln_weight(value), value.scale());
  return numeric_of(boost::multiprecision::log(decimal_of(value)), scale);
}

Result<Numeric> numeric_log(const Numeric& base, const Numeric& value) {
  if (base.is_nan() || value.is_nan()) return Numeric::nan();
  RETURN_IF_ERROR(check_logarithm(base));
  RETURN_IF_ERROR(check_logarithm(value));
  if (base.is_infinite() || value.is_infinite()) {
    if (base.is_infinite() && value.is_infinite()) return Numeric::nan();
    return base.is_infinite() ? Numeric() : value;
  }
  const Decimal divisor = boost::multiprecision::log(decimal_of(base));
  if (divisor == 0) return {sqlstate::kDivisionByZero, "division by zero"};
  const int weight = estimate_ln_weight(value) - estimate_ln_weight(base);
  const int scale =
      clamp_scale(kMinSignificantDigits - weight, std::max(base.scale(), value.scale()));
  return numeric_of(boost::multiprecision::log(decimal_of(value)) / divisor, scale);
}

namespace {

bool is_odd(const Numeric& integer) {
  return boost::multiprecision::bit_test(Big(boost::multiprecision::abs(integer.round(0).coefficient())), 0);
}

// One of the two is infinite, none of them NaN; the base is not 1, the exponent not 0.
Result<Numeric> infinite_power(const Numeric& base, const Numeric& exponent) {
  if (base.is_zero() && exponent.sign() < 0)
    return {sqlstate::kInvalidArgumentForPower, "zero raised to a negative power is undefined"};
  if (base.is_zero()) return Numeric();
  if (exponent.is_infinite()) {
    const Numeric one = Numeric::from_int64(1);
    const Numeric magnitude = base.sign() < 0 ? -base : base;
    if (magnitude == one) return one;
    const bool grows = (magnitude > one) == (exponent.sign() > 0);
    return grows ? Numeric::infinity(false) : Numeric();
  }
  if (base.sign() < 0 && !is_integer(exponent)) {
    return {sqlstate::kInvalidArgumentForPower,
            "a negative number raised to a non-integer power yields a complex result"};
  }
  if (exponent.sign() < 0) return Numeric();
  return Numeric::infinity(base.sign() < 0 && is_odd(exponent));
}

}  // namespace

Result<Numeric> numeric_power(const Numeric& base, const Numeric& exponent) {
  // 1 ^ anything and anything ^ 0 are 1, NaN included.
  if (!base.is_finite() || !exponent.is_finite()) {
    if (exponent.is_finite() && exponent.is_zero()) return Numeric::from_int64(1);
    if (base.is_finite() && base == Numeric::from_int64(1)) return Numeric::from_int64(1);
    if (base.is_nan() || exponent.is_nan()) return Numeric::nan();
    return infinite_power(base, exponent);
  }
  if (base.is_zero() && exponent.sign() < 0)
    return {sqlstate::kInvalidArgumentForPower, "zero raised to a negative power is undefined"};
  if (is_integer(exponent)) {
    const Result<int32_t> whole = exponent.to_int32();
    if (whole.ok())
      return integer_power(base, *whole, clamp_scale(kMinSignificantDigits, base.scale()));
  } else if (base.sign() < 0) {
    return {sqlstate::kInvalidArgumentForPower,
            "a negative number raised to a non-integer power yields a complex result"};
  }
  if (base.is_zero()) return Numeric().round(kMinSignificantDigits);
  const Decimal log = boost::multiprecision::log(boost::multiprecision::abs(decimal_of(base))) *
                      decimal_of(exponent);
  const double digits = log.convert_to<double>() * 0.434294481903252;
  if (digits > Numeric::kWeightDigitsMax)
    return {sqlstate::kNumericValueOutOfRange, "value overflows numeric format"};
  if (digits > kNumericTranscendentalDigits) return too_precise();
  const int scale =
      clamp_scale(kMinSignificantDigits - static_cast<int>(std::max(digits, -2000.0)),
                  std::max(base.scale(), exponent.scale()));
  return numeric_of(boost::multiprecision::exp(log), scale);
}

}  // namespace eventd::engine
