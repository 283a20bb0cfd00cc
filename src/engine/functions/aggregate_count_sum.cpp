// count, sum, avg, bool_and/bool_or/every and the bit aggregates.
#include <cmath>

#include "engine/functions/aggregate_helpers.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/types/int128.h"
#include "engine/types/interval.h"
#include "engine/types/numeric.h"

namespace eventd::engine {
namespace {

// --- count ---

Status finish_count(const EvalContext&, void* state, Type, Vector& result, uint32_t row) {
  result.data<int64_t>()[row] = *static_cast<int64_t*>(state);
  return Status();
}
Status combine_count(const EvalContext&, void* into, void* from) {
  *static_cast<int64_t*>(into) += *static_cast<int64_t*>(from);
  return Status();
}

AggregateFunction count_rows() {
  AggregateFunction aggregate;
  aggregate.state_size = sizeof(int64_t);
  aggregate.update = [](const EvalContext&, std::span<const Vector>, uint32_t rows,
                        void* const* states) {
    for (uint32_t i = 0; i < rows; ++i) ++*static_cast<int64_t*>(states[i]);
    return Status();
  };
  aggregate.update_single = [](const EvalContext&, std::span<const Vector>, uint32_t rows,
                               void* state) {
    *static_cast<int64_t*>(state) += rows;
    return Status();
  };
  aggregate.combine = combine_count;
  aggregate.partials = Partials::kExact;
  aggregate.finalize = finish_count;
  return aggregate;
}

AggregateFunction count_values() {
  AggregateFunction aggregate = count_rows();
  // Only validity is read, so any type's view will do.
  aggregate.update = [](const EvalContext&, std::span<const Vector> arguments, uint32_t rows,
                        void* const* states) {
    const auto view = arguments[0].view<uint8_t>();
    if (view.all_valid()) {
      for (uint32_t i = 0; i < rows; ++i) ++*static_cast<int64_t*>(states[i]);
    } else {
      for (uint32_t i = 0; i < rows; ++i) *static_cast<int64_t*>(states[i]) += view.valid(i);
    }
    return Status();
  };
  aggregate.update_single = [](const EvalContext&, std::span<const Vector> arguments,
                               uint32_t rows, void* state) {
    const auto view = arguments[0].view<uint8_t>();
    int64_t count = rows;
    if (!view.all_valid()) {
      count = 0;
      for (uint32_t i = 0; i < rows; ++i) count += view.valid(i);
    }
    *static_cast<int64_t*>(state) += count;
    return Status();
  };
  return aggregate;
}

// --- integers ---

Status set_numeric(const Numeric& value, Vector& result, uint32_t row) {
  result.set_string(row, value.text());
  return Status();
}

Status set_quotient(const Numeric& sum, int64_t count, Vector& result, uint32_t row) {
  ASSIGN_OR_RETURN(const Numeric average, sum.divide(Numeric::from_int64(count)));
  return set_numeric(average, result, row);
}

/// int2, int4: the sum fits int64 for more rows than there can be.
template <class T>
struct SumSmall {
  using Input = T;
  struct State {
    int64_t sum;
    int64_t count;
  };
  static void add(State& state, const T& value) {
    state.sum += value;
    ++state.count;
  }
  static void combine(State& into, State& from) {
    into.sum += from.sum;
    into.count += from.count;
  }
  static Status finish(State& state, Vector& result, uint32_t row) {
    if (state.count == 0) return finish_null(result, row);
    result.data<int64_t>()[row] = state.sum;
    return Status();
  }
};

template <class T>
struct AvgSmall : SumSmall<T> {
  static Status finish(typename SumSmall<T>::State& state, Vector& result, uint32_t row) {
    if (state.count == 0) return finish_null(result, row);
    return set_quotient(Numeric::from_int64(state.sum), state.count, result, row);
  }
};

struct SumInt8 {
  using Input = int64_t;
  struct State {
    Int128 sum;
    int64_t count;
  };
  static void add(State& state, const int64_t& value) {
    state.sum += value;
    ++state.count;
  }
  static void combine(State& into, State& from) {
    into.sum += from.sum;
    into.count += from.count;
  }
  static Status finish(State& state, Vector& result, uint32_t row) {
    if (state.count == 0) return finish_null(result, row);
    return set_numeric(Numeric::from_int128(state.sum, 0), result, row);
  }
};

struct AvgInt8 : SumInt8 {
  static Status finish(State& state, Vector& result, uint32_t row) {
    if (state.count == 0) return finish_null(result, row);
    return set_quotient(Numeric::from_int128(state.sum, 0), state.count, result, row);
  }
};

// --- numeric ---

struct SumNumeric {
  using Input = StringRef;
  struct State {
    Numeric sum;
    int64_t count = 0;
  };
  static Status add(State& state, const StringRef& value) {
    ASSIGN_OR_RETURN(state.sum, state.sum.add(Numeric::from_canonical(value.view())));
    ++state.count;
    return Status();
  }
  static Status combine(State& into, State& from) {
    if (from.count == 0) return Status();
    ASSIGN_OR_RETURN(into.sum, into.sum.add(from.sum));
    into.count += from.count;
    return Status();
  }
  static Status finish(State& state, Vector& result, uint32_t row) {
    if (state.count == 0) return finish_null(result, row);
    return set_numeric(state.sum, result, row);
  }
};

struct AvgNumeric : SumNumeric {
  static Status finish(State& state, Vector& result, uint32_t row) {
    if (state.count == 0) return finish_null(result, row);
    return set_quotient(state.sum, state.count, result, row);
  }
};

// --- floats: added in order, an overflow is an error ---

template <class T, class Sum>
struct SumFloat {
  static constexpr Partials kPartials = Partials::kInOrder;
  using Input = T;
  struct State {
    Sum sum;
    uint8_t infinite_input;  ///< then an infinite sum is right
    int64_t count;
  };
  static void add(State& state, const T& value) {
    // The sum of -0 alone is -0.
    state.sum = state.count == 0 ? static_cast<Sum>(value) : state.sum + static_cast<Sum>(value);
    state.infinite_input |= static_cast<uint8_t>(std::isinf(value));
    ++state.count;
  }
  static void combine(State& into, State& from) {
    if (from.count == 0) return;
    into.sum = into.count == 0 ? from.sum : into.sum + from.sum;
    into.infinite_input |= from.infinite_input;
    into.count += from.count;
  }
  static Status check(const State& state) {
    // Once infinite a sum stays so (or becomes NaN), so the check can wait till the end.
    const bool overflowed = state.infinite_input == 0 && std::isinf(state.sum);
    return overflowed ? fault::kFloatOverflow.status() : Status();
  }
  static Status finish(State& state, Vector& result, uint32_t row) {
    if (state.count == 0) return finish_null(result, row);
    RETURN_IF_ERROR(check(state));
    result.data<Sum>()[row] = state.sum;
    return Status();
  }
};

template <class T>
struct AvgFloat : SumFloat<T, double> {
  using Base = SumFloat<T, double>;
  static Status finish(typename Base::State& state, Vector& result, uint32_t row) {
    if (state.count == 0) return finish_null(result, row);
    RETURN_IF_ERROR(Base::check(state));
    // As PostgreSQL's, whose average begins at 0.
    result.data<double>()[row] = (state.sum + 0.0) / static_cast<double>(state.count);
    return Status();
  }
};

// --- interval ---

struct SumInterval {
  using Input = IntervalValue;
  struct State {
    IntervalValue sum;
    int64_t count;
  };
  static Status add(State& state, const IntervalValue& value) {
    ASSIGN_OR_RETURN(state.sum, add_intervals(state.sum, value));
    ++state.count;
    return Status();
  }
  static Status combine(State& into, State& from) {
    ASSIGN_OR_RETURN(into.sum, add_intervals(into.sum, from.sum));
    into.count += from.count;
    return Status();
  }
  static Status finish(State& state, Vector& result, uint32_t row) {
    if (state.count == 0) return finish_null(result, row);
    result.data<IntervalValue>()[row] = state.sum;
    return Status();
  }
};

struct AvgInterval : SumInterval {
  static Status finish(State& state, Vector& result, uint32_t row) {
    if (state.count == 0) return finish_null(result, row);
    ASSIGN_OR_RETURN(result.data<IntervalValue>()[row],
                     divide_interval(state.sum, static_cast<double>(state.count)));
    return Status();
  }
};

// --- folds: bool_and, bit_or … ---

struct FoldAnd {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(a & b);
  }
};
struct FoldOr {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(a | b);
  }
};
struct FoldXor {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(a ^ b);
  }
};

template <class T, class Op>
struct Fold {
  using Input = T;
  struct State {
    T value;
    bool any;
  };
  static void add(State& state, const T& value) {
    state.value = state.any ? Op::apply(state.value, value) : value;
    state.any = true;
  }
  static void combine(State& into, State& from) {
    if (from.any) add(into, from.value);
  }
  static Status finish(State& state, Vector& result, uint32_t row) {
    if (!state.any) return finish_null(result, row);
    result.data<T>()[row] = state.value;
    return Status();
  }
};

template <class T>
void register_bit_aggregates(FunctionCatalog::Builder& builder, const std::string& type) {
  builder.builtin_aggregate("bit_and(" + type + ")", aggregate_of<Fold<T, FoldAnd>>());
  builder.builtin_aggregate("bit_or(" + type + ")", aggregate_of<Fold<T, FoldOr>>());
  builder.builtin_aggregate("bit_xor(" + type + ")", aggregate_of<Fold<T, FoldXor>>());
}

}  // namespace

void register_count_sum(FunctionCatalog::Builder& builder) {
  builder.builtin_aggregate("count()", count_rows());
  builder.builtin_aggregate("count(any)", count_values());
  builder.builtin_aggregate("sum(int2)", aggregate_of<SumSmall<int16_t>>());
  builder.builtin_aggregate("sum(int4)", aggregate_of<SumSmall<int32_t>>());
  builder.builtin_aggregate("sum(int8)", aggregate_of<SumInt8>());
  builder.builtin_aggregate("sum(numeric)", aggregate_of<SumNumeric>());
  builder.builtin_aggregate("sum(float4)", aggregate_of<SumFloat<float, float>>());
  builder.builtin_aggregate("sum(float8)", aggregate_of<SumFloat<double, double>>());
  builder.builtin_aggregate("sum(interval)", aggregate_of<SumInterval>());
  builder.builtin_aggregate("avg(int2)", aggregate_of<AvgSmall<int16_t>>());
  builder.builtin_aggregate("avg(int4)", aggregate_of<AvgSmall<int32_t>>());
  builder.builtin_aggregate("avg(int8)", aggregate_of<AvgInt8>());
  builder.builtin_aggregate("avg(numeric)", aggregate_of<AvgNumeric>());
  builder.builtin_aggregate("avg(float4)", aggregate_of<AvgFloat<float>>());
  builder.builtin_aggregate("avg(float8)", aggregate_of<AvgFloat<double>>());
  builder.builtin_aggregate("avg(interval)", aggregate_of<AvgInterval>());
  builder.builtin_aggregate("bool_and(bool)", aggregate_of<Fold<uint8_t, FoldAnd>>());
  builder.builtin_aggregate("every(bool)", aggregate_of<Fold<uint8_t, FoldAnd>>());
  builder.builtin_aggregate("bool_or(bool)", aggregate_of<Fold<uint8_t, FoldOr>>());
  register_bit_aggregates<int16_t>(builder, "int2");
  register_bit_aggregates<int32_t>(builder, "int4");
  register_bit_aggregates<int64_t>(builder, "int8");
}

}  // namespace eventd::engine
