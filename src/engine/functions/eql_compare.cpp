#include "engine/functions/eql_compare.h"

#include <cmath>

#include "engine/functions/text_helpers.h"
#include "engine/types/numeric.h"

namespace eventd::engine {
namespace {

bool is_decimal(const MsgpackToken& token) {
  return token.kind == MsgpackKind::kExt && token.ext_type == kMsgpackDecimalExt;
}

bool is_number(const MsgpackToken& token) {
  return token.kind == MsgpackKind::kInt || token.kind == MsgpackKind::kUint ||
         token.kind == MsgpackKind::kFloat || is_decimal(token);
}

bool is_integer(const MsgpackToken& token) {
  return token.kind == MsgpackKind::kInt || token.kind == MsgpackKind::kUint;
}

std::strong_ordering compare_integers(const MsgpackToken& a, const MsgpackToken& b) {
  const bool negative_a = a.kind == MsgpackKind::kInt && a.integer < 0;
  const bool negative_b = b.kind == MsgpackKind::kInt && b.integer < 0;
  if (negative_a && negative_b) return a.integer <=> b.integer;
  if (negative_a != negative_b)
    return negative_a ? std::strong_ordering::less : std::strong_ordering::greater;
  return a.unsigned_integer() <=> b.unsigned_integer();
}

/// long double holds every int64, uint64 and double exactly on x86-64.
static_assert(std::numeric_limits<long double>::digits >= 64);
long double wide(const MsgpackToken& token) {
  switch (token.kind) {
    case MsgpackKind::kInt: return static_cast<long double>(token.integer);
    case MsgpackKind::kUint: return static_cast<long double>(token.unsigned_integer());
    default: return static_cast<long double>(token.real);
  }
}

Numeric exact(const MsgpackToken& token) {
  switch (token.kind) {
    case MsgpackKind::kInt: return Numeric::from_int64(token.integer);
    case MsgpackKind::kUint:
      return Numeric::from_int128(static_cast<Int128>(token.unsigned_integer()), 0);
    case MsgpackKind::kFloat: return Numeric::from_double_shortest(token.real);
    default: return Numeric::from_canonical(token.text());
  }
}

}  // namespace

std::partial_ordering eql_compare_numbers(const MsgpackToken& a, const MsgpackToken& b) {
  if (!is_number(a) || !is_number(b)) return std::partial_ordering::unordered;
  if (is_integer(a) && is_integer(b)) return compare_integers(a, b);
  if ((a.kind == MsgpackKind::kFloat && std::isnan(a.real)) ||
      (b.kind == MsgpackKind::kFloat && std::isnan(b.real)))
    return std::partial_ordering::unordered;
  if (is_decimal(a) || is_decimal(b)) return exact(a) <=> exact(b);
  return wide(a) <=> wide(b);
}

std::optional<std::string_view> eql_text(const MsgpackToken& token, std::string& buffer) {
  if (token.kind == MsgpackKind::kString) return token.text();
  if (token.kind != MsgpackKind::kBinary) return std::nullopt;
  constexpr char kHex[] = "0123456789abcdef";
  buffer = "\\x";
  for (const uint8_t byte : token.bytes) {
    buffer += kHex[byte >> 4];
    buffer += kHex[byte & 15];
  }
  return std::string_view(buffer);
}

bool eql_equal(const MsgpackToken& a, const MsgpackToken& b) {
  if (a.kind == MsgpackKind::kBool || b.kind == MsgpackKind::kBool)
    return a.kind == b.kind && a.boolean == b.boolean;
  std::string buffer_a, buffer_b;
  const auto text_a = eql_text(a, buffer_a), text_b = eql_text(b, buffer_b);
  if (text_a.has_value() || text_b.has_value())
    return text_a.has_value() && text_b.has_value() && equal_ignoring_ascii_case(*text_a, *text_b);
  return eql_compare_numbers(a, b) == 0;
}

MsgpackToken eql_token(ByteSpan value) {
  MsgpackToken token;
  MsgpackReader reader(value);
  if (!reader.next(token)) return MsgpackToken{};
  return token;
}

}  // namespace eventd::engine
