// rate(value ORDER BY timestamp) and delta(value ORDER BY timestamp): how a counter grew. A decrease
// is a reset, after which it counts from zero; rate() is per second.
#include "engine/functions/aggregates.h"
#include "engine/functions/function_registry.h"

namespace eventd::engine {
namespace {

struct CounterState {
  int64_t first_us, last_us;
  double last, grown;
  uint64_t samples;
};

Status add_sample(CounterState& state, double value, int64_t us) {
  if (state.samples == 0) {
    state.first_us = us;
  } else if (us < state.last_us) {
    // Only a window can do that: calls of a grouped query are ordered by the binder.
    return {sqlstate::kInvalidParameterValue, "samples of a counter must come in the order of time"};
  } else {
    state.grown += value < state.last ? value : value - state.last;
  }
  state.last_us = us;
  state.last = value;
  ++state.samples;
  return {};
}

template <bool kPerSecond>
Status finish_counter(const EvalContext&, void* raw, Type, Vector& result, uint32_t row) {
  const auto& state = *static_cast<const CounterState*>(raw);
  result.data<double>()[row] = 0;
  const double seconds = (static_cast<double>(state.last_us) - static_cast<double>(state.first_us)) / 1e6;
  if (state.samples < 2 || (kPerSecond && seconds == 0)) {
    result.set_null(row);
  } else {
    result.data<double>()[row] = kPerSecond ? state.grown / seconds : state.grown;
  }
  return {};
}

template <bool kPerSecond>
AggregateFunction counter(Oid time) {
  AggregateFunction aggregate;
  aggregate.name = kPerSecond ? "rate" : "delta";
  aggregate.arguments = {oid::kFloat8, time};
  aggregate.result = oid::kFloat8;
  aggregate.state_size = sizeof(CounterState);
  // Samples without a value or a time don't count.
  aggregate.update = [](const EvalContext&, std::span<const Vector> arguments, uint32_t rows,
                        void* const* states) -> Status {
    const auto values = arguments[0].view<double>();
    const auto times = arguments[1].view<int64_t>();
    for (uint32_t row = 0; row < rows; ++row) {
      if (!values.valid(row) || !times.valid(row)) continue;
      RETURN_IF_ERROR(add_sample(*static_cast<CounterState*>(states[row]), values[row], times[row]));
    }
    return {};
  };
  aggregate.finalize = finish_counter<kPerSecond>;
  return aggregate;
}

}  // namespace

void register_counter_aggregates(FunctionCatalog::Builder& builder) {
  for (const Oid time : {oid::kTimestamptz, oid::kTimestamp}) {
    builder.add_aggregate(counter<true>(time));
    builder.add_aggregate(counter<false>(time));
  }
}

}  // namespace eventd::engine
