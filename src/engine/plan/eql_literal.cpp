#include "engine/plan/eql_literal.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

namespace eventd::engine {
namespace {

// Longer integers are read as floats, which have no more digits anyway.
constexpr size_t kWideDigitsMax = 300;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// YYYY-MM-DD, alone or followed by T and a time: its fields are checked by timestamptz input.
bool looks_like_time(std::string_view word) {
  if (word.size() < 10) return false;
  for (const size_t i : {0u, 1u, 2u, 3u, 5u, 6u, 8u, 9u}) {
    if (!is_digit(word[i])) return false;
  }
  return word[4] == '-' && word[7] == '-' && (word.size() == 10 || word[10] == 'T' || word[10] == 't');
}

bool is_digits(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), is_digit);
}

template <class T>
bool parse_all(std::string_view word, T& value, int base) {
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, base);
  return error == std::errc{} && end == word.data() + word.size();
}

}  // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::tolower(static_cast<unsigned char>(a[i])) != std::tolower(static_cast<unsigned char>(b[i]))) {
      return false;
    }
  }
  return true;
}

std::optional<int64_t> parse_eql_duration_ns(std::string_view word) {
  if (word.size() < 2) return std::nullopt;
  int64_t seconds = 0;
  switch (std::tolower(static_cast<unsigned char>(word.back()))) {
    case 's': seconds = 1; break;
    case 'm': seconds = 60; break;
    case 'h': seconds = 3600; break;
    case 'd': seconds = 86'400; break;
    default: return std::nullopt;
  }
  int64_t count = 0, total = 0;
  if (!is_digit(word[0]) || !parse_all(word.substr(0, word.size() - 1), count, 10)) return std::nullopt;
  if (__builtin_mul_overflow(count, seconds * 1'000'000'000, &total)) return std::nullopt;
  return total;
}

std::optional<EqlLiteral> parse_eql_word(std::string_view word) {
  EqlLiteral literal;
  literal.text = word;
  const auto of = [&](EqlLiteral::Kind kind, int64_t integer) {
    literal.kind = kind;
    literal.integer = integer;
    return literal;
  };
  if (equals_ignoring_case(word, "true")) return of(EqlLiteral::Kind::kBoolean, 1);
  if (equals_ignoring_case(word, "false")) return of(EqlLiteral::Kind::kBoolean, 0);
  if (equals_ignoring_case(word, "now")) return of(EqlLiteral::Kind::kRelative, 0);
  if (equals_ignoring_case(word, "today")) return of(EqlLiteral::Kind::kToday, 0);
  if (equals_ignoring_case(word, "yesterday")) return of(EqlLiteral::Kind::kToday, -1);
  if (looks_like_time(word)) return of(EqlLiteral::Kind::kTime, 0);
  const size_t digits = word.starts_with('-') ? 1 : 0;
  if (word.size() == digits || (!is_digit(word[digits]) && word[digits] != '.')) return std::nullopt;
  int64_t integer = 0;
  if (word.substr(0, 2) == "0x" || word.substr(0, 2) == "0X") {
    uint64_t bits = 0;
    if (!parse_all(word.substr(2), bits, 16)) return std::nullopt;
    if (bits <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return of(EqlLiteral::Kind::kInteger, static_cast<int64_t>(bits));
    }
    literal.text = std::to_string(bits);
    return of(EqlLiteral::Kind::kWideInteger, 0);
  }
  if (parse_all(word, integer, 10)) return of(EqlLiteral::Kind::kInteger, integer);
  if (is_digits(word.substr(digits)) && word.size() <= kWideDigitsMax) {
    return of(EqlLiteral::Kind::kWideInteger, 0);
  }
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), literal.real);
  if (error != std::errc{} || end != word.data() + word.size() || !std::isfinite(literal.real)) {
    return std::nullopt;
  }
  literal.kind = EqlLiteral::Kind::kFloat;
  return literal;
}

}  // namespace eventd::engine
