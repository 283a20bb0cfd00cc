#include "engine/functions/eql_set.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/functions/eql_compare.h"
#include "engine/functions/row_guard.h"
#include "engine/functions/text_helpers.h"
#include "engine/functions/vector_map.h"

namespace eventd::engine {
namespace {

bool is_decimal_token(const MsgpackToken& token) {
  return token.kind == MsgpackKind::kExt && token.ext_type == kMsgpackDecimalExt;
}

bool is_plain_number(const MsgpackToken& token) {
  return token.kind == MsgpackKind::kInt || token.kind == MsgpackKind::kUint ||
         (token.kind == MsgpackKind::kFloat && !std::isnan(token.real));
}

// Every int64, uint64 and double has a value of its own here on x86-64.
static_assert(std::numeric_limits<long double>::digits >= 64);
long double plain_value(const MsgpackToken& token) {
  switch (token.kind) {
    case MsgpackKind::kInt: return static_cast<long double>(token.integer);
    case MsgpackKind::kUint: return static_cast<long double>(token.unsigned_integer());
    default: return static_cast<long double>(token.real);
  }
}

Numeric exact_value(const MsgpackToken& token) {
  switch (token.kind) {
    case MsgpackKind::kInt: return Numeric::from_int64(token.integer);
    case MsgpackKind::kUint: return Numeric::from_int128(static_cast<Int128>(token.unsigned_integer()), 0);
    case MsgpackKind::kFloat: return Numeric::from_double_shortest(token.real);
    default: return Numeric::from_canonical(token.text());
  }
}

std::string lower_text(std::string_view text) {
  std::string lowered;
  lowered.reserve(text.size());
  append_lower(text, lowered);
  return lowered;
}

bool among(const std::vector<Numeric>& sorted, const Numeric& value) {
  return std::binary_search(sorted.begin(), sorted.end(), value,
                            [](const Numeric& a, const Numeric& b) { return (a <=> b) < 0; });
}

Result<std::shared_ptr<const CallState>> prepare_eql_in(const ScalarFunction&,
                                                        std::span<const Datum* const> constants) {
  if (constants[1] == nullptr || constants[1]->is_null()) return std::shared_ptr<const CallState>();
  return std::shared_ptr<const CallState>(std::make_shared<EqlSet>(as_bytes(constants[1]->bytes())));
}

Status eql_in(const CallFrame& frame, Vector& result) {
  if (frame.state == nullptr) {
    return Status(sqlstate::kFeatureNotSupported, "a list that is not a constant");
  }
  const auto& set = static_cast<const EqlSet&>(*frame.state);
  return map_vector(frame, result, [&](const CallFrame& call, const Vector& in, uint32_t rows, Vector& out) -> Status {
    const auto values = in.view<StringRef>();
    uint8_t* data = out.data<uint8_t>();
    RowGuard guard(call.context, rows);
    for (uint32_t i = 0; i < rows; ++i) {
      data[i] = 0;
      const MsgpackToken token = values.valid(i) ? eql_token(as_bytes(values[i].view())) : MsgpackToken{};
      if (token.kind == MsgpackKind::kNil) {
        out.set_null(i);
      } else {
        data[i] = set.contains(token);
      }
      RETURN_IF_ERROR(guard.step(values[i].size, nullptr));
    }
    return Status();
  });
}

}  // namespace

EqlSet::EqlSet(ByteSpan array) {
  MsgpackReader reader(array);
  MsgpackToken header;
  if (!reader.next(header) || header.kind != MsgpackKind::kArray) return;
  MsgpackToken literal;
  for (uint32_t i = 0; i < header.count && reader.next(literal); ++i) add(literal);
  const auto less = [](const Numeric& a, const Numeric& b) { return (a <=> b) < 0; };
  std::sort(exact_.begin(), exact_.end(), less);
  std::sort(decimals_.begin(), decimals_.end(), less);
}

void EqlSet::add(const MsgpackToken& literal) {
  if (literal.kind == MsgpackKind::kBool) {
    (literal.boolean ? has_true_ : has_false_) = true;
  } else if (literal.kind == MsgpackKind::kString) {
    texts_.insert(lower_text(literal.text()));
  } else if (is_plain_number(literal)) {
    numbers_.insert(plain_value(literal));
    if (literal.kind != MsgpackKind::kFloat || std::isfinite(literal.real)) exact_.push_back(exact_value(literal));
  } else if (is_decimal_token(literal)) {
    exact_.push_back(exact_value(literal));
    decimals_.push_back(exact_.back());
  }
}

bool EqlSet::contains(const MsgpackToken& value) const {
  if (value.kind == MsgpackKind::kBool) return value.boolean ? has_true_ : has_false_;
  std::string buffer;
  if (const auto text = eql_text(value, buffer)) return !texts_.empty() && texts_.contains(lower_text(*text));
  if (is_plain_number(value)) {
    if (numbers_.contains(plain_value(value))) return true;
    if (decimals_.empty() || (value.kind == MsgpackKind::kFloat && !std::isfinite(value.real))) return false;
    return among(decimals_, exact_value(value));
  }
  return is_decimal_token(value) && among(exact_, exact_value(value));
}

void register_eql_in(FunctionCatalog::Builder& builder) {
  ScalarFunction function;
  function.name = "eql_in";
  function.arguments = {oid::kJsonb, oid::kJsonb};
  function.result = oid::kBool;
  function.kernel = eql_in;
  function.prepare = prepare_eql_in;
  builder.add_function(std::move(function));
}

}  // namespace eventd::engine
