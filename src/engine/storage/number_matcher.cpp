#include "engine/storage/number_matcher.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

namespace eventd::engine {
namespace {

using Op = ScanPredicate::Op;

// Digits that always fit int64, and a float's that are worth a look.
constexpr size_t kIntegerDigitsMax = 18, kFloatCharactersMax = 400;
// Far above what rounding to float8 (once for the text, once for the value) can differ by.
constexpr double kRoundingSlack = 1e-12;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A plain integer; anything else, also what a cast would take, is not for here.
std::optional<int64_t> plain_integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  const std::string_view digits = text.substr(negative ? 1 : 0);
  if (digits.empty() || digits.size() > kIntegerDigitsMax ||
      !std::all_of(digits.begin(), digits.end(), is_digit)) {
    return std::nullopt;
  }
  int64_t value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  return negative ? -value : value;
}

std::optional<double> plain_float(std::string_view text) {
  const size_t first = text.starts_with('-') ? 1 : 0;
  if (text.size() <= first || text.size() > kFloatCharactersMax || !is_digit(text[first])) {
    return std::nullopt;  // NaN, Infinity, spaces …
  }
  double value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

bool NumberMatcher::supports(const ScanPredicate& predicate) {
  for (const Datum& value : predicate.values) {
    const auto* number = std::get_if<double>(&value.value());
    if (number != nullptr ? !std::isfinite(*number)
                          : !std::holds_alternative<int64_t>(value.value())) {
      return false;
    }
  }
  switch (predicate.op) {
    case Op::kEq:
    case Op::kLess:
    case Op::kLessEq:
    case Op::kGreater:
    case Op::kGreaterEq: return predicate.values.size() == 1;
    case Op::kIn: return true;
    default: return false;
  }
}

NumberMatcher::NumberMatcher(const ScanPredicate& predicate) : op_(predicate.op) {
  switch (predicate.column.type.id) {
    case oid::kInt2:
      smallest_ = std::numeric_limits<int16_t>::min();
      largest_ = std::numeric_limits<int16_t>::max();
      break;
    case oid::kInt4:
      smallest_ = std::numeric_limits<int32_t>::min();
      largest_ = std::numeric_limits<int32_t>::max();
      break;
    case oid::kInt8:
      smallest_ = std::numeric_limits<int64_t>::min();
      largest_ = std::numeric_limits<int64_t>::max();
      break;
    default: integers_ = false;
  }
  for (const Datum& value : predicate.values) {
    if (const auto* number = std::get_if<double>(&value.value())) {
      integers_ = false;
      values_.push_back(*number);
    } else {
      exact_.push_back(value.as<int64_t>());
      values_.push_back(static_cast<double>(exact_.back()));
    }
  }
  std::sort(exact_.begin(), exact_.end());
  std::sort(values_.begin(), values_.end());
}

bool NumberMatcher::may_match(std::string_view text) const {
  if (smallest_ != largest_) {  // an integer type: the cast refuses fractions and large values
    const std::optional<int64_t> value = plain_integer(text);
    if (!value.has_value() || *value < smallest_ || *value > largest_) return true;
    return integers_ ? matches_integer(*value) : may_match_float(static_cast<double>(*value));
  }
  const std::optional<double> value = plain_float(text);
  return !value.has_value() || may_match_float(*value);
}

bool NumberMatcher::matches_integer(int64_t value) const {
  switch (op_) {
    case Op::kLess: return value < exact_[0];
    case Op::kLessEq: return value <= exact_[0];
    case Op::kGreater: return value > exact_[0];
    case Op::kGreaterEq: return value >= exact_[0];
    default: return std::binary_search(exact_.begin(), exact_.end(), value);
  }
}

bool NumberMatcher::may_match_float(double value) const {
  const double slack = std::abs(value) * kRoundingSlack;
  switch (op_) {
    case Op::kLess:
    case Op::kLessEq: return value - slack <= values_[0];
    case Op::kGreater:
    case Op::kGreaterEq: return value + slack >= values_[0];
    default: {
      const auto found = std::lower_bound(values_.begin(), values_.end(), value - slack);
      return found != values_.end() && *found <= value + slack;
    }
  }
}

}  // namespace eventd::engine
