// Values of payload fields as columns of the field catalog's types: by_type relations, and SELECT of
// EQL. A value of another kind is NULL, and counted: catalog.values_not_fitting.
//
//   payload_bool(jsonb) payload_int8(jsonb) payload_float8(jsonb) payload_bytea(jsonb)
//   payload_jsonb(jsonb): maps and arrays    payload_time(jsonb): nanoseconds since 1970
#include <cmath>
#include <limits>
#include <string>

#include "engine/functions/eql_compare.h"
#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/text_helpers.h"
#include "engine/stats/registry.h"
#include "engine/types/numeric.h"
#include "engine/types/type.h"

namespace eventd::engine {
namespace {

// NULL either way; only nil was meant so.
bool not_fitting(const MsgpackToken& token) {
  if (token.kind != MsgpackKind::kNil) {
    static Counter& counter = stats().counter("catalog.values_not_fitting");
    counter.add();
  }
  return false;
}

MsgpackToken field_token(const StringRef& value) { return eql_token(as_bytes(value.view())); }

bool field_bool(const StringRef& value, uint8_t& out) {
  const MsgpackToken token = field_token(value);
  if (token.kind != MsgpackKind::kBool) return not_fitting(token);
  out = token.boolean;
  return true;
}

// Whole numbers whatever their form.
bool whole(double value, int64_t& out) {
  constexpr double kLimit = 9223372036854775808.0;
  if (!(value >= -kLimit && value < kLimit) || value != std::floor(value)) return false;
  out = static_cast<int64_t>(value);
  return true;
}

bool field_int8(const StringRef& value, int64_t& out) {
  const MsgpackToken token = field_token(value);
  const bool small = token.kind == MsgpackKind::kInt || (token.kind == MsgpackKind::kUint && token.integer >= 0);
  if (small) {
    out = token.integer;
    return true;
  }
  if (token.kind == MsgpackKind::kFloat && whole(token.real, out)) return true;
  return not_fitting(token);
}

bool field_float8(const StringRef& value, double& out) {
  const MsgpackToken token = field_token(value);
  switch (token.kind) {
    case MsgpackKind::kInt: out = static_cast<double>(token.integer); return true;
    case MsgpackKind::kUint: out = static_cast<double>(token.unsigned_integer()); return true;
    case MsgpackKind::kFloat: out = token.real; return true;
    case MsgpackKind::kExt:
      if (token.ext_type != kMsgpackDecimalExt) return not_fitting(token);
      out = Numeric::from_canonical(token.text()).to_double();
      return true;
    default: return not_fitting(token);
  }
}

bool field_bytes(const StringRef& value, StringOut& out) {
  const MsgpackToken token = field_token(value);
  if (token.kind != MsgpackKind::kBinary) return not_fitting(token);
  out.copy(token.text());
  return true;
}

bool field_jsonb(const StringRef& value, StringOut& out) {
  const MsgpackToken token = field_token(value);
  if (token.kind != MsgpackKind::kMap && token.kind != MsgpackKind::kArray) return not_fitting(token);
  out.copy(value.view());
  return true;
}

bool field_time(const StringRef& value, int64_t& out) {
  if (!field_int8(value, out)) return false;
  out = timestamptz_from_unix_ns(out);
  return true;
}

}  // namespace

void register_payload_values(FunctionCatalog::Builder& builder) {
  const auto add = [&](std::string_view name, Oid result, Kernel kernel) {
    ScalarFunction function;
    function.name = name;
    function.arguments = {oid::kJsonb};
    function.result = result;
    function.kernel = kernel;
    builder.add_function(std::move(function));
  };
  add("payload_bool", oid::kBool, row_kernel<uint8_t, StringRef>([](const StringRef& v, uint8_t& out) -> bool {
        return field_bool(v, out);
      }));
  add("payload_int8", oid::kInt8, row_kernel<int64_t, StringRef>([](const StringRef& v, int64_t& out) -> bool {
        return field_int8(v, out);
      }));
  add("payload_float8", oid::kFloat8, row_kernel<double, StringRef>([](const StringRef& v, double& out) -> bool {
        return field_float8(v, out);
      }));
  add("payload_bytea", oid::kBytea, row_kernel<StringRef, StringRef>([](const StringRef& v, StringOut& out) -> bool {
        return field_bytes(v, out);
      }));
  add("payload_jsonb", oid::kJsonb, row_kernel<StringRef, StringRef>([](const StringRef& v, StringOut& out) -> bool {
        return field_jsonb(v, out);
      }));
  add("payload_time", oid::kTimestamptz, row_kernel<int64_t, StringRef>([](const StringRef& v, int64_t& out) -> bool {
        return field_time(v, out);
      }));
}

}  // namespace eventd::engine
