// How the files of this folder put their functions into the catalog.
//
// A PostgreSQL function is named by its signature, e.g. builtin("int4pl(int4,int4)", kernel): OID,
// result, strictness and volatility come from PostgreSQL's own catalogs (postgres_entries.inc), and
// its operators and casts follow by themselves. A signature PostgreSQL 15 does not have ends the
// process at start (a programming error). What PostgreSQL lacks is added with add_…, with OIDs from
// 10,000,000.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/functions/function.h"

namespace eventd::engine {

/// Used by one thread while the catalog is built.
class FunctionCatalog::Builder {
 public:
  explicit Builder(Tables& tables) : tables_(tables) {}

  /// Implements a function of PostgreSQL 15. `signature` is proname(typname,…) without spaces.
  const ScalarFunction* builtin(std::string_view signature, Kernel kernel,
                                PrepareCall prepare = nullptr,
                                ResolveResult resolve_result = nullptr);
  /// Several signatures of one kernel.
  void builtins(std::initializer_list<std::string_view> signatures, Kernel kernel,
                PrepareCall prepare = nullptr);
  /// An aggregate of PostgreSQL 15: id, name, arguments, result and variadic are filled in.
  void builtin_aggregate(std::string_view signature, AggregateFunction aggregate);
  /// A set-returning function of PostgreSQL 15: id, name and arguments are filled in.
  void builtin_table_function(std::string_view signature, TableFunction function);

  /// A window function of PostgreSQL 15.
  void builtin_window_function(std::string_view signature, WindowFunction::Kind kind);

  const ScalarFunction* add_function(ScalarFunction function);
  void add_operator(Operator entry);
  /// Replaces an entry of the same pair. source == target: the modifier cast of that type.
  void add_cast(Cast entry);
  void add_aggregate(AggregateFunction aggregate);
  void add_table_function(TableFunction function);
  /// `from` (text-ish or `to` text-ish) by input or output function.
  void add_io_cast(Oid source, Oid target, const ScalarFunction* function);

  /// Adds PostgreSQL's operators and casts for the functions that are implemented, and sets the
  /// catalog's lookup tables. Called once, last.
  void finish();

 private:
  Tables& tables_;
};

/// The next OID for a function of our own. Handed out in registration order at start: not stable
/// between versions, never stored.
inline constexpr Oid kFirstOwnOid = 10'000'000;

// One per file; FunctionCatalog() calls them all.
void register_arithmetic(FunctionCatalog::Builder& builder);
void register_float_math(FunctionCatalog::Builder& builder);
void register_numeric_math(FunctionCatalog::Builder& builder);
void register_numeric_whole(FunctionCatalog::Builder& builder);
void register_float_degrees(FunctionCatalog::Builder& builder);
void register_comparison(FunctionCatalog::Builder& builder);
void register_boolean(FunctionCatalog::Builder& builder);
void register_text(FunctionCatalog::Builder& builder);
void register_text_search(FunctionCatalog::Builder& builder);
void register_text_format(FunctionCatalog::Builder& builder);
void register_text_digest(FunctionCatalog::Builder& builder);
void register_text_bytes(FunctionCatalog::Builder& builder);
void register_text_unicode(FunctionCatalog::Builder& builder);
void register_number_to_char(FunctionCatalog::Builder& builder);
void register_number_from_char(FunctionCatalog::Builder& builder);
void register_like(FunctionCatalog::Builder& builder);
void register_regex(FunctionCatalog::Builder& builder);
void register_casts(FunctionCatalog::Builder& builder);
void register_io_casts(FunctionCatalog::Builder& builder);
void register_session(FunctionCatalog::Builder& builder);
void register_server(FunctionCatalog::Builder& builder);
void register_series(FunctionCatalog::Builder& builder);
void register_eql(FunctionCatalog::Builder& builder);
void register_payload_values(FunctionCatalog::Builder& builder);
void register_count_sum(FunctionCatalog::Builder& builder);
void register_min_max(FunctionCatalog::Builder& builder);
void register_statistics(FunctionCatalog::Builder& builder);
void register_collecting_aggregates(FunctionCatalog::Builder& builder);
void register_ordered_set(FunctionCatalog::Builder& builder);
void register_array(FunctionCatalog::Builder& builder);
void register_array_search(FunctionCatalog::Builder& builder);
void register_array_build(FunctionCatalog::Builder& builder);
void register_network(FunctionCatalog::Builder& builder);
void register_network_sets(FunctionCatalog::Builder& builder);
void register_macaddr(FunctionCatalog::Builder& builder);
void register_regex_search(FunctionCatalog::Builder& builder);
void register_records(FunctionCatalog::Builder& builder);
void register_array_casts(FunctionCatalog::Builder& builder);
void register_array_subscripts(FunctionCatalog::Builder& builder);
void register_window_functions(FunctionCatalog::Builder& builder);
// datetime_*.cpp and jsonb_*.cpp.
void register_datetime(FunctionCatalog::Builder& builder);
void register_jsonb(FunctionCatalog::Builder& builder);

}  // namespace eventd::engine
