#include <algorithm>

#include "engine/functions/bit_functions.h"
#include "engine/functions/function_registry.h"
#include "engine/functions/function_tables.h"
#include "engine/functions/unicode_normalize.h"

namespace eventd::engine {

FunctionCatalog::FunctionCatalog() : tables_(std::make_unique<Tables>()) {
  Builder builder(*tables_);
  for (auto* register_functions :
       {register_arithmetic, register_float_math, register_numeric_math,
        register_numeric_whole, register_float_degrees,
        register_comparison, register_boolean, register_text, register_text_search,
        register_text_format, register_text_digest, register_text_bytes, register_text_unicode, register_normalization,
        register_number_to_char, register_number_from_char, register_regex_search, register_like, register_regex, register_casts,
        register_io_casts, register_session, register_server, register_series, register_eql, register_payload_values,
        register_count_sum,
        register_min_max, register_statistics, register_collecting_aggregates,
        register_ordered_set, register_array, register_array_search, register_array_build,
        register_network, register_network_sets, register_macaddr, register_bit_strings, register_datetime, register_jsonb,
        register_records, register_array_subscripts, register_array_casts, register_window_functions}) {
    register_functions(builder);
  }
  builder.finish();
}

const FunctionCatalog& FunctionCatalog::instance() {
  static const FunctionCatalog* catalog = new FunctionCatalog();  // lives as long as the process
  return *catalog;
}

namespace {

template <class Map>
auto by_name(const Map& map, std::string_view name) {
  using Entries = typename Map::mapped_type;
  const auto found = map.find(name);
  return found == map.end() ? std::span<typename Entries::value_type const>{}
                            : std::span<typename Entries::value_type const>(found->second);
}

}  // namespace

std::span<const ScalarFunction* const> FunctionCatalog::functions(std::string_view name) const {
  return by_name(tables_->functions_by_name, name);
}
std::span<const Operator* const> FunctionCatalog::operators(std::string_view name) const {
  return by_name(tables_->operators_by_name, name);
}
std::span<const AggregateFunction* const> FunctionCatalog::aggregates(std::string_view name) const {
  return by_name(tables_->aggregates_by_name, name);
}
std::span<const TableFunction* const> FunctionCatalog::table_functions(
    std::string_view name) const {
  return by_name(tables_->table_functions_by_name, name);
}

std::span<const WindowFunction* const> FunctionCatalog::window_functions(
    std::string_view name) const {
  return by_name(tables_->window_functions_by_name, name);
}

const Cast* FunctionCatalog::cast(Oid source, Oid target) const {
  const auto found = tables_->casts.find(Tables::pair_key(source, target));
  return found == tables_->casts.end() ? nullptr : &found->second;
}

const ScalarFunction* FunctionCatalog::io_cast(Oid source, Oid target) const {
  const auto found = tables_->io_casts.find(Tables::pair_key(source, target));
  return found == tables_->io_casts.end() ? nullptr : found->second;
}

const ScalarFunction* FunctionCatalog::modifier_cast(Oid type) const {
  const auto found = tables_->modifier_casts.find(type);
  return found == tables_->modifier_casts.end() ? nullptr : found->second;
}

const ScalarFunction* FunctionCatalog::find(std::string_view name,
                                            std::span<const Oid> arguments) const {
  for (const ScalarFunction* function : functions(name)) {
    if (std::ranges::equal(function->arguments, arguments)) return function;
  }
  return nullptr;
}

const Operator* FunctionCatalog::find_operator(std::string_view name, Oid left, Oid right) const {
  for (const Operator* entry : operators(name)) {
    if (entry->left == left && entry->right == right) return entry;
  }
  return nullptr;
}

}  // namespace eventd::engine
