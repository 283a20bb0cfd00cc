// first(value, time), last(value, time), histogram(value, min, max, buckets), as TimescaleDB has them.
#include <cmath>
#include <vector>

#include "engine/functions/aggregate_helpers.h"
#include "engine/functions/aggregates.h"
#include "engine/functions/value_binary.h"
#include "engine/types/array_format.h"

namespace eventd::engine {
namespace {

// --- first and last: rows without a time don't count, a NULL value does ---

struct EdgeState {
  Vector time;  ///< one row; size 0 = none yet
  Datum value;
};

EdgeState& edge_state(void* state) { return *static_cast<EdgeState*>(state); }

template <bool kLast>
bool is_beyond(const EdgeState& state, const Vector& time, uint32_t row) {
  if (state.time.size() == 0) return true;
  int order;
  if (physical_of(time.type()) == Physical::kInt64) {
    const int64_t mine = time.view<int64_t>()[row], kept = state.time.view<int64_t>()[0];
    order = mine < kept ? -1 : mine > kept ? 1 : 0;
  } else {
    order = compare_values(time.type(), time, row, state.time, 0);
  }
  return kLast ? order > 0 : order < 0;
}

void keep(EdgeState& state, const Vector& time, const Vector& value, uint32_t row) {
  if (physical_of(time.type()) == Physical::kInt64) {
    if (state.time.size() == 0) state.time = Vector::flat(time.type(), 1);
    state.time.data<int64_t>()[0] = time.view<int64_t>()[row];
  } else {
    state.time = Vector::constant(time.datum(row), 1);
  }
  state.value = value.datum(row);
}

template <bool kLast>
AggregateFunction edge() {
  AggregateFunction aggregate;
  aggregate.name = kLast ? "last" : "first";
  aggregate.arguments = {oid::kAnyElement, oid::kAny};
  aggregate.result = oid::kAnyElement;
  aggregate.state_size = sizeof(EdgeState);
  aggregate.init = [](void* state) { new (state) EdgeState(); };
  aggregate.destroy = [](void* state) { edge_state(state).~EdgeState(); };
  aggregate.update = [](const EvalContext&, std::span<const Vector> arguments, uint32_t rows,
                        void* const* states) {
    for (uint32_t row = 0; row < rows; ++row) {
      if (arguments[1].is_null(row)) continue;
      EdgeState& state = edge_state(states[row]);
      if (is_beyond<kLast>(state, arguments[1], row)) keep(state, arguments[1], arguments[0], row);
    }
    return Status();
  };
  aggregate.combine = [](const EvalContext&, void* into, void* from) {
    EdgeState& target = edge_state(into);
    const EdgeState& source = edge_state(from);
    if (source.time.size() == 0 || !is_beyond<kLast>(target, source.time, 0)) return Status();
    target.time = Vector::constant(source.time.datum(0), 1).flattened();
    target.value = source.value;
    return Status();
  };
  aggregate.partials = Partials::kExact;
  aggregate.finalize = [](const EvalContext&, void* raw, Type, Vector& result, uint32_t row) {
    const EdgeState& state = edge_state(raw);
    if (state.time.size() == 0 || state.value.is_null()) return finish_null(result, row);
    result.set_datum(row, state.value);
    return Status();
  };
  aggregate.memory_bytes = [](const void* raw) {
    const auto& state = *static_cast<const EdgeState*>(raw);
    const bool has_bytes = std::holds_alternative<std::string>(state.value.value());
    return size_t{64} + (has_bytes ? state.value.bytes().size() : 0);
  };
  return aggregate;
}

// --- histogram: counts below min, of each bucket, from max on ---

constexpr int32_t kBucketsMax = 100'000;

struct HistogramState {
  std::vector<int32_t> counts;
};

HistogramState& histogram_state(void* state) { return *static_cast<HistogramState*>(state); }

Status invalid_histogram(const char* message) {
  return Status(sqlstate::kInvalidParameterValue, message);
}

size_t bucket_of(double value, double low, double high, int32_t buckets) {
  if (value < low) return 0;
  if (!(value < high)) return static_cast<size_t>(buckets) + 1;
  const double place = (value - low) / (high - low) * buckets;
  return std::min(static_cast<size_t>(place), static_cast<size_t>(buckets - 1)) + 1;
}

Status add_to_histogram(std::span<const Vector> arguments, uint32_t row, HistogramState& state) {
  for (size_t i = 1; i < 4; ++i) {
    if (arguments[i].is_null(row)) return invalid_histogram("histogram bounds and bucket count must not be null");
  }
  const double low = arguments[1].view<double>()[row], high = arguments[2].view<double>()[row];
  const int32_t buckets = arguments[3].view<int32_t>()[row];
  if (!(low < high)) return invalid_histogram("histogram lower bound must be below its upper bound");
  if (buckets < 1 || buckets > kBucketsMax) {
    return invalid_histogram("number of histogram buckets must be between 1 and 100000");
  }
  const size_t size = static_cast<size_t>(buckets) + 2;
  if (state.counts.empty()) state.counts.resize(size);
  if (state.counts.size() != size) return invalid_histogram("number of histogram buckets must not change");
  if (arguments[0].is_null(row)) return Status();
  ++state.counts[bucket_of(arguments[0].view<double>()[row], low, high, buckets)];
  return Status();
}

AggregateFunction histogram() {
  AggregateFunction aggregate;
  aggregate.name = "histogram";
  aggregate.arguments = {oid::kFloat8, oid::kFloat8, oid::kFloat8, oid::kInt4};
  aggregate.result = oid::kInt4Array;
  aggregate.state_size = sizeof(HistogramState);
  aggregate.init = [](void* state) { new (state) HistogramState(); };
  aggregate.destroy = [](void* state) { histogram_state(state).~HistogramState(); };
  aggregate.update = [](const EvalContext&, std::span<const Vector> arguments, uint32_t rows,
                        void* const* states) -> Status {
    for (uint32_t row = 0; row < rows; ++row) {
      RETURN_IF_ERROR(add_to_histogram(arguments, row, histogram_state(states[row])));
    }
    return Status();
  };
  aggregate.combine = [](const EvalContext&, void* into, void* from) {
    std::vector<int32_t>& target = histogram_state(into).counts;
    const std::vector<int32_t>& source = histogram_state(from).counts;
    if (target.empty()) target.resize(source.size());
    if (source.empty()) return Status();
    if (target.size() != source.size()) return invalid_histogram("number of histogram buckets must not change");
    for (size_t i = 0; i < source.size(); ++i) target[i] += source[i];
    return Status();
  };
  aggregate.finalize = [](const EvalContext&, void* raw, Type, Vector& result, uint32_t row) {
    const std::vector<int32_t>& counts = histogram_state(raw).counts;
    if (counts.empty()) return finish_null(result, row);
    ArrayBuilder array(oid::kInt4);
    std::string element;
    for (const int32_t count : counts) {
      element.clear();
      append_datum_binary(Datum::int4(count), element);
      array.add(element);
    }
    result.set_string(row, array.finish());
    return Status();
  };
  aggregate.memory_bytes = [](const void* state) {
    return static_cast<const HistogramState*>(state)->counts.capacity() * sizeof(int32_t);
  };
  return aggregate;
}

}  // namespace

void register_time_aggregates(FunctionCatalog::Builder& builder) {
  builder.add_aggregate(edge<false>());
  builder.add_aggregate(edge<true>());
  builder.add_aggregate(histogram());
}

}  // namespace eventd::engine
