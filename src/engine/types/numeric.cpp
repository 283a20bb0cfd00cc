#include "engine/types/numeric.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include "engine/types/big_text.h"
#include "engine/types/float_text.h"
#include "engine/types/integer_text.h"
#include "engine/types/numeric_powers.h"

namespace eventd::engine {

using numeric_detail::big_power_of_ten;
using numeric_detail::kSmallDigits;
using numeric_detail::kSmallLimit;
using numeric_detail::power_of_ten;
using numeric_detail::small_digits;

namespace {

Status overflow() { return Status(sqlstate::kNumericValueOutOfRange, "value overflows numeric format"); }

Int128 absolute(Int128 v) { return v < 0 ? -v : v; }

bool equals_ignoring_case(std::string_view a, std::string_view lower) {
  return std::equal(a.begin(), a.end(), lower.begin(), lower.end(), [](char x, char y) {
    return (x >= 'A' && x <= 'Z' ? x + 32 : x) == y;
  });
}

}  // namespace

Numeric Numeric::nan() {
  Numeric n;
  n.kind_ = Kind::kNan;
  return n;
}
Numeric Numeric::infinity(bool negative) {
  Numeric n;
  n.kind_ = negative ? Kind::kMinusInfinity : Kind::kPlusInfinity;
  return n;
}
Numeric Numeric::from_int64(int64_t value) {
  Numeric n;
  n.small_ = value;
  return n;
}
Numeric Numeric::from_int128(Int128 coefficient, int scale) {
  if (coefficient > -kSmallLimit && coefficient < kSmallLimit) {
    Numeric n;
    n.small_ = coefficient;
    n.scale_ = scale;
    return n;
  }
  return from_big(Big(coefficient), scale);
}
Numeric Numeric::from_big(Big coefficient, int scale) {
  static const Big limit = big_power_of_ten(kSmallDigits);
  Numeric n;
  n.scale_ = scale;
  if (coefficient < limit && coefficient > -limit) {
    n.small_ = static_cast<Int128>(coefficient);
  } else {
    n.is_big_ = true;
    n.big_ = std::move(coefficient);
  }
  return n;
}

Numeric Numeric::from_double(double value) {
  if (value != value) return nan();
  if (value - value != 0) return infinity(value < 0);
  char buffer[64];
  const int n = snprintf(buffer, sizeof buffer, "%.15g", value);
  return from_canonical({buffer, static_cast<size_t>(n)});
}
Numeric Numeric::from_float(float value) {
  if (value != value) return nan();
  if (value - value != 0) return infinity(value < 0);
  char buffer[64];
  const int n = snprintf(buffer, sizeof buffer, "%.6g", static_cast<double>(value));
  return from_canonical({buffer, static_cast<size_t>(n)});
}
Numeric Numeric::from_double_shortest(double value) {
  if (value != value) return nan();
  if (value - value != 0) return infinity(value < 0);
  char buffer[64];
  const char* end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return from_canonical({buffer, static_cast<size_t>(end - buffer)});
}

Numeric Numeric::from_canonical(std::string_view text) {
  // The common case: sign, at most 37 digits, a point.
  int scale = -1;
  size_t digits = 0;
  size_t at = !text.empty() && text[0] == '-' ? 1 : 0;
  const bool negative = at == 1;
  const auto take = [&](auto value, size_t most) {
    for (; at < text.size() && digits < most; ++at) {
      const char c = text[at];
      if (c >= '0' && c <= '9') {
        value = value * 10 + static_cast<unsigned>(c - '0');
        ++digits;
        scale += scale >= 0;
      } else if (c == '.' && scale < 0) {
        scale = 0;
      } else {
        break;
      }
    }
    return value;
  };
  // One word as long as it lasts: two are several times slower.
  Int128 value = static_cast<Int128>(take(uint64_t{0}, 18));
  if (digits == 18) value = take(value, kSmallDigits + 1);
  if (at == text.size() && digits > 0 && digits <= kSmallDigits)
    return from_int128(negative ? -value : value, std::max(scale, 0));
  Result<Numeric> parsed = parse(text);
  return parsed.ok() ? std::move(parsed).value() : nan();
}

Result<Numeric> Numeric::parse(std::string_view text) {
  std::string_view body = trim_input_space(text);
  bool negative = false;
  if (!body.empty() && (body[0] == '+' || body[0] == '-')) {
    negative = body[0] == '-';
    body.remove_prefix(1);
  }
  if (equals_ignoring_case(body, "infinity") || equals_ignoring_case(body, "inf"))
    return infinity(negative);
  if (equals_ignoring_case(trim_input_space(text), "nan")) return nan();
  std::string digits;
  int64_t scale = 0;
  bool point = false;
  size_t at = 0, count = 0;
  for (; at < body.size(); ++at) {
    const char c = body[at];
    if (c >= '0' && c <= '9') {
      ++count;
      scale += point;
      if (c != '0' || !digits.empty()) digits.push_back(c);
    } else if (c == '.' && !point) {
      point = true;
    } else {
      break;
    }
  }
  if (count == 0) return invalid_input("numeric", text);
  int64_t exponent = 0;
  if (at < body.size() && (body[at] == 'e' || body[at] == 'E')) {
    std::string_view rest = body.substr(at + 1);
    if (rest.starts_with('+')) rest.remove_prefix(1);
    const bool doubled = rest.size() < body.size() - at - 1 && rest.starts_with('-');
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), exponent);
    if (doubled || error == std::errc::invalid_argument || end != rest.data() + rest.size())
      return invalid_input("numeric", text);
    if (error != std::errc() || exponent >= INT32_MAX / 2 || exponent <= -(INT32_MAX / 2))
      return overflow();
  } else if (at != body.size()) {
    return invalid_input("numeric", text);
  }
  scale -= exponent;
  if (digits.empty()) {
    if (scale > kScaleMax) return overflow();
    return from_int128(0, static_cast<int>(std::max<int64_t>(scale, 0)));
  }
  if (scale < 0) {
    if (static_cast<int64_t>(digits.size()) - scale > kWeightDigitsMax) return overflow();
    digits.append(static_cast<size_t>(-scale), '0');
    scale = 0;
  }
  if (scale > kScaleMax || static_cast<int64_t>(digits.size()) - scale > kWeightDigitsMax)
    return overflow();
  if (digits.size() <= kSmallDigits) {
    Int128 value = 0;
    for (const char c : digits) value = value * 10 + (c - '0');
    return from_int128(negative ? -value : value, static_cast<int>(scale));
  }
  Big value = numeric_detail::big_from_digits(digits);
  return from_big(negative ? Big(-value) : std::move(value), static_cast<int>(scale));
}

void Numeric::append_text(std::string& out) const {
  switch (kind_) {
    case Kind::kNan: out += "NaN"; return;
    case Kind::kPlusInfinity: out += "Infinity"; return;
    case Kind::kMinusInfinity: out += "-Infinity"; return;
    case Kind::kFinite: break;
  }
  std::string big_text;
  char buffer[48];
  char* begin = buffer + sizeof buffer;
  std::string_view digits;
  if (is_big_) {
    big_text = numeric_detail::big_text(abs().big_);
    digits = big_text;
  } else {
    Int128 v = absolute(small_);
    // Two words are divided once for 18 digits, not for each.
    constexpr uint64_t kChunk = 1'000'000'000'000'000'000;
    while (v > UINT64_MAX) {
      const Int128 rest = v / kChunk;
      auto chunk = static_cast<uint64_t>(v - rest * kChunk);
      for (int i = 0; i < 18; ++i, chunk /= 10) *--begin = static_cast<char>('0' + chunk % 10);
      v = rest;
    }
    auto low = static_cast<uint64_t>(v);
    do {
      *--begin = static_cast<char>('0' + low % 10);
      low /= 10;
    } while (low != 0);
    digits = {begin, static_cast<size_t>(buffer + sizeof buffer - begin)};
  }
  if (sign() < 0) out.push_back('-');
  const auto scale = static_cast<size_t>(scale_);
  if (scale == 0) {
    out += digits;
  } else if (digits.size() > scale) {
    out.append(digits.substr(0, digits.size() - scale)).append(1, '.').append(digits.substr(digits.size() - scale));
  } else {
    out.append("0.").append(scale - digits.size(), '0').append(digits);
  }
}

std::string Numeric::text() const {
  std::string out;
  append_text(out);
  return out;
}

bool Numeric::is_zero() const { return kind_ == Kind::kFinite && !is_big_ && small_ == 0; }

int Numeric::sign() const {
  if (kind_ != Kind::kFinite)
    return kind_ == Kind::kNan ? 0 : kind_ == Kind::kPlusInfinity ? 1 : -1;
  if (is_big_) return big_.sign();
  return small_ < 0 ? -1 : small_ > 0;
}

Numeric::Big Numeric::coefficient() const { return is_big_ ? big_ : Big(small_); }

int Numeric::digits() const {
  return is_big_ ? numeric_detail::big_digits(big_) : small_digits(absolute(small_));
}

std::strong_ordering Numeric::operator<=>(const Numeric& other) const {
  if (kind_ != Kind::kFinite || other.kind_ != Kind::kFinite) {
    const auto rank = [](Kind k) {
      return k == Kind::kMinusInfinity ? 0 : k == Kind::kFinite ? 1 : k == Kind::kPlusInfinity ? 2 : 3;
    };
    return rank(kind_) <=> rank(other.kind_);
  }
  if (scale_ == other.scale_ && !is_big_ && !other.is_big_) return small_ <=> other.small_;
  if (sign() != other.sign()) return sign() <=> other.sign();
  if (sign() == 0) return std::strong_ordering::equal;
  // The place of the first digit decides unless equal; so alignment stays small.
  const int place = digits() - scale_, other_place = other.digits() - other.scale_;
  if (place != other_place) return sign() > 0 ? place <=> other_place : other_place <=> place;
  const int scale = std::max(scale_, other.scale_);
  const Numeric a = rescaled(scale), b = other.rescaled(scale);
  if (!a.is_big_ && !b.is_big_) return a.small_ <=> b.small_;
  const int order = a.coefficient().compare(b.coefficient());
  return order <=> 0;
}

uint64_t Numeric::hash() const { return hash_numeric_text(text()); }

Numeric Numeric::operator-() const {
  Numeric n = *this;
  if (kind_ == Kind::kPlusInfinity) n.kind_ = Kind::kMinusInfinity;
  if (kind_ == Kind::kMinusInfinity) n.kind_ = Kind::kPlusInfinity;
  n.small_ = -small_;
  if (is_big_) n.big_ = -big_;
  return n;
}

Numeric Numeric::abs() const { return sign() < 0 ? -*this : *this; }

Numeric Numeric::rescaled(int scale) const {
  const int more = scale - scale_;
  if (more <= 0) return *this;
  if (!is_big_ && (small_ == 0 || small_digits(absolute(small_)) + more <= kSmallDigits))
    return from_int128(small_ == 0 ? 0 : small_ * power_of_ten(more), scale);
  return from_big(coefficient() * big_power_of_ten(more), scale);
}

// To a lower scale (which may be negative: the result then has scale 0).
Numeric Numeric::shrink(int scale, bool round) const {
  if (kind_ != Kind::kFinite || scale >= scale_) return *this;
  const int drop = scale_ - scale;
  const int shown = std::max(scale, 0);
  if (drop > digits()) return from_int128(0, shown);
  Numeric result;
  if (!is_big_ && drop <= kSmallDigits) {
    const Int128 unit = power_of_ten(drop);
    Int128 q = absolute(small_) / unit;
    if (round && absolute(small_) % unit * 2 >= unit) ++q;
    result = from_int128(small_ < 0 ? -q : q, scale);
  } else {
    const Big unit = big_power_of_ten(drop);
    Big q, r;
    boost::multiprecision::divide_qr(Big(boost::multiprecision::abs(coefficient())), unit, q, r);
    if (round && r * 2 >= unit) ++q;
    result = from_big(sign() < 0 ? Big(-q) : std::move(q), scale);
  }
  return scale < 0 ? result.rescaled(0) : result;
}

Numeric Numeric::round(int scale) const {
  if (kind_ != Kind::kFinite) return *this;
  scale = std::clamp(scale, -kWeightDigitsMax, kScaleMax);
  return scale > scale_ ? rescaled(scale) : shrink(scale, true);
}
Numeric Numeric::truncate(int scale) const {
  if (kind_ != Kind::kFinite) return *this;
  scale = std::clamp(scale, -kWeightDigitsMax, kScaleMax);
  return scale > scale_ ? rescaled(scale) : shrink(scale, false);
}
Numeric Numeric::ceil() const {
  if (kind_ != Kind::kFinite) return *this;
  const Numeric whole = shrink(0, false);
  return sign() > 0 && *this > whole ? *whole.add(from_int64(1)) : whole;
}
Numeric Numeric::floor() const {
  if (kind_ != Kind::kFinite) return *this;
  const Numeric whole = shrink(0, false);
  return sign() < 0 && *this < whole ? *whole.subtract(from_int64(1)) : whole;
}

Status Numeric::check_range() const {
  if (!is_big_) return Status();
  if (digits() - scale_ > kWeightDigitsMax) return overflow();
  return Status();
}

double Numeric::to_double() const {
  if (kind_ == Kind::kNan) return std::numeric_limits<double>::quiet_NaN();
  if (kind_ != Kind::kFinite)
    return sign() * std::numeric_limits<double>::infinity();
  const std::string t = text();
  double value = 0;
  const auto [end, error] = std::from_chars(t.data(), t.data() + t.size(), value);
  if (error == std::errc::result_out_of_range)
    return digits() - scale_ > 0 ? sign() * std::numeric_limits<double>::infinity() : 0.0;
  return value;
}

namespace {

template <class T>
Result<T> to_integer(const Numeric& value, std::string_view name) {
  if (!value.is_finite()) {
    std::string message = value.is_nan() ? "cannot convert NaN to " : "cannot convert infinity to ";
    return Status(sqlstate::kFeatureNotSupported, message.append(name));
  }
  const Numeric::Big whole = value.round(0).coefficient();
  if (whole < std::numeric_limits<T>::min() || whole > std::numeric_limits<T>::max())
    return Status(sqlstate::kNumericValueOutOfRange, std::string(name) + " out of range");
  return static_cast<T>(whole);
}

}  // namespace

Result<int64_t> Numeric::to_int64() const { return to_integer<int64_t>(*this, "bigint"); }
Result<int32_t> Numeric::to_int32() const { return to_integer<int32_t>(*this, "integer"); }
Result<int16_t> Numeric::to_int16() const { return to_integer<int16_t>(*this, "smallint"); }

Result<Numeric> Numeric::apply_modifier(int32_t modifier) const {
  if (modifier < 4 || kind_ == Kind::kNan) return *this;
  const int precision = (modifier - 4) >> 16 & 0xffff;
  const int scale = (((modifier - 4) & 0x7ff) ^ 1024) - 1024;
  const auto field_overflow = [&](std::string rest) {
    Error error{sqlstate::kNumericValueOutOfRange, "numeric field overflow", {}, {}, {}, 0};
    error.detail = "A field with precision " + std::to_string(precision) + ", scale " +
                   std::to_string(scale) + std::move(rest);
    return Status(std::move(error));
  };
  if (kind_ != Kind::kFinite) return field_overflow(" cannot hold an infinite value.");
  Numeric rounded = round(scale);
  if (!rounded.is_zero() && rounded.digits() - rounded.scale_ > precision - scale) {
    const int digits = precision - scale;
    return field_overflow(" must round to an absolute value less than " +
                          (digits == 0 ? std::string("1") : "10^" + std::to_string(digits)) + ".");
  }
  return rounded;
}

uint64_t hash_numeric_text(std::string_view text) {
  if (text.find('.') != std::string_view::npos) {
    while (text.ends_with('0')) text.remove_suffix(1);
    if (text.ends_with('.')) text.remove_suffix(1);
  }
  if (text == "-0") text = "0";
  return std::hash<std::string_view>{}(text);
}

std::strong_ordering compare_numeric_text(std::string_view a, std::string_view b) {
  return Numeric::from_canonical(a) <=> Numeric::from_canonical(b);
}

}  // namespace eventd::engine
