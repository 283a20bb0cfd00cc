#include "engine/types/float_text.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "engine/types/integer_text.h"

namespace eventd::engine {
namespace {

// Whether a decimal lies exactly half way between `value` and one of its neighbours: it reads back as
// `value`, but PostgreSQL's shortest form never takes it. Only large integers have such short ones.
// REQUIRES: |value| >= 2^digits, `text` in scientific form.
template <class T>
bool is_half_way(T value, const char* text) {
  // A half way has digits + 1 bits, so digits × 10^exponent is none unless its odd part fits into a
  // word. Then a long double holds it exactly.
  static_assert(std::numeric_limits<long double>::digits >= 64);
  uint64_t odd = 0;
  int exponent = 0;
  const char* at = text;
  for (bool fraction = false; *at != 'e' && *at != '\0'; ++at) {
    if (*at >= '0' && *at <= '9') {
      odd = odd * 10 + static_cast<uint64_t>(*at - '0');
      exponent -= fraction;
    }
    fraction |= *at == '.';
  }
  if (odd == 0 || *at != 'e') return false;
  exponent += std::atoi(at + 1);
  for (; exponent < 0 && odd % 10 == 0; ++exponent) odd /= 10;
  if (exponent < 0) return false;
  for (; exponent > 0; --exponent) {
    while (odd % 2 == 0) odd /= 2;
    if (__builtin_mul_overflow(odd, uint64_t{5}, &odd)) return false;
  }
  const long double decimal = std::strtold(text, nullptr), exact = value;
  const T infinity = std::numeric_limits<T>::infinity();
  return decimal == (exact + std::nextafter(value, infinity)) / 2 ||
         decimal == (exact + std::nextafter(value, -infinity)) / 2;
}

/// The shortest scientific form strictly between the neighbours' half ways. Returns its end.
template <class T>
const char* shortest(T value, char* begin, char* limit) {
  char* end = std::to_chars(begin, limit, value, std::chars_format::scientific).ptr;
  *end = '\0';
  if (std::fabs(value) < static_cast<T>(uint64_t{1} << std::numeric_limits<T>::digits)) return end;
  bool fits = !is_half_way(value, begin);
  for (int digits = 1; !fits && digits < std::numeric_limits<T>::max_digits10; ++digits) {
    end = std::to_chars(begin, limit, value, std::chars_format::scientific, digits).ptr;
    *end = '\0';
    T back = 0;
    std::from_chars(begin, end, back);
    fits = back == value && !is_half_way(value, begin);
  }
  return end;
}

// Digits and exponent of to_chars' shortest scientific form, laid out as PostgreSQL does: plain
// while -4 <= exponent < plain_max, else d.ddde+XX.
template <class T>
void append_shortest(T value, int plain_max, std::string& out) {
  char buffer[64];
  const char* end = shortest(value, buffer, buffer + sizeof buffer - 1);
  const char* at = buffer;
  if (*at == '-') out.push_back(*at++);
  char digits[32];
  int count = 0;
  for (; at < end && *at != 'e'; ++at)
    if (*at != '.') digits[count++] = *at;
  int exponent = 0;
  const char* exponent_at = at + 1;
  if (exponent_at < end && *exponent_at == '+') ++exponent_at;
  std::from_chars(exponent_at, end, exponent);
  const auto n = static_cast<size_t>(count);
  if (exponent < -4 || exponent >= plain_max) {
    out.push_back(digits[0]);
    if (count > 1) out.append(1, '.').append(digits + 1, n - 1);
    out.append(exponent < 0 ? "e-" : "e+");
    const int magnitude = std::abs(exponent);
    if (magnitude < 10) out.push_back('0');
    append_integer(magnitude, out);
  } else if (exponent < 0) {
    out.append("0.").append(static_cast<size_t>(-exponent - 1), '0').append(digits, n);
  } else if (count <= exponent + 1) {
    out.append(digits, n).append(static_cast<size_t>(exponent + 1 - count), '0');
  } else {
    const auto whole = static_cast<size_t>(exponent + 1);
    out.append(digits, whole).append(1, '.').append(digits + whole, n - whole);
  }
}

template <class T>
void append_float(T value, std::string& out, int plain_max, int decimal_digits, int extra) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value < 0 ? "-Infinity" : "Infinity";
  } else if (value == 0) {
    out += std::signbit(value) ? "-0" : "0";
  } else if (extra > 0) {
    append_shortest(value, plain_max, out);
  } else {
    char buffer[64];
    const int precision = decimal_digits + extra < 1 ? 1 : decimal_digits + extra;
    const int n = snprintf(buffer, sizeof buffer, "%.*g", precision, static_cast<double>(value));
    out.append(buffer, static_cast<size_t>(n));
  }
}

bool is_word(std::string_view a, std::string_view lower) {
  if (a.size() != lower.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if ((a[i] >= 'A' && a[i] <= 'Z' ? a[i] + 32 : a[i]) != lower[i]) return false;
  return true;
}

template <class T>
Result<T> parse_float(std::string_view text, std::string_view type_name) {
  const std::string_view trimmed = trim_input_space(text);
  std::string_view body = trimmed;
  bool negative = false;
  if (!body.empty() && (body[0] == '+' || body[0] == '-')) {
    negative = body[0] == '-';
    body.remove_prefix(1);
  }
  T value = 0;
  if (is_word(body, "infinity") || is_word(body, "inf")) {
    value = std::numeric_limits<T>::infinity();
  } else if (is_word(body, "nan")) {
    return std::numeric_limits<T>::quiet_NaN();
  } else {
    const char* end = body.data() + body.size();
    // from_chars would take inf, nan and a second sign.
    const bool number = !body.empty() && (body[0] == '.' || (body[0] >= '0' && body[0] <= '9'));
    const auto [at, error] = number ? std::from_chars(body.data(), end, value)
                                    : std::from_chars_result{body.data(), std::errc::invalid_argument};
    if (error == std::errc::invalid_argument || at != end) return invalid_input(type_name, text);
    if (error == std::errc::result_out_of_range) {
      std::string message = "\"";
      message.append(trimmed).append("\" is out of range for type ").append(type_name);
      return Status(sqlstate::kNumericValueOutOfRange, std::move(message));
    }
  }
  return negative ? -value : value;
}

}  // namespace

void append_float8(double value, std::string& out, int extra_float_digits) {
  append_float(value, out, 15, 15, extra_float_digits);
}
void append_float4(float value, std::string& out, int extra_float_digits) {
  append_float(value, out, 6, 6, extra_float_digits);
}
Result<double> parse_float8(std::string_view text) {
  return parse_float<double>(text, "double precision");
}
Result<float> parse_float4(std::string_view text) { return parse_float<float>(text, "real"); }

}  // namespace eventd::engine
