// percentile_cont, percentile_disc and mode … WITHIN GROUP (ORDER BY value).
//
// Arguments as PostgreSQL's pg_proc has them: the direct argument (a fraction, or an array of them),
// then the sorted value; mode has only the value; behind them the order (aggregates.h). The state
// collects the values and orders them at the end, so rows may come in any order.
#include <cmath>
#include <cstdio>
#include <vector>

#include "engine/functions/aggregate_helpers.h"
#include "engine/functions/aggregates.h"
#include "engine/functions/collected_values.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/value_binary.h"
#include "engine/types/array_format.h"
#include "engine/types/interval.h"

namespace eventd::engine {
namespace {

struct OrderedSetState {
  std::unique_ptr<CollectedValues> values;
  Datum direct;  ///< the fraction or fractions, of the first row
  bool direct_known = false;
  bool descending = false;
};

OrderedSetState& state_at(void* state) { return *static_cast<OrderedSetState*>(state); }

Status bad_fraction(double fraction) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", fraction);
  return Status(sqlstate::kNumericValueOutOfRange,
                std::string("percentile value ") + text + " is not between 0 and 1");
}

/// kDirect: arguments are (fraction, value), else (value).
template <bool kDirect>
Status update_rows(std::span<const Vector> arguments, uint32_t rows, auto&& state_of) {
  const Vector& vector = arguments[kDirect ? 1 : 0];
  std::vector<CollectedValues*> targets(rows, nullptr);
  const CollectedValues* any = nullptr;
  for (uint32_t i = 0; i < rows; ++i) {
    OrderedSetState& state = state_of(i);
    if (!state.direct_known) {
      state.direct_known = true;
      if (kDirect) state.direct = arguments[0].datum(i);
      state.descending = (order_bits(arguments, kDirect ? 2 : 1, i) & kOrderDescending) != 0;
    }
    if (vector.is_null(i)) continue;
    if (state.values == nullptr) state.values = CollectedValues::of_type(vector.type());
    any = targets[i] = state.values.get();
  }
  if (any != nullptr) any->add_rows(vector, rows, targets.data());
  return Status();
}

Status combine_states(const EvalContext&, void* into, void* from) {
  OrderedSetState& target = state_at(into);
  OrderedSetState& source = state_at(from);
  if (!target.direct_known) {
    target.direct_known = source.direct_known;
    target.direct = source.direct;
    target.descending = source.descending;
  }
  if (source.values == nullptr) return Status();
  if (target.values == nullptr) {
    target.values = std::move(source.values);
  } else {
    target.values->add_all(*source.values);
  }
  return Status();
}

template <bool kDirect>
AggregateFunction ordered_set() {
  AggregateFunction aggregate;
  aggregate.state_size = sizeof(OrderedSetState);
  static_assert(alignof(OrderedSetState) <= 16);
  aggregate.init = [](void* state) { new (state) OrderedSetState(); };
  aggregate.destroy = [](void* state) { state_at(state).~OrderedSetState(); };
  aggregate.update = [](const EvalContext&, std::span<const Vector> arguments, uint32_t rows,
                        void* const* states) {
    return update_rows<kDirect>(arguments, rows,
                                [&](uint32_t i) -> OrderedSetState& { return state_at(states[i]); });
  };
  aggregate.update_single = [](const EvalContext&, std::span<const Vector> arguments, uint32_t rows,
                               void* state) {
    return update_rows<kDirect>(arguments, rows,
                                [&](uint32_t) -> OrderedSetState& { return state_at(state); });
  };
  aggregate.combine = combine_states;
  aggregate.memory_bytes = [](const void* raw) {
    const auto& state = *static_cast<const OrderedSetState*>(raw);
    return state.values != nullptr ? state.values->memory_bytes() : 0;
  };
  return aggregate;
}

// --- one fraction ---

Result<Datum> value_disc(OrderedSetState& state, double fraction) {
  if (!(fraction >= 0 && fraction <= 1)) return bad_fraction(fraction);
  const auto count = static_cast<double>(state.values->size());
  // The first with cume_dist >= fraction.
  const auto index = static_cast<size_t>(std::max(std::ceil(fraction * count) - 1, 0.0));
  return state.values->nth(index, state.descending);
}

Result<Datum> between(const Datum& low, const Datum& high, double share) {
  if (low.type() != oid::kInterval) {
    const double first = low.as<double>();
    return Datum::float8(first + share * (high.as<double>() - first));
  }
  const auto& first = low.as<IntervalValue>();
  ASSIGN_OR_RETURN(const IntervalValue apart, subtract_intervals(high.as<IntervalValue>(), first));
  ASSIGN_OR_RETURN(const IntervalValue part, multiply_interval(apart, share));
  ASSIGN_OR_RETURN(const IntervalValue value, add_intervals(first, part));
  return Datum(oid::kInterval, value);
}

Result<Datum> value_cont(OrderedSetState& state, double fraction) {
  if (!(fraction >= 0 && fraction <= 1)) return bad_fraction(fraction);
  const double position = fraction * static_cast<double>(state.values->size() - 1);
  const double low = std::floor(position), high = std::ceil(position);
  Datum first = state.values->nth(static_cast<size_t>(low), state.descending);
  if (low == high) return first;
  const Datum second = state.values->nth(static_cast<size_t>(high), state.descending);
  return between(first, second, position - low);
}

using FractionValue = Result<Datum> (*)(OrderedSetState&, double);

template <FractionValue kValue>
Status finish_one(const EvalContext&, void* raw, Type, Vector& result, uint32_t row) {
  OrderedSetState& state = state_at(raw);
  if (!state.direct_known || state.direct.is_null()) return finish_null(result, row);
  const double fraction = state.direct.as<double>();
  if (!(fraction >= 0 && fraction <= 1)) return bad_fraction(fraction);
  if (state.values == nullptr) return finish_null(result, row);
  ASSIGN_OR_RETURN(const Datum value, kValue(state, fraction));
  result.set_datum(row, value);
  return Status();
}

// --- an array of fractions: an array of values, of the same shape ---

template <FractionValue kValue>
Status finish_many(const EvalContext&, void* raw, Type type, Vector& result, uint32_t row) {
  OrderedSetState& state = state_at(raw);
  if (!state.direct_known || state.direct.is_null() || state.values == nullptr) {
    return finish_null(result, row);
  }
  ASSIGN_OR_RETURN(ArrayReader fractions, ArrayReader::open(state.direct.bytes()));
  ArrayBuilder values(type_info(type.id).element);
  std::string element;
  for (int64_t i = 0; i < fractions.element_count(); ++i) {
    const std::optional<std::string_view> bytes = fractions.next();
    if (!bytes) {
      values.add_null();
      continue;
    }
    ASSIGN_OR_RETURN(const Datum fraction, datum_from_binary({oid::kFloat8, -1}, *bytes));
    ASSIGN_OR_RETURN(const Datum value, kValue(state, fraction.as<double>()));
    element.clear();
    append_datum_binary(value, element);
    values.add(element);
  }
  result.set_string(row, fractions.dimensions().empty() ? values.finish()
                                                        : values.finish(fractions.dimensions()));
  return Status();
}

Status finish_mode(const EvalContext&, void* raw, Type, Vector& result, uint32_t row) {
  OrderedSetState& state = state_at(raw);
  if (state.values == nullptr) return finish_null(result, row);
  result.set_datum(row, state.values->most_frequent(state.descending));
  return Status();
}

template <bool kDirect>
void add(FunctionCatalog::Builder& builder, std::string_view signature,
         decltype(AggregateFunction::finalize) finalize) {
  AggregateFunction aggregate = ordered_set<kDirect>();
  aggregate.finalize = finalize;
  builder.builtin_aggregate(signature, std::move(aggregate));
}

}  // namespace

void register_ordered_set(FunctionCatalog::Builder& builder) {
  add<true>(builder, "percentile_cont(float8,float8)", finish_one<value_cont>);
  add<true>(builder, "percentile_cont(float8,interval)", finish_one<value_cont>);
  add<true>(builder, "percentile_cont(_float8,float8)", finish_many<value_cont>);
  add<true>(builder, "percentile_cont(_float8,interval)", finish_many<value_cont>);
  add<true>(builder, "percentile_disc(float8,anyelement)", finish_one<value_disc>);
  add<true>(builder, "percentile_disc(_float8,anyelement)", finish_many<value_disc>);
  add<false>(builder, "mode(anyelement)", finish_mode);
  register_hypothetical(builder);
  register_approximate(builder);
}

}  // namespace eventd::engine
