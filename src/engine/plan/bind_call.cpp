#include <algorithm>

#include "engine/limits.h"
#include "engine/plan/coercion.h"
#include "engine/plan/expression_binder.h"

namespace eventd::engine {
namespace {

// A signature stretched to `count` arguments. False when it cannot take so many. A variadic array
// parameter (text[]) takes single elements here, unless the call says VARIADIC.
bool stretch(std::span<const Oid> declared, bool variadic, bool call_is_variadic, size_t count,
             std::vector<Oid>& out) {
  out.assign(declared.begin(), declared.end());
  if (!variadic || call_is_variadic) return declared.size() == count;
  if (count < declared.size()) return false;
  Oid last = declared.back();
  const TypeInfo* info = find_type(last);
  if (last == oid::kAnyArray) last = oid::kAnyElement;
  if (last == kAnyCompatibleArray) last = kAnyCompatible;
  if (info != nullptr && info->category == 'A') last = info->element;
  out.pop_back();
  out.resize(count, last);
  return true;
}

bool takes_array(const ScalarFunction& function) {
  if (!function.variadic) return false;
  const Oid last = function.arguments.back();
  const TypeInfo* info = find_type(last);
  return last == oid::kAnyArray || last == kAnyCompatibleArray ||
         (info != nullptr && info->category == 'A');
}

std::string call_signature(const AstExpr& ast, std::span<const ExprPtr> arguments) {
  std::string text;
  for (const std::string& name : ast.names) text += (text.empty() ? "" : ".") + name;
  text += '(';
  if (ast.call != nullptr && ast.call->star) text += '*';
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (i > 0) text += ", ";
    text += format_type({arguments[i]->type.id, -1});
  }
  return text + ")";
}

Error undefined_function(const AstExpr& ast, std::span<const ExprPtr> arguments) {
  return {sqlstate::kUndefinedFunction,
          "function " + call_signature(ast, arguments) + " does not exist",
          {},
          "No function matches the given name and argument types. You might need to add explicit "
          "type casts.",
          {},
          ast.position};
}

bool is_window_function(std::string_view name) {
  static constexpr std::string_view kNames[] = {
      "row_number", "rank",  "dense_rank",  "percent_rank", "cume_dist", "ntile",
      "lag",        "lead",  "first_value", "last_value",   "nth_value"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

// Functions that collect their input get distinct values in order, as PostgreSQL sorts to find them.
void order_distinct_values(AggregateCall& call) {
  for (const ExprPtr& argument : call.arguments) {
    const bool ordered = std::any_of(call.order.begin(), call.order.end(), [&](const SortKey& key) {
      return key.expression->equals(*argument);
    });
    if (!ordered) call.order.push_back({argument->clone(), false, false, false});
  }
}

}  // namespace

Result<std::vector<ExprPtr>> ExpressionBinder::coerce_arguments(const Candidate& candidate,
                                                                const PolymorphicTypes& types,
                                                                std::vector<ExprPtr> arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    const Oid wanted =
        is_polymorphic(candidate.arguments[i]) ? types.arguments[i] : candidate.arguments[i];
    ASSIGN_OR_RETURN(arguments[i], coerce(std::move(arguments[i]), {wanted, -1},
                                          CastContext::kImplicit, state_.parameters));
  }
  return arguments;
}

Result<ExprPtr> ExpressionBinder::bind_scalar_call(const ScalarFunction& function,
                                                   const Candidate& candidate,
                                                   std::vector<ExprPtr> arguments, int position) {
  std::vector<Oid> actual;
  for (const ExprPtr& argument : arguments) actual.push_back(argument->type.id);
  const PolymorphicTypes types = resolve_polymorphic(candidate.arguments, actual);
  ASSIGN_OR_RETURN(arguments, coerce_arguments(candidate, types, std::move(arguments)));
  if (takes_array(function) && arguments.size() >= function.arguments.size()) {
    const size_t fixed = function.arguments.size() - 1;
    const TypeInfo* element = find_type(arguments[fixed]->type.id);
    if (element != nullptr && element->category != 'A') {  // not VARIADIC in the call
      auto array = std::make_unique<Expr>();
      array->kind = Expr::Kind::kArray;
      array->type = {element->array, -1};
      array->position = arguments[fixed]->position;
      for (size_t i = fixed; i < arguments.size(); ++i) {
        array->children.push_back(std::move(arguments[i]));
      }
      arguments.resize(fixed);
      arguments.push_back(std::move(array));
    }
  }
  Type result{resolve_result(function.result, types), -1};
  if (function.resolve_result != nullptr) {
    std::vector<Type> argument_types;
    for (const ExprPtr& argument : arguments) argument_types.push_back(argument->type);
    result = function.resolve_result(argument_types);
  }
  ExprPtr call = Expr::call(&function, result, std::move(arguments));
  call->position = position;
  return call;
}

Result<ExprPtr> ExpressionBinder::bind_function(std::string_view name,
                                                std::vector<ExprPtr> arguments, int position) {
  std::vector<Candidate> candidates;
  std::vector<Oid> types;
  for (const ExprPtr& argument : arguments) types.push_back(argument->type.id);
  for (const ScalarFunction* function : FunctionCatalog::instance().functions(name)) {
    Candidate candidate;
    if (!stretch(function->arguments, function->variadic, false, arguments.size(),
                 candidate.arguments)) {
      continue;
    }
    candidate.entry = function;
    candidates.push_back(std::move(candidate));
  }
  const OverloadChoice choice = choose_overload(candidates, types);
  if (choice.outcome != OverloadChoice::Outcome::kFound) {
    AstExpr ast;
    ast.names.emplace_back(name);
    ast.position = position;
    return undefined_function(ast, arguments);
  }
  return bind_scalar_call(*static_cast<const ScalarFunction*>(candidates[choice.index].entry),
                          candidates[choice.index], std::move(arguments), position);
}

// name(x) where name is a type: a cast, as text(5). A null pointer: it is not one.
Result<ExprPtr> ExpressionBinder::bind_type_call(const AstExpr& ast,
                                                 std::vector<ExprPtr>& arguments) {
  if (arguments.size() != 1 || ast.call != nullptr) return ExprPtr();
  const TypeInfo* info = find_type_by_name(ast.names.back());
  if (info == nullptr || info->name != ast.names.back()) return ExprPtr();
  if (!can_coerce(arguments[0]->type.id, info->id, CastContext::kExplicit)) return ExprPtr();
  return coerce(std::move(arguments[0]), {info->id, -1}, CastContext::kExplicit,
                state_.parameters);
}

Result<ExprPtr> ExpressionBinder::bind_call(const AstExpr& ast) {
  const AstCallOptions* options = ast.call.get();
  const std::string& name = ast.names.back();
  const bool known_schema = ast.names.size() == 1 || ast.names[0] == "pg_catalog" ||
                            ast.names[0] == "public" || ast.names[0] == "eventd";
  if (options != nullptr && options->over) {
    return not_supported_yet("a window function", ast.position);
  }
  const FunctionCatalog& catalog = FunctionCatalog::instance();
  const auto scalars = known_schema ? catalog.functions(name) : decltype(catalog.functions(name)){};
  const auto aggregates =
      known_schema ? catalog.aggregates(name) : decltype(catalog.aggregates(name)){};
  // Arguments of an aggregate are bound below the grouping: no aggregates inside.
  const bool outer_in_aggregate = in_aggregate_;
  if (!aggregates.empty() && scalars.empty()) in_aggregate_ = true;
  Result<std::vector<ExprPtr>> bound = bind_all(ast.children);
  in_aggregate_ = outer_in_aggregate;
  if (!bound.ok()) return std::move(bound).take_status();
  std::vector<ExprPtr> arguments = std::move(bound).value();

  std::vector<Oid> types;
  for (const ExprPtr& argument : arguments) types.push_back(argument->type.id);
  AggregateCall ordered;
  if (options != nullptr && options->within_group) {
    RETURN_IF_ERROR(bind_aggregate_order(ast, ordered));
    for (const SortKey& key : ordered.order) types.push_back(key.expression->type.id);
  }
  const bool call_is_variadic = options != nullptr && options->variadic;
  std::vector<Candidate> candidates;
  for (const ScalarFunction* function : scalars) {
    Candidate candidate;
    if (options != nullptr && (options->star || options->distinct || options->filter ||
                               !options->order.empty())) {
      break;
    }
    if (!stretch(function->arguments, function->variadic, call_is_variadic, types.size(),
                 candidate.arguments)) {
      continue;
    }
    candidate.entry = function;
    candidates.push_back(std::move(candidate));
  }
  const size_t scalar_candidates = candidates.size();
  for (const AggregateFunction* function : aggregates) {
    Candidate candidate;
    if (!stretch(function->arguments, function->variadic, call_is_variadic, types.size(),
                 candidate.arguments)) {
      continue;
    }
    candidate.entry = function;
    candidates.push_back(std::move(candidate));
  }
  const OverloadChoice choice = choose_overload(candidates, types);
  if (choice.outcome == OverloadChoice::Outcome::kFound) {
    const Candidate& chosen = candidates[choice.index];
    if (choice.index < scalar_candidates) {
      return bind_scalar_call(*static_cast<const ScalarFunction*>(chosen.entry), chosen,
                              std::move(arguments), ast.position);
    }
    for (SortKey& key : ordered.order) arguments.push_back(std::move(key.expression));
    return bind_aggregate_call(*static_cast<const AggregateFunction*>(chosen.entry), chosen,
                               std::move(arguments), ast);
  }
  if (known_schema) {
    ASSIGN_OR_RETURN(ExprPtr cast, bind_type_call(ast, arguments));
    if (cast != nullptr) return cast;
  }
  if (choice.outcome == OverloadChoice::Outcome::kAmbiguous) {
    Error error = undefined_function(ast, arguments);
    error.code = sqlstate::kAmbiguousFunction;
    error.message = "function " + call_signature(ast, arguments) + " is not unique";
    error.hint =
        "Could not choose a best candidate function. You might need to add explicit type casts.";
    return error;
  }
  if (known_schema && !catalog.table_functions(name).empty()) {
    return not_supported_yet("set-returning function " + name + "() outside FROM", ast.position);
  }
  if (known_schema && is_window_function(name)) {
    return bind_error(sqlstate::kWrongObjectType,
                      "window function " + name + " requires an OVER clause", ast.position);
  }
  return undefined_function(ast, arguments);
}

Status ExpressionBinder::bind_aggregate_order(const AstExpr& ast, AggregateCall& call) {
  const bool outer = in_aggregate_;
  in_aggregate_ = true;
  for (const AstSortItem& item : ast.call->order) {
    Result<ExprPtr> key = bind(*item.expression);
    if (!key.ok()) {
      in_aggregate_ = outer;
      return std::move(key).take_status();
    }
    SortKey sort;
    sort.expression = std::move(key).value();
    sort.descending = item.descending;
    sort.nulls_first = item.nulls == AstSortItem::Nulls::kDefault
                           ? item.descending
                           : item.nulls == AstSortItem::Nulls::kFirst;
    call.order.push_back(std::move(sort));
  }
  in_aggregate_ = outer;
  return {};
}

Result<ExprPtr> ExpressionBinder::bind_aggregate_call(const AggregateFunction& function,
                                                      const Candidate& candidate,
                                                      std::vector<ExprPtr> arguments,
                                                      const AstExpr& ast) {
  const AstCallOptions* options = ast.call.get();
  if (in_aggregate_) {
    return bind_error(sqlstate::kGroupingError, "aggregate function calls cannot be nested",
                      ast.position);
  }
  if (!clause_.aggregates) {
    return bind_error(sqlstate::kGroupingError,
                      "aggregate functions are not allowed in " + std::string(clause_.name),
                      ast.position);
  }
  if (arguments.empty() && !(options != nullptr && options->star)) {
    return bind_error(sqlstate::kWrongObjectType,
                      ast.names.back() + "(*) must be used to call a parameterless aggregate "
                                         "function",
                      ast.position);
  }
  AggregateCall call;
  call.function = &function;
  std::vector<Oid> actual;
  for (const ExprPtr& argument : arguments) actual.push_back(argument->type.id);
  const PolymorphicTypes types = resolve_polymorphic(candidate.arguments, actual);
  ASSIGN_OR_RETURN(call.arguments, coerce_arguments(candidate, types, std::move(arguments)));
  call.type = {resolve_result(function.result, types), -1};
  if (function.resolve_result != nullptr) {
    std::vector<Type> argument_types;
    for (const ExprPtr& argument : call.arguments) argument_types.push_back(argument->type);
    call.type = function.resolve_result(argument_types);
  }
  if (options != nullptr) {
    call.distinct = options->distinct;
    RETURN_IF_ERROR(bind_aggregate_order(ast, call));
    for (size_t i = 0; i < call.order.size(); ++i) {
      SortKey& key = call.order[i];
      if (options->within_group) {
        // The ordered arguments are the last ones of the call, coerced to its types.
        const size_t argument = call.arguments.size() - call.order.size() + i;
        key.expression = call.arguments[argument]->clone();
      } else {
        ASSIGN_OR_RETURN(key.expression,
                         resolve_unknown(std::move(key.expression), state_.parameters));
      }
    }
    if (call.distinct && function.memory_bytes != nullptr) order_distinct_values(call);
    if (options->filter != nullptr) {
      in_aggregate_ = true;
      Result<ExprPtr> filter = bind_boolean_child(*options->filter, "FILTER");
      in_aggregate_ = false;
      if (!filter.ok()) return filter;
      call.filter = std::move(filter).value();
    }
  }
  const Type type = call.type;
  level_.aggregates.push_back(std::move(call));
  ExprPtr result = Expr::column(
      kAggregateColumnBase + static_cast<int>(level_.aggregates.size()) - 1, type);
  result->position = ast.position;
  return result;
}

}  // namespace eventd::engine
