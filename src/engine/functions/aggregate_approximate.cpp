// approx_percentile(value, fraction) and approx_count_distinct(value): small states that combine, so
// that workers share the rows. The same rows give the same answer in any order.
//
//   approx_percentile      values counted in buckets whose bounds grow by 1 %: the result is within
//                          0.5 % of a value of that rank (DDSketch, Masson et al., VLDB 2019)
//   approx_count_distinct  exact up to 2,048 values, then HyperLogLog of 16,384 registers: a
//                          standard error of 0.8 % (Flajolet et al., 2007)
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <map>
#include <memory>
#include <unordered_set>
#include <vector>

#include "engine/functions/aggregate_helpers.h"
#include "engine/functions/aggregates.h"

namespace eventd::engine {
namespace {

// --- approx_percentile ---

constexpr double kRelativeError = 0.005;
constexpr double kGrowth = (1 + kRelativeError) / (1 - kRelativeError);

struct PercentileSketch {
  /// Bucket number: sign and exponent of the bound; ordered as the values are.
  std::map<int32_t, uint64_t> buckets;
  uint64_t count = 0, negative_infinities = 0, infinities = 0, nans = 0;
  double least = 0, greatest = 0;  ///< of the finite ones
  double fraction = 0;
  bool fraction_known = false, fraction_null = false;
};

PercentileSketch& sketch_at(void* state) { return *static_cast<PercentileSketch*>(state); }

// Values between 1e-308 and 1e308 have numbers within ±71,000; smaller ones count as 0.
constexpr int32_t kOffset = 100'000;
constexpr double kSmallest = 1e-300;

int32_t bucket_number(double value) {
  const double size = std::abs(value);
  if (size < kSmallest) return 0;
  const int32_t number = static_cast<int32_t>(std::ceil(std::log(size) / std::log(kGrowth))) + kOffset;
  return value < 0 ? -number : number;
}

double bucket_value(int32_t number) {
  if (number == 0) return 0;
  const double value = 2 * std::pow(kGrowth, std::abs(number) - kOffset) / (kGrowth + 1);
  return number < 0 ? -value : value;
}

void add_value(PercentileSketch& sketch, double value) {
  if (std::isnan(value)) {
    ++sketch.nans;
  } else if (std::isinf(value)) {
    ++(value < 0 ? sketch.negative_infinities : sketch.infinities);
  } else {
    sketch.least = sketch.count == 0 ? value : std::min(sketch.least, value);
    sketch.greatest = sketch.count == 0 ? value : std::max(sketch.greatest, value);
    ++sketch.count;
    ++sketch.buckets[bucket_number(value)];
  }
}

Status update_sketch(std::span<const Vector> arguments, uint32_t rows, auto&& sketch_of) {
  const auto values = arguments[0].view<double>();
  const auto fractions = arguments[1].view<double>();
  for (uint32_t row = 0; row < rows; ++row) {
    PercentileSketch& sketch = sketch_of(row);
    if (!sketch.fraction_known) {
      sketch.fraction_known = true;
      sketch.fraction_null = !fractions.valid(row);
      if (!sketch.fraction_null) sketch.fraction = fractions[row];
    }
    if (values.valid(row)) add_value(sketch, values[row]);
  }
  return Status();
}

Status combine_sketches(const EvalContext&, void* into, void* from) {
  PercentileSketch& target = sketch_at(into);
  const PercentileSketch& source = sketch_at(from);
  if (!target.fraction_known) {
    target.fraction_known = source.fraction_known;
    target.fraction_null = source.fraction_null;
    target.fraction = source.fraction;
  }
  for (const auto& [number, count] : source.buckets) target.buckets[number] += count;
  if (source.count > 0) {
    target.least = target.count == 0 ? source.least : std::min(target.least, source.least);
    target.greatest = target.count == 0 ? source.greatest : std::max(target.greatest, source.greatest);
  }
  target.count += source.count;
  target.negative_infinities += source.negative_infinities;
  target.infinities += source.infinities;
  target.nans += source.nans;
  return Status();
}

/// The value of rank `rank` (from 0): -infinity, numbers, infinity, NaN.
double value_at(const PercentileSketch& sketch, uint64_t rank) {
  if (rank < sketch.negative_infinities) return -HUGE_VAL;
  rank -= sketch.negative_infinities;
  if (rank >= sketch.count) return rank - sketch.count < sketch.infinities ? HUGE_VAL : std::nan("");
  for (const auto& [number, count] : sketch.buckets) {
    if (rank < count) return std::clamp(bucket_value(number), sketch.least, sketch.greatest);
    rank -= count;
  }
  return sketch.greatest;
}

Status finish_sketch(const EvalContext&, void* raw, Type, Vector& result, uint32_t row) {
  const PercentileSketch& sketch = sketch_at(raw);
  if (!sketch.fraction_known || sketch.fraction_null) return finish_null(result, row);
  if (!(sketch.fraction >= 0 && sketch.fraction <= 1)) {
    return Status(sqlstate::kNumericValueOutOfRange, "percentile value is not between 0 and 1");
  }
  const uint64_t all = sketch.count + sketch.negative_infinities + sketch.infinities + sketch.nans;
  if (all == 0) return finish_null(result, row);
  const double rank = std::floor(sketch.fraction * static_cast<double>(all - 1) + 0.5);
  result.data<double>()[row] = value_at(sketch, std::min(all - 1, static_cast<uint64_t>(rank)));
  return Status();
}

AggregateFunction approx_percentile() {
  AggregateFunction aggregate;
  aggregate.name = "approx_percentile";
  aggregate.arguments = {oid::kFloat8, oid::kFloat8};
  aggregate.result = oid::kFloat8;
  aggregate.state_size = sizeof(PercentileSketch);
  aggregate.init = [](void* state) { new (state) PercentileSketch(); };
  aggregate.destroy = [](void* state) { sketch_at(state).~PercentileSketch(); };
  aggregate.update = [](const EvalContext&, std::span<const Vector> arguments, uint32_t rows,
                        void* const* states) {
    return update_sketch(arguments, rows,
                         [&](uint32_t i) -> PercentileSketch& { return sketch_at(states[i]); });
  };
  aggregate.update_single = [](const EvalContext&, std::span<const Vector> arguments, uint32_t rows,
                               void* state) {
    return update_sketch(arguments, rows, [&](uint32_t) -> PercentileSketch& { return sketch_at(state); });
  };
  aggregate.combine = combine_sketches;
  aggregate.finalize = finish_sketch;
  aggregate.memory_bytes = [](const void* state) {
    constexpr size_t kNodeBytes = 64;  // of the map
    return static_cast<const PercentileSketch*>(state)->buckets.size() * kNodeBytes;
  };
  return aggregate;
}

// --- approx_count_distinct ---

constexpr int kRegisterBits = 14;
constexpr size_t kRegisters = size_t{1} << kRegisterBits;
constexpr size_t kExactMax = 2048;

struct DistinctSketch {
  std::unordered_set<uint64_t> exact;
  std::unique_ptr<std::array<uint8_t, kRegisters>> registers;  ///< once there are too many
};

DistinctSketch& distinct_at(void* state) { return *static_cast<DistinctSketch*>(state); }

/// Spreads a hash over all bits (the last step of MurmurHash3).
uint64_t spread(uint64_t hash) {
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccdU;
  hash ^= hash >> 33;
  hash *= 0xc4ceb9fe1a85ec53U;
  return hash ^ hash >> 33;
}

void add_to_registers(DistinctSketch& sketch, uint64_t hash) {
  const size_t index = hash >> (64 - kRegisterBits);
  const int zeros = std::countl_zero(hash << kRegisterBits | uint64_t{1} << (kRegisterBits - 1));
  uint8_t& highest = (*sketch.registers)[index];
  highest = std::max(highest, static_cast<uint8_t>(zeros + 1));
}

void add_hash(DistinctSketch& sketch, uint64_t hash) {
  if (sketch.registers != nullptr) return add_to_registers(sketch, hash);
  sketch.exact.insert(hash);
  if (sketch.exact.size() <= kExactMax) return;
  sketch.registers = std::make_unique<std::array<uint8_t, kRegisters>>();
  for (const uint64_t known : sketch.exact) add_to_registers(sketch, known);
  sketch.exact = {};
}

int64_t estimate(const DistinctSketch& sketch) {
  if (sketch.registers == nullptr) return static_cast<int64_t>(sketch.exact.size());
  constexpr double m = kRegisters;
  double sum = 0;
  int empty = 0;
  for (const uint8_t highest : *sketch.registers) {
    sum += std::ldexp(1.0, -highest);
    empty += highest == 0 ? 1 : 0;
  }
  const double raw = 0.7213 / (1 + 1.079 / m) * m * m / sum;
  if (raw <= 2.5 * m && empty > 0) return std::llround(m * std::log(m / empty));
  return std::llround(raw);
}

AggregateFunction approx_count_distinct() {
  AggregateFunction aggregate;
  aggregate.name = "approx_count_distinct";
  aggregate.arguments = {oid::kAny};
  aggregate.result = oid::kInt8;
  aggregate.state_size = sizeof(DistinctSketch);
  aggregate.init = [](void* state) { new (state) DistinctSketch(); };
  aggregate.destroy = [](void* state) { distinct_at(state).~DistinctSketch(); };
  aggregate.update = [](const EvalContext&, std::span<const Vector> arguments, uint32_t rows,
                        void* const* states) {
    std::vector<uint64_t> hashes(rows);
    hash_vector(arguments[0], hashes.data(), rows, false);
    for (uint32_t row = 0; row < rows; ++row) {
      if (!arguments[0].is_null(row)) add_hash(distinct_at(states[row]), spread(hashes[row]));
    }
    return Status();
  };
  aggregate.combine = [](const EvalContext&, void* into, void* from) {
    DistinctSketch& target = distinct_at(into);
    const DistinctSketch& source = distinct_at(from);
    if (source.registers == nullptr) {
      for (const uint64_t hash : source.exact) add_hash(target, hash);
      return Status();
    }
    if (target.registers == nullptr) {
      const std::unordered_set<uint64_t> known = std::move(target.exact);
      target.exact = {};
      target.registers = std::make_unique<std::array<uint8_t, kRegisters>>(*source.registers);
      for (const uint64_t hash : known) add_to_registers(target, hash);
      return Status();
    }
    for (size_t i = 0; i < kRegisters; ++i) {
      (*target.registers)[i] = std::max((*target.registers)[i], (*source.registers)[i]);
    }
    return Status();
  };
  aggregate.finalize = [](const EvalContext&, void* state, Type, Vector& result, uint32_t row) {
    result.data<int64_t>()[row] = estimate(distinct_at(state));
    return Status();
  };
  aggregate.memory_bytes = [](const void* raw) {
    constexpr size_t kNodeBytes = 32;  // of the set
    const auto& sketch = *static_cast<const DistinctSketch*>(raw);
    return sketch.registers != nullptr ? kRegisters : sketch.exact.size() * kNodeBytes;
  };
  return aggregate;
}

}  // namespace

void register_approximate(FunctionCatalog::Builder& builder) {
  builder.add_aggregate(approx_percentile());
  builder.add_aggregate(approx_count_distinct());
}

}  // namespace eventd::engine
