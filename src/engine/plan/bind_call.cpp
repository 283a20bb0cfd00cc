#include <algorithm>
#include <utility>

#include "engine/limits.h"
#include "engine/plan/call_match.h"
#include "engine/plan/clause_rules.h"
#include "engine/plan/coercion.h"
#include "engine/plan/expression_binder.h"
#include "engine/plan/populate_record.h"

namespace eventd::engine {
namespace {

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
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (i > 0) text += ", ";
    if (i < ast.children.size() && ast.children[i]->kind == AstExpr::Kind::kNamedArgument) {
      text += ast.children[i]->names[0] + " => ";
    }
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

// Aggregates that are called with WITHIN GROUP only.
bool is_ordered_set(std::string_view name) {
  for (const std::string_view one : {"mode", "percentile_cont", "percentile_disc", "rank",
                                     "dense_rank", "percent_rank", "cume_dist"}) {
    if (name == one) return true;
  }
  return false;
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
    CallMatch match;
    if (!match_call(function->arguments, function->variadic, 0,
                    std::vector<std::string>(arguments.size()), false, match)) {
      continue;
    }
    candidates.push_back({std::move(match.arguments), function});
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

// The call's arguments; names[i] is empty for those given by position.
Result<std::vector<ExprPtr>> ExpressionBinder::bind_arguments(const AstExpr& ast,
                                                              std::vector<std::string>& names) {
  std::vector<ExprPtr> arguments;
  for (const AstExprPtr& child : ast.children) {
    const bool named = child->kind == AstExpr::Kind::kNamedArgument;
    if (named && std::find(names.begin(), names.end(), child->names[0]) != names.end()) {
      return bind_error(sqlstate::kSyntaxError,
                        "argument name \"" + child->names[0] + "\" used more than once",
                        child->position);
    }
    if (!named && !names.empty() && !names.back().empty()) {
      return bind_error(sqlstate::kSyntaxError,
                        "positional argument cannot follow named argument", child->position);
    }
    names.push_back(named ? child->names[0] : std::string());
    ASSIGN_OR_RETURN(ExprPtr argument, bind(named ? *child->children[0] : *child));
    arguments.push_back(std::move(argument));
  }
  if (ast.call != nullptr && ast.call->variadic && !arguments.empty()) {
    const ExprPtr& last = arguments.back();
    const TypeInfo* info = find_type(last->type.id);
    if (last->type.id != oid::kUnknown && (info == nullptr || info->category != 'A')) {
      return bind_error(sqlstate::kDatatypeMismatch, "VARIADIC argument must be an array",
                        last->position);
    }
  }
  return arguments;
}

namespace {

// One function that the call's arguments may suit.
struct CallCandidate {
  enum class Kind : uint8_t { kScalar, kAggregate, kWindow, kSet } kind;
  const void* entry;
  std::span<const Oid> declared;
  Oid id;
  CallMatch match;
};

std::vector<CallCandidate> call_candidates(std::string_view name,
                                           std::span<const std::string> argument_names,
                                           const AstCallOptions* options) {
  const FunctionCatalog& catalog = FunctionCatalog::instance();
  const bool call_is_variadic = options != nullptr && options->variadic;
  std::vector<CallCandidate> candidates;
  const auto add = [&](CallCandidate::Kind kind, const auto* function, bool variadic) {
    CallCandidate candidate{kind, function, function->arguments, function->id, {}};
    if (match_call(function->arguments, variadic, function->id, argument_names, call_is_variadic,
                   candidate.match)) {
      candidates.push_back(std::move(candidate));
    }
  };
  using Kind = CallCandidate::Kind;
  for (const auto* entry : catalog.functions(name)) add(Kind::kScalar, entry, entry->variadic);
  for (const auto* entry : catalog.aggregates(name)) add(Kind::kAggregate, entry, entry->variadic);
  for (const auto* entry : catalog.window_functions(name)) add(Kind::kWindow, entry, false);
  for (const auto* entry : catalog.table_functions(name)) add(Kind::kSet, entry, false);
  return candidates;
}

// What only aggregates and window functions may be called with; empty = all is fine.
std::string misplaced_option(const std::string& name, const AstCallOptions& options) {
  const std::string not_one = " specified, but " + name + " is not an aggregate function";
  if (options.star) return name + "(*)" + not_one;
  if (options.distinct) return "DISTINCT" + not_one;
  if (options.within_group) return "WITHIN GROUP" + not_one;
  if (!options.order.empty()) return "ORDER BY" + not_one;
  if (options.filter != nullptr) return "FILTER" + not_one;
  if (options.over != nullptr) {
    return "OVER specified, but " + name + " is not a window function nor an aggregate function";
  }
  return {};
}

bool same_set_call(const SetCall& a, const SetCall& b) {
  return a.function == b.function && a.arguments.size() == b.arguments.size() &&
         std::equal(a.arguments.begin(), a.arguments.end(), b.arguments.begin(),
                    [](const ExprPtr& x, const ExprPtr& y) {
                      return x->equals(*y) && x->volatility() != Volatility::kVolatile;
                    });
}

std::string misplaced_group_order(const std::string& name, const AstCallOptions* options) {
  const bool within = options != nullptr && options->within_group;
  if (is_ordered_set(name)) {
    return within ? "" : "WITHIN GROUP is required for ordered-set aggregate " + name;
  }
  return within ? name + " is not an ordered-set aggregate, so it cannot have WITHIN GROUP" : "";
}

}  // namespace

Result<ExprPtr> ExpressionBinder::bind_call(const AstExpr& ast) {
  if (populate_function(ast) != nullptr) return bind_populated_row(ast);
  const AstCallOptions* options = ast.call.get();
  const std::string& name = ast.names.back();
  const bool known_schema = ast.names.size() == 1 || ast.names[0] == "pg_catalog" ||
                            ast.names[0] == "public" || ast.names[0] == "eventd";
  const std::vector<size_t> sizes = frame_sizes();
  std::vector<std::string> names;
  ASSIGN_OR_RETURN(std::vector<ExprPtr> arguments, bind_arguments(ast, names));
  std::vector<SortKey> order;
  if (options != nullptr) {
    ASSIGN_OR_RETURN(order, bind_call_order(ast));
  }
  if ((name == "rate" || name == "delta") && arguments.size() == 1 && order.size() == 1) {
    // The time of a sample is what its call is ordered by.
    arguments.push_back(order[0].expression->clone());
    names.emplace_back();
  }
  std::vector<Oid> types;
  for (const ExprPtr& argument : arguments) types.push_back(argument->type.id);
  if (options != nullptr && options->within_group) {
    for (const SortKey& key : order) types.push_back(key.expression->type.id);
    names.resize(types.size());
  }
  std::vector<CallCandidate> found;
  if (known_schema) found = call_candidates(name, names, options);
  std::vector<Candidate> candidates;
  for (CallCandidate& candidate : found) {
    candidates.push_back({candidate.match.arguments, candidate.entry});
  }
  const OverloadChoice choice = choose_overload(candidates, types);
  if (choice.outcome != OverloadChoice::Outcome::kFound) {
    if (options != nullptr && options->within_group) {
      for (SortKey& key : order) arguments.push_back(std::move(key.expression));
    }
    return bind_unknown_call(ast, std::move(arguments),
                             choice.outcome == OverloadChoice::Outcome::kAmbiguous, known_schema);
  }
  const CallCandidate& chosen = found[choice.index];
  RETURN_IF_ERROR(check_polymorphic(candidates[choice.index].arguments, types));
  if (options != nullptr && options->within_group) {
    for (const SortKey& key : order) arguments.push_back(key.expression->clone());
  }
  Candidate candidate = std::move(candidates[choice.index]);
  if (!chosen.match.slots.empty() || arguments.size() < chosen.declared.size()) {
    arguments = complete_arguments(chosen.declared, chosen.id, chosen.match, std::move(arguments),
                                   ast.position);
    candidate.arguments.assign(chosen.declared.begin(), chosen.declared.end());
  }
  using Kind = CallCandidate::Kind;
  if (options != nullptr && (chosen.kind == Kind::kScalar || chosen.kind == Kind::kSet)) {
    std::string misplaced = misplaced_option(name, *options);
    if (!misplaced.empty()) {
      return bind_error(sqlstate::kWrongObjectType, std::move(misplaced), ast.position);
    }
    if (options->variadic && !chosen.declared.empty() && chosen.declared.back() == oid::kAny) {
      if ((name == "concat" && arguments.size() == 1) ||
          (name == "concat_ws" && arguments.size() == 2)) {
        return bind_joined_array(std::move(arguments), ast.position);
      }
      return not_supported_yet("a VARIADIC argument of " + name + "()", ast.position);
    }
  }
  if (chosen.kind == Kind::kAggregate) {
    std::string misplaced = misplaced_group_order(name, options);
    if (!misplaced.empty()) {
      return bind_error(sqlstate::kWrongObjectType, std::move(misplaced), ast.position);
    }
  }
  switch (chosen.kind) {
    case Kind::kScalar:
      return bind_scalar_call(*static_cast<const ScalarFunction*>(chosen.entry), candidate,
                              std::move(arguments), ast.position);
    case Kind::kSet:
      return bind_set_call(*static_cast<const TableFunction*>(chosen.entry), candidate,
                           std::move(arguments), ast.position);
    case Kind::kWindow:
      return bind_window_call(static_cast<const WindowFunction*>(chosen.entry), nullptr, candidate,
                              std::move(arguments), ast);
    case Kind::kAggregate: break;
  }
  const auto* aggregate = static_cast<const AggregateFunction*>(chosen.entry);
  if (options != nullptr && options->over != nullptr) {
    return bind_window_call(nullptr, aggregate, candidate, std::move(arguments), ast);
  }
  return bind_aggregate_call(*aggregate, candidate, std::move(arguments), std::move(order), sizes,
                             ast);
}

// concat_ws(separator, VARIADIC array) and concat(VARIADIC array): the elements' texts.
Result<ExprPtr> ExpressionBinder::bind_joined_array(std::vector<ExprPtr> arguments, int position) {
  std::vector<ExprPtr> joined;
  joined.push_back(std::move(arguments.back()));
  if (arguments.size() == 2) {
    joined.push_back(std::move(arguments[0]));
  } else {
    joined.push_back(Expr::constant_of(Datum::text(""), {oid::kText, -1}));
  }
  return bind_function("array_to_string", std::move(joined), position);
}

// No function takes the arguments: a cast in function's clothing, a field, or an error.
Result<ExprPtr> ExpressionBinder::bind_unknown_call(const AstExpr& ast,
                                                    std::vector<ExprPtr> arguments, bool ambiguous,
                                                    bool known_schema) {
  if (known_schema) {
    ASSIGN_OR_RETURN(ExprPtr cast, bind_type_call(ast, arguments));
    if (cast != nullptr) return cast;
  }
  if (ast.names.size() == 1 && ast.call == nullptr && arguments.size() == 1 &&
      arguments[0]->kind == Expr::Kind::kRow) {
    Expr& row = *arguments[0];
    for (size_t i = 0; i < row.path.size(); ++i) {
      if (row.path[i] == ast.names[0]) return std::move(row.children[i]);
    }
  }
  if (!ambiguous) return undefined_function(ast, arguments);
  Error error = undefined_function(ast, arguments);
  error.code = sqlstate::kAmbiguousFunction;
  error.message = "function " + call_signature(ast, arguments) + " is not unique";
  error.hint =
      "Could not choose a best candidate function. You might need to add explicit type casts.";
  return error;
}

// A set-returning function in the target list: columns that a kProjectSet computes. Several columns
// are one value of type record.
Result<ExprPtr> ExpressionBinder::bind_set_call(const TableFunction& function,
                                                const Candidate& candidate,
                                                std::vector<ExprPtr> arguments, int position) {
  RETURN_IF_ERROR(check_set_function_allowed(clause_, position));
  if (function.columns.empty()) {  // its columns are given by AS (…) in FROM
    return bind_error(sqlstate::kFeatureNotSupported,
                      "function returning record called in context that cannot accept type record",
                      0);
  }
  std::vector<Oid> actual;
  for (const ExprPtr& argument : arguments) actual.push_back(argument->type.id);
  const PolymorphicTypes types = resolve_polymorphic(candidate.arguments, actual);
  SetCall call;
  call.function = &function;
  call.column_count = function.columns.size();
  ASSIGN_OR_RETURN(call.arguments, coerce_arguments(candidate, types, std::move(arguments)));
  // Equal calls are one: what GROUP BY and ORDER BY name is then what the target list has.
  size_t at = 0;
  while (at < level_.set_calls.size() && !same_set_call(level_.set_calls[at], call)) ++at;
  const bool known = at < level_.set_calls.size();
  auto row = std::make_unique<Expr>();
  row->kind = Expr::Kind::kRow;
  row->type = {oid::kRecord, -1};
  row->position = position;
  const int first = kSetColumnBase + static_cast<int>(level_.set_column_count(at));
  for (const auto& [name, type] : function.columns) {
    ExprPtr column = Expr::column(first + static_cast<int>(row->children.size()),
                                  {resolve_result(type, types), -1});
    column->position = position;
    if (!known) level_.set_types.push_back(column->type);
    row->children.push_back(std::move(column));
    row->path.emplace_back(name);
  }
  if (!known) {
    level_.set_calls.push_back(std::move(call));
    level_.set_positions.push_back(position);
  }
  if (row->children.size() == 1) return std::move(row->children[0]);
  return row;
}

}  // namespace eventd::engine
