// PostgreSQL 15's own functions, operators and casts as static tables (postgres_entries.inc).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "engine/types/type.h"

namespace eventd::engine {

struct PostgresProc {
  std::string_view signature;  ///< "int4pl(int4,int4)"; the table is sorted by it
  uint8_t name_length;
  Oid id;
  Oid result;
  char kind;        ///< pg_proc.prokind
  char volatility;  ///< pg_proc.provolatile
  bool strict;
  bool variadic;
  uint8_t argument_count;
  Oid arguments[8];
  /// Names of the arguments for `name => value`, separated by commas, '-' where one has none;
  /// empty: none has.
  std::string_view argument_names;
  /// The default values of the last arguments as text for their input functions, separated by '|'.
  std::string_view argument_defaults;

  std::string_view name() const { return signature.substr(0, name_length); }
  std::span<const Oid> argument_types() const { return {arguments, argument_count}; }
};

struct PostgresOperator {
  Oid id;
  std::string_view name;
  Oid left, right, function, commutator;
};

struct PostgresCast {
  Oid source, target, function;
  char context;  ///< pg_cast.castcontext: i, a, e
  bool binary;
};

std::span<const PostgresProc> postgres_procs();
std::span<const PostgresOperator> postgres_operators();
std::span<const PostgresCast> postgres_casts();
/// The entry with this signature, or null.
const PostgresProc* find_postgres_proc(std::string_view signature);
/// The entry with this OID, or null: argument names and defaults of a ScalarFunction, TableFunction …
const PostgresProc* find_postgres_proc(Oid id);

}  // namespace eventd::engine
