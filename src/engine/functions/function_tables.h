// The lookup tables behind FunctionCatalog.
#pragma once

#include <deque>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/functions/function.h"

namespace eventd::engine {

/// Written while the catalog is built, then read by all threads.
struct FunctionCatalog::Tables {
  template <class T>
  using ByName = std::unordered_map<std::string_view, std::vector<const T*>>;

  // Entries; pointers into a deque stay valid as it grows.
  std::deque<ScalarFunction> functions;
  std::deque<Operator> operators;
  std::deque<AggregateFunction> aggregates;
  std::deque<TableFunction> table_functions;
  std::deque<WindowFunction> window_functions;
  std::unordered_map<uint64_t, Cast> casts;
  std::unordered_map<uint64_t, const ScalarFunction*> io_casts;
  std::unordered_map<Oid, const ScalarFunction*> modifier_casts;

  ByName<ScalarFunction> functions_by_name;
  ByName<Operator> operators_by_name;
  ByName<AggregateFunction> aggregates_by_name;
  ByName<TableFunction> table_functions_by_name;
  ByName<WindowFunction> window_functions_by_name;
  std::unordered_map<Oid, const ScalarFunction*> functions_by_id;

  static uint64_t pair_key(Oid source, Oid target) { return uint64_t{source} << 32 | target; }
};

}  // namespace eventd::engine
