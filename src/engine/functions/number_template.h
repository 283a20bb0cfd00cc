// The format of to_char(number, text) and to_number(text, text), parsed.
// Source of the patterns: PostgreSQL manual, table 9.29.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace eventd::engine {

enum class NumberPattern : uint8_t {
  kLiteral, kNine, kZero, kPoint, kLocalePoint, kComma, kLocaleComma, kCurrency, kSign, kMinus, kPlus,
  kPlusMinus, kAngle, kRoman, kRomanLower, kOrdinal, kOrdinalLower, kShift, kExponent, kFill, kBlank,
  kIgnored
};

/// What the patterns of one format say together.
struct NumberTemplate {
  struct Item {
    NumberPattern pattern;
    std::string_view literal;  ///< kLiteral: one character
  };
  enum class LocaleSign : uint8_t { kNone, kBefore, kAfter };

  std::vector<Item> items;  ///< borrows the format's bytes
  int before = 0;           ///< digits before the point
  int after = 0;            ///< and behind it
  int shift = 0;            ///< digits behind V
  int zero_start = 0;       ///< place of the first 0, from 1; 0 = none
  int zero_end = 0;
  int sign_place = 0;       ///< digits before S
  LocaleSign locale_sign = LocaleSign::kNone;
  bool decimal = false, zero = false, fill_mode = false, has_locale_sign = false, bracket = false;
  bool minus = false, plus = false, roman = false, multiply = false, exponent = false;
};

/// 42601 for patterns that exclude each other.
Result<NumberTemplate> parse_number_template(std::string_view format);

}  // namespace eventd::engine
