#include "engine/payload/json_number.h"

#include <charconv>
#include <cmath>

#include "engine/payload/msgpack_reader.h"
#include "engine/payload/msgpack_writer.h"
#include "engine/types/numeric.h"

namespace eventd::engine {
namespace {

constexpr double kExactPowers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
// A float64 holds every decimal of so many digits.
constexpr size_t kExactDigits = 15;
// Past these a float64 cannot reproduce the text (or it is not worth finding out).
constexpr int64_t kExponentMax = 400;
constexpr size_t kTextMax = 800;

Status overflow() { return Status(sqlstate::kNumericValueOutOfRange, "value overflows numeric format"); }

// Exponents and huge numbers. Never expands an exponent that costs more than the text is long.
Status append_unusual(const JsonNumber& number, MsgpackWriter& writer) {
  const std::string_view text = number.text;
  int64_t exponent = 0;
  if (number.has_exponent) {
    size_t at = text.find_first_of("eE") + 1;
    if (text[at] == '+') ++at;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), exponent);
    if (error != std::errc() || std::abs(exponent) > Numeric::kWeightDigitsMax) {
      // 0e999999999 is as wrong to PostgreSQL as 1e999999999.
      return overflow();
    }
  }
  if (static_cast<int64_t>(number.integer_digits) + exponent > Numeric::kWeightDigitsMax ||
      static_cast<int64_t>(number.fraction_digits) - exponent > Numeric::kScaleMax)
    return overflow();
  if (std::abs(exponent) <= kExponentMax && text.size() <= kTextMax) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && std::isfinite(value) && !(value == 0 && text[0] == '-') &&
        Numeric::from_double_shortest(value).text() == Numeric::from_canonical(text).text()) {
      writer.real(value);
      return Status();
    }
  }
  writer.ext(kMsgpackDecimalExt, text);
  return Status();
}

}  // namespace

Status append_json_number(const JsonNumber& number, std::string& out) {
  MsgpackWriter writer(out);
  const std::string_view text = number.text;
  const bool negative = text[0] == '-';
  if (number.is_integer()) {
    const char* digits = text.data() + negative;
    const char* end = text.data() + text.size();
    if (number.integer_digits <= 18) {
      int64_t value = 0;
      for (; digits < end; ++digits) value = value * 10 + (*digits - '0');
      writer.integer(negative ? -value : value);
      return Status();
    }
    uint64_t value = 0;
    int64_t signed_value = 0;
    if (!negative && std::from_chars(digits, end, value).ec == std::errc()) {
      writer.unsigned_integer(value);
      return Status();
    }
    if (negative && std::from_chars(text.data(), end, signed_value).ec == std::errc()) {
      writer.integer(signed_value);
      return Status();
    }
    return append_unusual(number, writer);
  }
  if (number.has_exponent) return append_unusual(number, writer);
  const size_t digit_count = number.integer_digits + number.fraction_digits;
  if (text.back() == '0') {
    // No float64 prints a trailing zero: the scale would be lost.
    if (digit_count > kTextMax) return append_unusual(number, writer);
    writer.ext(kMsgpackDecimalExt, text);
    return Status();
  }
  if (digit_count <= kExactDigits) [[likely]] {
    int64_t mantissa = 0;
    for (const char c : text)
      if (c >= '0') mantissa = mantissa * 10 + (c - '0');
    // Both are exact, so the quotient is the correctly rounded value of the text.
    const double value = static_cast<double>(mantissa) / kExactPowers[number.fraction_digits];
    writer.real(negative ? -value : value);
    return Status();
  }
  if (digit_count <= 18) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    char buffer[400];
    const auto shortest = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed);
    const std::string_view printed(buffer, static_cast<size_t>(shortest.ptr - buffer));
    if (error == std::errc() && shortest.ec == std::errc() && printed == text) {
      writer.real(value);
    } else {
      writer.ext(kMsgpackDecimalExt, text);
    }
    return Status();
  }
  return append_unusual(number, writer);
}

}  // namespace eventd::engine
