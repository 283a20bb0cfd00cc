// The parts of the aggregate files that have no place of their own in function_registry.h.
#pragma once

#include <span>
#include <string_view>

#include "engine/functions/function_registry.h"

namespace eventd::engine {

void register_hypothetical(FunctionCatalog::Builder& builder);
void register_json_aggregates(FunctionCatalog::Builder& builder);
void register_time_aggregates(FunctionCatalog::Builder& builder);
/// rate() and delta(). The binder gives them their time as the second argument, and rows in its order.
void register_counter_aggregates(FunctionCatalog::Builder& builder);
void register_approximate(FunctionCatalog::Builder& builder);

/// Aggregates of WITHIN GROUP are given the order as one more, last argument: int8, two bits a sort
/// key, the first key lowest. Without it: ascending, NULLs last.
inline constexpr int64_t kOrderDescending = 1, kOrderNullsFirst = 2;

/// Whether it is one of those: rows may come to it in any order.
inline bool orders_its_rows(const AggregateFunction& function) {
  for (const std::string_view name : {"mode", "percentile_cont", "percentile_disc", "rank", "dense_rank",
                                      "percent_rank", "cume_dist"}) {
    if (function.name == name) return true;
  }
  return false;
}

/// Whether it counts from sample to sample in the order of its second argument.
inline bool is_counter_aggregate(const AggregateFunction& function) {
  return (function.name == "rate" || function.name == "delta") && function.arguments.size() == 2;
}

/// The bits of the argument behind the first `expected` ones; 0 when there is none.
inline int64_t order_bits(std::span<const Vector> arguments, size_t expected, uint32_t row) {
  return arguments.size() > expected ? arguments[expected].view<int64_t>()[row] : 0;
}

}  // namespace eventd::engine
