// = <> < <= > >=, by the orders of ordering.h.
#include <string>

#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/ordering.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;

/// Cross-type comparisons widen to Order::Value.
template <class Order, class L, class R>
void register_six(Builder& builder, const std::string& prefix, const std::string& suffix,
                  const std::string& arguments) {
  using V = typename Order::Value;
  const auto name = [&](const char* operation) {
    return prefix + operation + suffix + arguments;
  };
  // Branch-free bodies: the loops over flat numbers become vector code.
  builder.builtin(name("eq"), row_kernel<uint8_t, L, R>([](const L& a, const R& b, uint8_t& out) {
                    out = Order::equal(V(a), V(b));
                  }));
  builder.builtin(name("ne"), row_kernel<uint8_t, L, R>([](const L& a, const R& b, uint8_t& out) {
                    out = !Order::equal(V(a), V(b));
                  }));
  builder.builtin(name("lt"), row_kernel<uint8_t, L, R>([](const L& a, const R& b, uint8_t& out) {
                    out = Order::less(V(a), V(b));
                  }));
  builder.builtin(name("le"), row_kernel<uint8_t, L, R>([](const L& a, const R& b, uint8_t& out) {
                    out = !Order::less(V(b), V(a));
                  }));
  builder.builtin(name("gt"), row_kernel<uint8_t, L, R>([](const L& a, const R& b, uint8_t& out) {
                    out = Order::less(V(b), V(a));
                  }));
  builder.builtin(name("ge"), row_kernel<uint8_t, L, R>([](const L& a, const R& b, uint8_t& out) {
                    out = !Order::less(V(a), V(b));
                  }));
}

template <class Order>
void register_type(Builder& builder, const std::string& prefix, const std::string& type) {
  using V = typename Order::Value;
  register_six<Order, V, V>(builder, prefix, "", "(" + type + "," + type + ")");
}

/// PostgreSQL names text's half textXX, half text_XX; ~<~ and its kin are the same in C collation.
void register_text_comparison(Builder& builder) {
  const auto less = row_kernel<uint8_t, StringRef, StringRef>(
      [](const StringRef& a, const StringRef& b, uint8_t& out) { out = BytesOrder::less(a, b); });
  const auto greater = row_kernel<uint8_t, StringRef, StringRef>(
      [](const StringRef& a, const StringRef& b, uint8_t& out) { out = BytesOrder::less(b, a); });
  const auto not_less = row_kernel<uint8_t, StringRef, StringRef>(
      [](const StringRef& a, const StringRef& b, uint8_t& out) { out = !BytesOrder::less(a, b); });
  const auto not_greater = row_kernel<uint8_t, StringRef, StringRef>(
      [](const StringRef& a, const StringRef& b, uint8_t& out) { out = !BytesOrder::less(b, a); });
  builder.builtin("texteq(text,text)",
                  row_kernel<uint8_t, StringRef, StringRef>(
                      [](const StringRef& a, const StringRef& b, uint8_t& out) {
                        out = BytesOrder::equal(a, b);
                      }));
  builder.builtin("textne(text,text)",
                  row_kernel<uint8_t, StringRef, StringRef>(
                      [](const StringRef& a, const StringRef& b, uint8_t& out) {
                        out = !BytesOrder::equal(a, b);
                      }));
  builder.builtins({"text_lt(text,text)", "text_pattern_lt(text,text)"}, less);
  builder.builtins({"text_gt(text,text)", "text_pattern_gt(text,text)"}, greater);
  builder.builtins({"text_ge(text,text)", "text_pattern_ge(text,text)"}, not_less);
  builder.builtins({"text_le(text,text)", "text_pattern_le(text,text)"}, not_greater);
}

}  // namespace

void register_comparison(Builder& builder) {
  register_type<PlainOrder<uint8_t>>(builder, "bool", "bool");
  register_type<PlainOrder<int16_t>>(builder, "int2", "int2");
  register_type<PlainOrder<int32_t>>(builder, "int4", "int4");
  register_type<PlainOrder<int64_t>>(builder, "int8", "int8");
  using Wide = PlainOrder<int64_t>;
  register_six<PlainOrder<int32_t>, int16_t, int32_t>(builder, "int24", "", "(int2,int4)");
  register_six<PlainOrder<int32_t>, int32_t, int16_t>(builder, "int42", "", "(int4,int2)");
  register_six<Wide, int16_t, int64_t>(builder, "int28", "", "(int2,int8)");
  register_six<Wide, int64_t, int16_t>(builder, "int82", "", "(int8,int2)");
  register_six<Wide, int32_t, int64_t>(builder, "int48", "", "(int4,int8)");
  register_six<Wide, int64_t, int32_t>(builder, "int84", "", "(int8,int4)");
  register_type<FloatOrder<float>>(builder, "float4", "float4");
  register_type<FloatOrder<double>>(builder, "float8", "float8");
  register_six<FloatOrder<double>, float, double>(builder, "float48", "", "(float4,float8)");
  register_six<FloatOrder<double>, double, float>(builder, "float84", "", "(float8,float4)");
  register_type<OidOrder>(builder, "oid", "oid");
  register_type<NumericOrder>(builder, "numeric_", "numeric");
  register_type<UuidOrder>(builder, "uuid_", "uuid");
  register_type<BytesOrder>(builder, "bytea", "bytea");
  register_type<BytesOrder>(builder, "char", "char");
  register_type<BytesOrder>(builder, "name", "name");
  register_six<BytesOrder, StringRef, StringRef>(builder, "name", "text", "(name,text)");
  register_six<BytesOrder, StringRef, StringRef>(builder, "text", "name", "(text,name)");
  register_type<BpcharOrder>(builder, "bpchar", "bpchar");
  register_text_comparison(builder);
  register_type<InetOrder>(builder, "network_", "inet");
  register_type<BytesOrder>(builder, "macaddr_", "macaddr");
  register_type<ArrayOrder>(builder, "array_", "anyarray");
  register_type<JsonbOrder>(builder, "jsonb_", "jsonb");
  register_type<PlainOrder<int32_t>>(builder, "date_", "date");
  register_type<PlainOrder<int64_t>>(builder, "time_", "time");
  register_type<PlainOrder<int64_t>>(builder, "timestamp_", "timestamp");
  register_type<PlainOrder<int64_t>>(builder, "timestamptz_", "timestamptz");
  register_type<TimetzOrder>(builder, "timetz_", "timetz");
  register_type<IntervalOrder>(builder, "interval_", "interval");
}

}  // namespace eventd::engine
