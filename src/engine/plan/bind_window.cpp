// Calls with OVER, and the frames of their windows.
#include <algorithm>
#include <climits>

#include "engine/limits.h"
#include "engine/plan/clause_rules.h"
#include "engine/plan/coercion.h"
#include "engine/plan/expression_binder.h"
#include "engine/plan/window_frame.h"

namespace eventd::engine {
namespace {

const Expr* find_own_column(const Expr& expression, int first, int end) {
  if (expression.kind == Expr::Kind::kColumn) {
    return expression.index >= first && expression.index < end ? &expression : nullptr;
  }
  for (const ExprPtr& child : expression.children) {
    if (const Expr* found = find_own_column(*child, first, end)) return found;
  }
  return nullptr;
}

Status check_window_parts(const WindowCall& call) {
  const auto check = [](const ExprPtr& part) -> Status {
    if (part == nullptr) return {};
    if (const Expr* nested = find_own_column(*part, kWindowColumnBase, kSetColumnBase)) {
      return bind_error(sqlstate::kWindowingError, "window function calls cannot be nested",
                        nested->position);
    }
    if (const Expr* set = find_own_column(*part, kSetColumnBase, INT_MAX)) {
      return set_function_inside(
          "window function calls cannot contain set-returning function calls", set->position);
    }
    return {};
  };
  for (const ExprPtr& argument : call.arguments) RETURN_IF_ERROR(check(argument));
  return check(call.filter);
}

Status check_window_options(const AstExpr& ast, bool aggregate) {
  const AstCallOptions& options = *ast.call;
  const std::string& name = ast.names.back();
  if (!aggregate && options.within_group) {
    return bind_error(sqlstate::kWrongObjectType,
                      "window function " + name + " cannot have WITHIN GROUP", ast.position);
  }
  const auto missing = [&](std::string what) {
    return bind_error(sqlstate::kFeatureNotSupported, std::move(what), ast.position);
  };
  if (options.within_group) return missing("OVER is not supported for ordered-set aggregate " + name);
  if (options.distinct) return missing("DISTINCT is not implemented for window functions");
  if (aggregate && ast.children.empty() && !options.star) {
    return bind_error(sqlstate::kWrongObjectType,
                      name + "(*) must be used to call a parameterless aggregate function",
                      ast.position);
  }
  if (!options.order.empty()) {
    return missing("aggregate ORDER BY is not implemented for window functions");
  }
  if (!aggregate && options.filter != nullptr) {
    return missing("FILTER is not implemented for non-aggregate window functions");
  }
  return {};
}

bool same_part(const ExprPtr& a, const ExprPtr& b) {
  return a == nullptr || b == nullptr ? a == b : a->equals(*b);
}

bool same_call(const BoundWindowCall& a, const BoundWindowCall& b) {
  return a.window == b.window && a.call.function == b.call.function &&
         a.call.aggregate == b.call.aggregate && a.call.type == b.call.type &&
         same_part(a.call.filter, b.call.filter) &&
         std::equal(a.call.arguments.begin(), a.call.arguments.end(), b.call.arguments.begin(),
                    b.call.arguments.end(), same_part);
}

bool is_volatile(const WindowCall& call) {
  return std::any_of(call.arguments.begin(), call.arguments.end(), [](const ExprPtr& argument) {
    return argument->volatility() == Volatility::kVolatile;
  });
}

}  // namespace

// The definition a call means: its index among those of the WINDOW clause and the ones in OVER (…).
Result<size_t> ExpressionBinder::window_of(const AstWindow& over) {
  if (!over.name.empty()) {
    for (size_t i = 0; i < level_.window_clause.size(); ++i) {
      if (level_.window_clause[i].name == over.name) return i;
    }
    return bind_error(sqlstate::kUndefinedObject, "window \"" + over.name + "\" does not exist",
                      over.position);
  }
  // The same definition twice is one window, so that ORDER BY may repeat a call of the target list.
  for (size_t i = 0; i < level_.inline_windows.size(); ++i) {
    if (same_definition(*level_.inline_windows[i], over)) return level_.window_clause.size() + i;
  }
  level_.inline_windows.push_back(&over);
  return level_.window_clause.size() + level_.inline_windows.size() - 1;
}

Result<ExprPtr> ExpressionBinder::bind_window_call(const WindowFunction* function,
                                                   const AggregateFunction* aggregate,
                                                   const Candidate& candidate,
                                                   std::vector<ExprPtr> arguments,
                                                   const AstExpr& ast) {
  if (ast.call == nullptr || ast.call->over == nullptr) {
    return bind_error(sqlstate::kWrongObjectType,
                      "window function " + ast.names.back() + " requires an OVER clause",
                      ast.position);
  }
  RETURN_IF_ERROR(check_window_options(ast, aggregate != nullptr));
  BoundWindowCall bound;
  WindowCall& call = bound.call;
  if (aggregate != nullptr) {
    ASSIGN_OR_RETURN(AggregateCall made, make_aggregate(*aggregate, candidate, std::move(arguments)));
    call.aggregate = aggregate;
    call.arguments = std::move(made.arguments);
    call.type = made.type;
  } else {
    std::vector<Oid> actual;
    for (const ExprPtr& argument : arguments) actual.push_back(argument->type.id);
    const PolymorphicTypes types = resolve_polymorphic(candidate.arguments, actual);
    call.function = function;
    ASSIGN_OR_RETURN(call.arguments, coerce_arguments(candidate, types, std::move(arguments)));
    call.type = {resolve_result(function->result, types), -1};
    if (!call.arguments.empty() && call.arguments[0]->type.id == call.type.id &&
        is_polymorphic(function->result)) {
      call.type.modifier = -1;
    }
  }
  ASSIGN_OR_RETURN(call.filter, bind_filter(ast));
  RETURN_IF_ERROR(check_window_parts(call));
  RETURN_IF_ERROR(check_window_allowed(clause_, ast.position));
  ASSIGN_OR_RETURN(bound.window, window_of(*ast.call->over));
  const Type type = call.type;
  size_t at = is_volatile(call) ? level_.window_calls.size() : 0;
  while (at < level_.window_calls.size() && !same_call(level_.window_calls[at], bound)) ++at;
  if (at == level_.window_calls.size()) level_.window_calls.push_back(std::move(bound));
  ExprPtr column = Expr::column(kWindowColumnBase + static_cast<int>(at), type);
  column->position = ast.position;
  return column;
}

// The offset of ROWS, GROUPS and RANGE: without columns, of the type the mode wants.
Result<ExprPtr> ExpressionBinder::bind_frame_offset(const AstExpr& ast, std::string_view mode,
                                                    Oid key_type) {
  ASSIGN_OR_RETURN(ExprPtr offset, bind(ast));
  Oid wanted = oid::kInt8;
  if (mode == "RANGE") {
    ASSIGN_OR_RETURN(wanted, range_offset_type(key_type, offset->type.id, offset->position));
  }
  if (!can_coerce(offset->type.id, wanted, CastContext::kAssignment)) {
    return bind_error(sqlstate::kDatatypeMismatch,
                      "argument of " + std::string(mode) + " must be type " +
                          format_type({wanted, -1}) + ", not type " + format_type(offset->type),
                      offset->position);
  }
  ASSIGN_OR_RETURN(offset, coerce(std::move(offset), {wanted, -1}, CastContext::kAssignment,
                                  state_.parameters));
  if (const Expr* column = find_own_column(*offset, 0, INT_MAX)) {
    return bind_error(sqlstate::kInvalidColumnReference,
                      "argument of " + std::string(mode) + " must not contain variables",
                      column->position);
  }
  return offset;
}

}  // namespace eventd::engine
