#include "engine/functions/function_registry.h"

#include <cstdio>
#include <cstdlib>

#include "engine/functions/function_tables.h"
#include "engine/functions/postgres_entries.h"

namespace eventd::engine {
namespace {

/// A mistake in a register_… function: every start of the program would show it.
[[noreturn]] void unknown_signature(std::string_view signature) {
  std::fprintf(stderr, "eventd: PostgreSQL has no function %.*s\n",
               static_cast<int>(signature.size()), signature.data());
  std::abort();
}

const PostgresProc& require_proc(std::string_view signature) {
  const PostgresProc* proc = find_postgres_proc(signature);
  if (proc == nullptr) unknown_signature(signature);
  return *proc;
}

Volatility volatility_of(char volatility) {
  return volatility == 'i'   ? Volatility::kImmutable
         : volatility == 's' ? Volatility::kStable
                             : Volatility::kVolatile;
}

Type element_type(const Type& type) {
  const TypeInfo* info = find_type(type.id);
  return Type{info != nullptr ? info->element : oid::kInvalid, -1};
}
Type array_type(const Type& type) {
  const TypeInfo* info = find_type(type.id);
  return Type{info != nullptr ? info->array : oid::kInvalid, -1};
}

// Result types of polymorphic functions, from argument I.
template <size_t I>
Type same_as(std::span<const Type> arguments) {
  return I < arguments.size() ? Type{arguments[I].id, -1} : Type{oid::kInvalid, -1};
}
template <size_t I>
Type element_of(std::span<const Type> arguments) {
  return I < arguments.size() ? element_type(arguments[I]) : Type{oid::kInvalid, -1};
}
template <size_t I>
Type array_of(std::span<const Type> arguments) {
  return I < arguments.size() ? array_type(arguments[I]) : Type{oid::kInvalid, -1};
}

constexpr Oid kAnyCompatible = 5077, kAnyCompatibleArray = 5078, kAnyCompatibleNonArray = 5079;

bool is_polymorphic_element(Oid type) {
  return type == oid::kAnyElement || type == oid::kAnyNonArray || type == kAnyCompatible ||
         type == kAnyCompatibleNonArray;
}
bool is_polymorphic_array(Oid type) {
  return type == oid::kAnyArray || type == kAnyCompatibleArray;
}

/// PostgreSQL's rule: the result follows the argument declared with a type of the same family.
ResolveResult polymorphic_result(std::span<const Oid> arguments, Oid result) {
  static constexpr ResolveResult kSame[] = {same_as<0>, same_as<1>, same_as<2>};
  static constexpr ResolveResult kElement[] = {element_of<0>, element_of<1>, element_of<2>};
  static constexpr ResolveResult kArray[] = {array_of<0>, array_of<1>, array_of<2>};
  const bool wants_element = is_polymorphic_element(result);
  if (!wants_element && !is_polymorphic_array(result)) return nullptr;
  for (size_t i = 0; i < arguments.size() && i < 3; ++i) {
    if (is_polymorphic_element(arguments[i])) return wants_element ? kSame[i] : kArray[i];
    if (is_polymorphic_array(arguments[i])) return wants_element ? kElement[i] : kSame[i];
  }
  return nullptr;
}

}  // namespace

const ScalarFunction* FunctionCatalog::Builder::builtin(std::string_view signature, Kernel kernel,
                                                        PrepareCall prepare,
                                                        ResolveResult resolve_result) {
  const PostgresProc& proc = require_proc(signature);
  ScalarFunction function;
  function.id = proc.id;
  function.name = proc.name();
  function.arguments.assign(proc.arguments, proc.arguments + proc.argument_count);
  function.result = proc.result;
  function.volatility = volatility_of(proc.volatility);
  function.strict = proc.strict;
  function.variadic = proc.variadic;
  function.kernel = kernel;
  function.prepare = prepare;
  function.resolve_result = resolve_result != nullptr
                                ? resolve_result
                                : polymorphic_result(proc.argument_types(), proc.result);
  return add_function(std::move(function));
}

void FunctionCatalog::Builder::builtins(std::initializer_list<std::string_view> signatures,
                                        Kernel kernel, PrepareCall prepare) {
  for (const std::string_view signature : signatures) builtin(signature, kernel, prepare);
}

void FunctionCatalog::Builder::builtin_aggregate(std::string_view signature,
                                                 AggregateFunction aggregate) {
  const PostgresProc& proc = require_proc(signature);
  aggregate.id = proc.id;
  aggregate.name = proc.name();
  aggregate.arguments.assign(proc.arguments, proc.arguments + proc.argument_count);
  aggregate.result = proc.result;
  aggregate.variadic = proc.variadic;
  if (aggregate.resolve_result == nullptr)
    aggregate.resolve_result = polymorphic_result(proc.argument_types(), proc.result);
  add_aggregate(std::move(aggregate));
}

void FunctionCatalog::Builder::builtin_table_function(std::string_view signature,
                                                      TableFunction function) {
  const PostgresProc& proc = require_proc(signature);
  function.id = proc.id;
  function.name = proc.name();
  function.arguments.assign(proc.arguments, proc.arguments + proc.argument_count);
  add_table_function(std::move(function));
}

void FunctionCatalog::Builder::builtin_window_function(std::string_view signature,
                                                       WindowFunction::Kind kind) {
  const PostgresProc& proc = require_proc(signature);
  WindowFunction function;
  function.id = proc.id;
  function.name = proc.name();
  function.arguments.assign(proc.arguments, proc.arguments + proc.argument_count);
  function.result = proc.result;
  function.kind = kind;
  const WindowFunction& added = tables_.window_functions.emplace_back(std::move(function));
  tables_.window_functions_by_name[added.name].push_back(&added);
}

const ScalarFunction* FunctionCatalog::Builder::add_function(ScalarFunction function) {
  if (function.id == 0)
    function.id = kFirstOwnOid + static_cast<Oid>(tables_.functions.size());
  // Registered twice: the first stays.
  if (const auto found = tables_.functions_by_id.find(function.id);
      found != tables_.functions_by_id.end())
    return found->second;
  const ScalarFunction& added = tables_.functions.emplace_back(std::move(function));
  tables_.functions_by_name[added.name].push_back(&added);
  tables_.functions_by_id.emplace(added.id, &added);
  return &added;
}

void FunctionCatalog::Builder::add_operator(Operator entry) {
  const Operator& added = tables_.operators.emplace_back(entry);
  tables_.operators_by_name[added.name].push_back(&added);
}

void FunctionCatalog::Builder::add_cast(Cast entry) {
  if (entry.source == entry.target) {
    tables_.modifier_casts[entry.source] = entry.function;
  } else {
    tables_.casts[Tables::pair_key(entry.source, entry.target)] = entry;
  }
}

void FunctionCatalog::Builder::add_aggregate(AggregateFunction aggregate) {
  if (aggregate.id == 0)
    aggregate.id = kFirstOwnOid + 500'000 + static_cast<Oid>(tables_.aggregates.size());
  const AggregateFunction& added = tables_.aggregates.emplace_back(std::move(aggregate));
  tables_.aggregates_by_name[added.name].push_back(&added);
}

void FunctionCatalog::Builder::add_table_function(TableFunction function) {
  if (function.id == 0)
    function.id = kFirstOwnOid + 600'000 + static_cast<Oid>(tables_.table_functions.size());
  const TableFunction& added = tables_.table_functions.emplace_back(std::move(function));
  tables_.table_functions_by_name[added.name].push_back(&added);
}

void FunctionCatalog::Builder::add_io_cast(Oid source, Oid target,
                                           const ScalarFunction* function) {
  tables_.io_casts[Tables::pair_key(source, target)] = function;
}

void FunctionCatalog::Builder::finish() {
  for (const PostgresOperator& entry : postgres_operators()) {
    const auto found = tables_.functions_by_id.find(entry.function);
    if (found == tables_.functions_by_id.end()) continue;
    add_operator(Operator{.id = entry.id,
                          .name = entry.name,
                          .left = entry.left,
                          .right = entry.right,
                          .function = found->second,
                          .commutator = entry.commutator});
  }
  for (const PostgresCast& entry : postgres_casts()) {
    const ScalarFunction* function = nullptr;
    if (!entry.binary) {
      const auto found = tables_.functions_by_id.find(entry.function);
      if (found == tables_.functions_by_id.end()) continue;
      function = found->second;
    }
    if (entry.source != entry.target &&
        tables_.casts.contains(Tables::pair_key(entry.source, entry.target)))
      continue;  // registered by hand
    add_cast(Cast{.source = entry.source,
                  .target = entry.target,
                  .context = entry.context == 'i'   ? CastContext::kImplicit
                             : entry.context == 'a' ? CastContext::kAssignment
                                                    : CastContext::kExplicit,
                  .function = function});
  }
}

}  // namespace eventd::engine
