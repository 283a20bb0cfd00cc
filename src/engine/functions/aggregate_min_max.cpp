// min and max of every ordered type.
#include <cstdlib>
#include <string>

#include "engine/functions/aggregate_helpers.h"
#include "engine/functions/ordering.h"

namespace eventd::engine {
namespace {

template <class Order, bool kMax>
bool replaces(const typename Order::Value& candidate, const typename Order::Value& kept) {
  // Of equal values (1.0 and 1.00) PostgreSQL keeps the later, but of char(n) the earlier.
  if constexpr (std::is_same_v<Order, BpcharOrder>)
    return kMax ? Order::less(kept, candidate) : Order::less(candidate, kept);
  return kMax ? !Order::less(candidate, kept) : !Order::less(kept, candidate);
}

template <class Order, bool kMax>
struct FixedExtreme {
  using Input = typename Order::Value;
  struct State {
    Input value;
    bool any;
  };
  static_assert(std::is_trivially_destructible_v<State>);
  static void add(State& state, const Input& value) {
    if (!state.any || replaces<Order, kMax>(value, state.value)) state.value = value;
    state.any = true;
  }
  static void combine(State& into, State& from) {
    if (from.any) add(into, from.value);
  }
  static Status finish(State& state, Vector& result, uint32_t row) {
    if (!state.any) return finish_null(result, row);
    result.data<Input>()[row] = state.value;
    return Status();
  }
};

/// Keeps its own copy of the winning bytes.
template <class Order, bool kMax>
struct BytesExtreme {
  using Input = StringRef;
  struct State {
    std::string value;
    bool any = false;
  };
  static StringRef ref(const std::string& value) {
    return {value.data(), static_cast<uint32_t>(value.size())};
  }
  static void add(State& state, const StringRef& value) {
    if (!state.any || replaces<Order, kMax>(value, ref(state.value)))
      state.value.assign(value.data, value.size);
    state.any = true;
  }
  static void combine(State& into, State& from) {
    if (from.any) add(into, ref(from.value));
  }
  static Status finish(State& state, Vector& result, uint32_t row) {
    if (!state.any) return finish_null(result, row);
    result.set_string(row, state.value);
    return Status();
  }
  static size_t memory_bytes(const State& state) { return state.value.capacity(); }
};

template <class Order>
void register_fixed(FunctionCatalog::Builder& builder, const std::string& type) {
  builder.builtin_aggregate("min(" + type + ")", aggregate_of<FixedExtreme<Order, false>>());
  builder.builtin_aggregate("max(" + type + ")", aggregate_of<FixedExtreme<Order, true>>());
}

template <class Order>
void register_bytes(FunctionCatalog::Builder& builder, const std::string& type) {
  builder.builtin_aggregate("min(" + type + ")", aggregate_of<BytesExtreme<Order, false>>());
  builder.builtin_aggregate("max(" + type + ")", aggregate_of<BytesExtreme<Order, true>>());
}

}  // namespace

void register_min_max(FunctionCatalog::Builder& builder) {
  register_fixed<PlainOrder<int16_t>>(builder, "int2");
  register_fixed<PlainOrder<int32_t>>(builder, "int4");
  register_fixed<PlainOrder<int64_t>>(builder, "int8");
  register_fixed<OidOrder>(builder, "oid");
  register_fixed<FloatOrder<float>>(builder, "float4");
  register_fixed<FloatOrder<double>>(builder, "float8");
  register_fixed<PlainOrder<int32_t>>(builder, "date");
  register_fixed<PlainOrder<int64_t>>(builder, "time");
  register_fixed<PlainOrder<int64_t>>(builder, "timestamp");
  register_fixed<PlainOrder<int64_t>>(builder, "timestamptz");
  register_fixed<TimetzOrder>(builder, "timetz");
  register_fixed<IntervalOrder>(builder, "interval");
  register_bytes<NumericOrder>(builder, "numeric");
  register_bytes<BytesOrder>(builder, "text");
  register_bytes<BpcharOrder>(builder, "bpchar");
  register_bytes<InetOrder>(builder, "inet");
  register_bytes<ArrayOrder>(builder, "anyarray");
}

}  // namespace eventd::engine
