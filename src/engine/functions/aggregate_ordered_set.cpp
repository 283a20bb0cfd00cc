// percentile_cont, percentile_disc and mode … WITHIN GROUP (ORDER BY value).
//
// Arguments as PostgreSQL's pg_proc has them: the direct argument (the fraction), then the sorted
// value; mode has only the value. The state collects the values and sorts them in finalize, so the
// executor passes rows in any order. The direction (DESC) is the binder's: for percentile_disc and
// mode it would change the result, so anything but ASC must be refused there.
#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/functions/aggregate_helpers.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/ordering.h"

namespace eventd::engine {
namespace {

Status bad_fraction(double fraction) {
  std::string text = std::to_string(fraction);
  while (text.size() > 1 && text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return Status(sqlstate::kNumericValueOutOfRange,
                "percentile value " + text + " is not between 0 and 1");
}

/// Values as one flat array; StringRefs point into a heap of the state's own.
template <class T>
struct Collected {
  std::vector<T> values;
  StringHeap heap;
  double fraction = 0;
  bool fraction_known = false, fraction_null = false;

  void add(const T& value) {
    if constexpr (std::is_same_v<T, StringRef>) {
      values.push_back(heap.add(value.view()));
    } else {
      values.push_back(value);
    }
  }
};

template <class Order>
struct OrderedSet {
  using Value = typename Order::Value;
  using State = Collected<Value>;

  static void init(void* state) { new (state) State(); }
  static void destroy(void* state) { static_cast<State*>(state)->~State(); }

  /// kDirect: arguments are (fraction, value), else (value).
  template <bool kDirect>
  static Status update_rows(std::span<const Vector> arguments, uint32_t rows, auto&& state_of) {
    const Vector& vector = arguments[kDirect ? 1 : 0];
    const auto values = vector.view<Value>();
    for (uint32_t i = 0; i < rows; ++i) {
      State& state = state_of(i);
      if (kDirect && !state.fraction_known) {
        state.fraction_known = true;
        state.fraction_null = arguments[0].is_null(i);
        if (!state.fraction_null) state.fraction = arguments[0].view<double>()[i];
      }
      if (values.valid(i)) state.add(values[i]);
    }
    return Status();
  }

  static Status combine(const EvalContext&, void* into, void* from) {
    auto& target = *static_cast<State*>(into);
    auto& source = *static_cast<State*>(from);
    if (!target.fraction_known) {
      target.fraction_known = source.fraction_known;
      target.fraction_null = source.fraction_null;
      target.fraction = source.fraction;
    }
    for (const Value& value : source.values) target.add(value);
    return Status();
  }

  static size_t memory_bytes(const void* raw) {
    const auto& state = *static_cast<const State*>(raw);
    return state.values.capacity() * sizeof(Value) + state.heap.bytes_allocated();
  }

  static void set(Vector& result, uint32_t row, const Value& value) {
    if constexpr (std::is_same_v<Value, StringRef>) {
      result.set_string(row, value.view());
    } else {
      result.data<Value>()[row] = value;
    }
  }

  static Status finish_disc(const EvalContext&, void* raw, Type, Vector& result, uint32_t row) {
    auto& state = *static_cast<State*>(raw);
    if (state.values.empty() || state.fraction_null) return finish_null(result, row);
    if (!(state.fraction >= 0 && state.fraction <= 1)) return bad_fraction(state.fraction);
    const auto count = static_cast<double>(state.values.size());
    const auto index = static_cast<size_t>(
        std::max(std::ceil(state.fraction * count) - 1, 0.0));  // the first with cume_dist >= p
    const auto nth = state.values.begin() + static_cast<ptrdiff_t>(index);
    std::nth_element(state.values.begin(), nth, state.values.end(), Order::less);
    set(result, row, *nth);
    return Status();
  }

  /// The most frequent value, the least of them in a tie.
  static Status finish_mode(const EvalContext&, void* raw, Type, Vector& result, uint32_t row) {
    auto& state = *static_cast<State*>(raw);
    if (state.values.empty()) return finish_null(result, row);
    std::stable_sort(state.values.begin(), state.values.end(), Order::less);
    size_t best = 0, best_count = 0;
    for (size_t i = 0; i < state.values.size();) {
      size_t end = i + 1;
      while (end < state.values.size() && Order::equal(state.values[i], state.values[end])) ++end;
      if (end - i > best_count) {
        best = i;
        best_count = end - i;
      }
      i = end;
    }
    set(result, row, state.values[best]);
    return Status();
  }

  template <bool kDirect>
  static AggregateFunction base() {
    AggregateFunction aggregate;
    aggregate.state_size = sizeof(State);
    static_assert(alignof(State) <= 16);
    aggregate.init = init;
    aggregate.destroy = destroy;
    aggregate.update = [](const EvalContext&, std::span<const Vector> arguments, uint32_t rows,
                          void* const* states) {
      return update_rows<kDirect>(arguments, rows, [&](uint32_t i) -> State& {
        return *static_cast<State*>(states[i]);
      });
    };
    aggregate.update_single = [](const EvalContext&, std::span<const Vector> arguments,
                                 uint32_t rows, void* state) {
      return update_rows<kDirect>(arguments, rows,
                                  [&](uint32_t) -> State& { return *static_cast<State*>(state); });
    };
    aggregate.combine = combine;
    aggregate.memory_bytes = memory_bytes;
    return aggregate;
  }
};

using Doubles = OrderedSet<FloatOrder<double>>;

Status finish_cont(const EvalContext&, void* raw, Type, Vector& result, uint32_t row) {
  auto& state = *static_cast<Doubles::State*>(raw);
  if (state.values.empty() || state.fraction_null) return finish_null(result, row);
  if (!(state.fraction >= 0 && state.fraction <= 1)) return bad_fraction(state.fraction);
  const double position = state.fraction * static_cast<double>(state.values.size() - 1);
  const double low = std::floor(position), high = std::ceil(position);
  const auto at = [&](double index) {
    const auto nth = state.values.begin() + static_cast<ptrdiff_t>(index);
    std::nth_element(state.values.begin(), nth, state.values.end(), FloatOrder<double>::less);
    return *nth;
  };
  const double first = at(low);
  const double second = high == low ? first : at(high);
  result.data<double>()[row] =
      high == low ? first : first + (position - low) * (second - first);
  return Status();
}

// percentile_disc and mode take any type: one overload, the order chosen by the argument's type
// would need it at init. So one entry per type, of our own OIDs, under PostgreSQL's names.
template <class Order>
void register_type(FunctionCatalog::Builder& builder, Oid type) {
  AggregateFunction disc = OrderedSet<Order>::template base<true>();
  disc.name = "percentile_disc";
  disc.arguments = {oid::kFloat8, type};
  disc.result = type;
  disc.finalize = OrderedSet<Order>::finish_disc;
  builder.add_aggregate(std::move(disc));
  AggregateFunction mode = OrderedSet<Order>::template base<false>();
  mode.name = "mode";
  mode.arguments = {type};
  mode.result = type;
  mode.finalize = OrderedSet<Order>::finish_mode;
  builder.add_aggregate(std::move(mode));
}

}  // namespace

void register_ordered_set(FunctionCatalog::Builder& builder) {
  AggregateFunction cont = Doubles::base<true>();
  cont.finalize = finish_cont;
  builder.builtin_aggregate("percentile_cont(float8,float8)", std::move(cont));
  register_type<PlainOrder<uint8_t>>(builder, oid::kBool);
  register_type<PlainOrder<int16_t>>(builder, oid::kInt2);
  register_type<PlainOrder<int32_t>>(builder, oid::kInt4);
  register_type<PlainOrder<int64_t>>(builder, oid::kInt8);
  register_type<FloatOrder<float>>(builder, oid::kFloat4);
  register_type<FloatOrder<double>>(builder, oid::kFloat8);
  register_type<NumericOrder>(builder, oid::kNumeric);
  register_type<BytesOrder>(builder, oid::kText);
  register_type<UuidOrder>(builder, oid::kUuid);
  register_type<PlainOrder<int32_t>>(builder, oid::kDate);
  register_type<PlainOrder<int64_t>>(builder, oid::kTime);
  register_type<PlainOrder<int64_t>>(builder, oid::kTimestamp);
  register_type<PlainOrder<int64_t>>(builder, oid::kTimestamptz);
  register_type<IntervalOrder>(builder, oid::kInterval);
  register_type<JsonbOrder>(builder, oid::kJsonb);
}

}  // namespace eventd::engine
