// rank, dense_rank, percent_rank and cume_dist of a row that is not there:
// rank(values…) WITHIN GROUP (ORDER BY columns…).
//
// Arguments: the direct values, as many sorted columns of the same types, the order (aggregates.h).
#include <algorithm>
#include <vector>

#include "engine/functions/aggregate_helpers.h"
#include "engine/functions/aggregates.h"

namespace eventd::engine {
namespace {

struct HypotheticalState {
  int64_t before = 0, equal = 0, rows = 0;
  std::vector<std::vector<Datum>> earlier;  ///< dense_rank: the rows before, to count distinct ones
  size_t earlier_bytes = 0;
};

HypotheticalState& hypothetical(void* state) { return *static_cast<HypotheticalState*>(state); }

/// <0: row `row` of the columns [from, from + keys) comes before that of [to, to + keys).
int compare_rows(std::span<const Vector> arguments, size_t keys, uint32_t row, int64_t bits) {
  for (size_t k = 0; k < keys; ++k) {
    const Vector& direct = arguments[k];
    const Vector& sorted = arguments[keys + k];
    const bool descending = (bits >> (2 * k) & kOrderDescending) != 0;
    const bool nulls_first = (bits >> (2 * k) & kOrderNullsFirst) != 0;
    const bool null = sorted.is_null(row), other_null = direct.is_null(row);
    if (null || other_null) {
      if (null == other_null) continue;
      return null == nulls_first ? -1 : 1;
    }
    const int order = compare_values(sorted.type(), sorted, row, direct, row);
    if (order != 0) return descending ? -order : order;
  }
  return 0;
}

template <bool kKeep>
Status add_rows(std::span<const Vector> arguments, uint32_t rows, auto&& state_of) {
  const size_t keys = arguments.size() / 2;
  if (keys > 31) return Status(sqlstate::kProgramLimitExceeded, "too many columns in WITHIN GROUP");
  for (uint32_t row = 0; row < rows; ++row) {
    HypotheticalState& state = state_of(row);
    const int order = compare_rows(arguments, keys, row, order_bits(arguments, 2 * keys, row));
    ++state.rows;
    state.before += order < 0 ? 1 : 0;
    state.equal += order == 0 ? 1 : 0;
    if (!kKeep || order >= 0) continue;
    std::vector<Datum> values;
    for (size_t k = 0; k < keys; ++k) values.push_back(arguments[keys + k].datum(row));
    state.earlier_bytes += sizeof(values);
    for (const Datum& value : values) {
      const bool has_bytes = std::holds_alternative<std::string>(value.value());
      state.earlier_bytes += sizeof(Datum) + (has_bytes ? value.bytes().size() : 0);
    }
    state.earlier.push_back(std::move(values));
  }
  return Status();
}

Status combine_hypothetical(const EvalContext&, void* into, void* from) {
  HypotheticalState& target = hypothetical(into);
  HypotheticalState& source = hypothetical(from);
  target.before += source.before;
  target.equal += source.equal;
  target.rows += source.rows;
  target.earlier_bytes += source.earlier_bytes;
  std::move(source.earlier.begin(), source.earlier.end(), std::back_inserter(target.earlier));
  source.earlier.clear();
  return Status();
}

int64_t distinct_rows(std::vector<std::vector<Datum>>& rows) {
  if (rows.empty()) return 0;
  const uint32_t count = static_cast<uint32_t>(rows.size());
  std::vector<Vector> columns;
  for (size_t k = 0; k < rows[0].size(); ++k) {
    Vector column = Vector::flat(rows[0][k].type(), count);
    for (uint32_t i = 0; i < count; ++i) column.set_datum(i, rows[i][k]);
    columns.push_back(std::move(column));
  }
  const auto compare = [&](uint32_t a, uint32_t b) {
    for (const Vector& column : columns) {
      if (column.is_null(a) || column.is_null(b)) {
        if (column.is_null(a) != column.is_null(b)) return column.is_null(a) ? 1 : -1;
        continue;
      }
      if (const int order = compare_values(column.type(), column, a, column, b); order != 0) return order;
    }
    return 0;
  };
  std::vector<uint32_t> order(count);
  for (uint32_t i = 0; i < count; ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return compare(a, b) < 0; });
  int64_t distinct = 1;
  for (uint32_t i = 1; i < count; ++i) distinct += compare(order[i - 1], order[i]) != 0 ? 1 : 0;
  return distinct;
}

template <bool kKeep>
AggregateFunction hypothetical_set(decltype(AggregateFunction::finalize) finalize) {
  AggregateFunction aggregate;
  aggregate.state_size = sizeof(HypotheticalState);
  aggregate.init = [](void* state) { new (state) HypotheticalState(); };
  aggregate.destroy = [](void* state) { hypothetical(state).~HypotheticalState(); };
  aggregate.update = [](const EvalContext&, std::span<const Vector> arguments, uint32_t rows,
                        void* const* states) {
    return add_rows<kKeep>(arguments, rows,
                           [&](uint32_t i) -> HypotheticalState& { return hypothetical(states[i]); });
  };
  aggregate.combine = combine_hypothetical;
  aggregate.finalize = finalize;
  aggregate.memory_bytes = [](const void* state) {
    return static_cast<const HypotheticalState*>(state)->earlier_bytes;
  };
  return aggregate;
}

}  // namespace

void register_hypothetical(FunctionCatalog::Builder& builder) {
  builder.builtin_aggregate(
      "rank(any)", hypothetical_set<false>([](const EvalContext&, void* state, Type, Vector& result, uint32_t row) {
        result.data<int64_t>()[row] = hypothetical(state).before + 1;
        return Status();
      }));
  builder.builtin_aggregate(
      "dense_rank(any)", hypothetical_set<true>([](const EvalContext&, void* state, Type, Vector& result, uint32_t row) {
        result.data<int64_t>()[row] = distinct_rows(hypothetical(state).earlier) + 1;
        return Status();
      }));
  builder.builtin_aggregate(
      "percent_rank(any)", hypothetical_set<false>([](const EvalContext&, void* raw, Type, Vector& result, uint32_t row) {
        const HypotheticalState& state = hypothetical(raw);
        result.data<double>()[row] =
            state.rows == 0 ? 0 : static_cast<double>(state.before) / static_cast<double>(state.rows);
        return Status();
      }));
  builder.builtin_aggregate(
      "cume_dist(any)", hypothetical_set<false>([](const EvalContext&, void* raw, Type, Vector& result, uint32_t row) {
        const HypotheticalState& state = hypothetical(raw);
        result.data<double>()[row] = static_cast<double>(state.before + state.equal + 1) /
                                     static_cast<double>(state.rows + 1);
        return Status();
      }));
}

}  // namespace eventd::engine
