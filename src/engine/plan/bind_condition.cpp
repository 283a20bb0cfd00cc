#include <algorithm>

#include "engine/limits.h"
#include "engine/plan/clause_rules.h"
#include "engine/plan/coercion.h"
#include "engine/plan/expression_binder.h"

namespace eventd::engine {
namespace {

ExprPtr node(Expr::Kind kind, Type type, int position) {
  auto result = std::make_unique<Expr>();
  result->kind = kind;
  result->type = type;
  result->position = position;
  return result;
}

constexpr Type kBoolean{oid::kBool, -1};

ExprPtr negated(ExprPtr condition) {
  ExprPtr result = node(Expr::Kind::kNot, kBoolean, condition->position);
  result->children.push_back(std::move(condition));
  return result;
}

ExprPtr both(Expr::Kind kind, ExprPtr left, ExprPtr right, int position) {
  ExprPtr result = node(kind, kBoolean, position);
  result->children.push_back(std::move(left));
  result->children.push_back(std::move(right));
  return result;
}

}  // namespace

Result<ExprPtr> ExpressionBinder::bind_and_or(const AstExpr& ast) {
  const bool is_and = ast.kind == AstExpr::Kind::kAnd;
  ExprPtr result = node(is_and ? Expr::Kind::kAnd : Expr::Kind::kOr, kBoolean, ast.position);
  result->children.reserve(ast.children.size());
  for (const AstExprPtr& child : ast.children) {
    ASSIGN_OR_RETURN(ExprPtr bound, bind_boolean_child(*child, is_and ? "AND" : "OR"));
    result->children.push_back(std::move(bound));
  }
  return result;
}

// What is evaluated for some rows only cannot make rows.
Status ExpressionBinder::check_no_new_sets(size_t calls_before, std::string_view what) {
  if (level_.set_calls.size() == calls_before) return {};
  return set_function_inside(
      "set-returning functions are not allowed in " + std::string(what),
      level_.set_positions.back());
}

// CASE x WHEN v … is CASE WHEN x = v …
Result<ExprPtr> ExpressionBinder::bind_case(const AstExpr& ast) {
  const size_t set_calls = level_.set_calls.size();
  ExprPtr result = node(Expr::Kind::kCase, {}, ast.position);
  size_t next = 0;
  ExprPtr argument;
  if (ast.has_argument) {
    ASSIGN_OR_RETURN(argument, bind(*ast.children[next++]));
    ASSIGN_OR_RETURN(argument, resolve_unknown(std::move(argument), state_.parameters));
  }
  std::vector<ExprPtr> conditions, values;
  const size_t end = ast.children.size() - (ast.has_else ? 1 : 0);
  while (next < end) {
    const AstExpr& when = *ast.children[next++];
    ExprPtr condition;
    if (argument != nullptr) {
      ASSIGN_OR_RETURN(ExprPtr left, copy_of(*argument));
      ASSIGN_OR_RETURN(ExprPtr right, bind(when));
      ASSIGN_OR_RETURN(condition,
                       bind_operator("=", std::move(left), std::move(right), when.position));
      ASSIGN_OR_RETURN(condition, coerce_to_boolean(std::move(condition), "CASE/WHEN",
                                                    state_.parameters));
    } else {
      ASSIGN_OR_RETURN(condition, bind_boolean_child(when, "CASE/WHEN"));
    }
    conditions.push_back(std::move(condition));
    ASSIGN_OR_RETURN(ExprPtr value, bind(*ast.children[next++]));
    values.push_back(std::move(value));
  }
  ExprPtr otherwise = Expr::constant_of(Datum::null(oid::kUnknown), {oid::kUnknown, -1});
  if (ast.has_else) {
    ASSIGN_OR_RETURN(otherwise, bind(*ast.children.back()));
  }
  RETURN_IF_ERROR(check_no_new_sets(set_calls, "CASE"));
  // PostgreSQL looks at the ELSE first.
  values.insert(values.begin(), std::move(otherwise));
  ASSIGN_OR_RETURN(const Oid type, common_type(values, "CASE"));
  RETURN_IF_ERROR(coerce_all(values, type, "CASE", state_.parameters));
  result->type = {type, -1};
  for (size_t i = 0; i < conditions.size(); ++i) {
    result->children.push_back(std::move(conditions[i]));
    result->children.push_back(std::move(values[i + 1]));
  }
  result->children.push_back(std::move(values[0]));
  return result;
}

Result<ExprPtr> ExpressionBinder::bind_common(const AstExpr& ast, Expr::Kind kind,
                                              std::string_view context) {
  const size_t set_calls = level_.set_calls.size();
  ExprPtr result = node(kind, {}, ast.position);
  ASSIGN_OR_RETURN(result->children, bind_all(ast.children));
  if (kind == Expr::Kind::kCoalesce) RETURN_IF_ERROR(check_no_new_sets(set_calls, context));
  ASSIGN_OR_RETURN(const Oid type, common_type(result->children, context));
  RETURN_IF_ERROR(coerce_all(result->children, type, context, state_.parameters));
  result->type = {type, -1};
  return result;
}

// x IN (a, b): all of one common type when there is one, else x = a OR x = b.
Result<ExprPtr> ExpressionBinder::bind_in(const AstExpr& ast) {
  const bool rows = std::any_of(
      ast.children.begin(), ast.children.end(),
      [](const AstExprPtr& child) { return child->kind == AstExpr::Kind::kRow; });
  if (rows) return bind_in_rows(ast);
  ASSIGN_OR_RETURN(std::vector<ExprPtr> operands, bind_all(ast.children));
  std::vector<Oid> types;
  for (const ExprPtr& operand : operands) types.push_back(operand->type.id);
  const Oid element = common_type_of(types);
  bool uniform = element != oid::kInvalid;
  for (const Oid type : types) {
    uniform = uniform && can_coerce(type, element, CastContext::kImplicit);
  }
  ExprPtr result;
  if (uniform) {
    result = node(Expr::Kind::kInList, kBoolean, ast.position);
    const std::span<ExprPtr> list = std::span(operands).subspan(1);
    RETURN_IF_ERROR(coerce_all(list, element, "IN", state_.parameters));
    ASSIGN_OR_RETURN(const Operator* equal,
                     choose_operator("=", operands[0]->type.id, element, ast.position));
    const Oid declared[] = {equal->left, equal->right};
    const Oid actual[] = {operands[0]->type.id, element};
    const PolymorphicTypes resolved = resolve_polymorphic(declared, actual);
    result->function = equal->function;
    ASSIGN_OR_RETURN(operands[0], coerce(std::move(operands[0]), {resolved.arguments[0], -1},
                                         CastContext::kImplicit, state_.parameters));
    RETURN_IF_ERROR(coerce_all(list, resolved.arguments[1], "IN", state_.parameters));
    result->children = std::move(operands);
  } else {
    result = node(Expr::Kind::kOr, kBoolean, ast.position);
    for (size_t i = 1; i < operands.size(); ++i) {
      ASSIGN_OR_RETURN(ExprPtr left, copy_of(*operands[0]));
      ASSIGN_OR_RETURN(ExprPtr equal, bind_operator("=", std::move(left), std::move(operands[i]),
                                                    ast.position));
      result->children.push_back(std::move(equal));
    }
  }
  return ast.kind == AstExpr::Kind::kNotIn ? negated(std::move(result)) : std::move(result);
}

// (a, b) IN ((1, 2), …)
Result<ExprPtr> ExpressionBinder::bind_in_rows(const AstExpr& ast) {
  const bool negative = ast.kind == AstExpr::Kind::kNotIn;
  ExprPtr result = node(negative ? Expr::Kind::kAnd : Expr::Kind::kOr, kBoolean, ast.position);
  for (size_t i = 1; i < ast.children.size(); ++i) {
    ASSIGN_OR_RETURN(ExprPtr equal, bind_comparison(negative ? "<>" : "=", *ast.children[0],
                                                    *ast.children[i], ast.position));
    result->children.push_back(std::move(equal));
  }
  if (result->children.size() == 1) return std::move(result->children[0]);
  return result;
}

Result<ExprPtr> ExpressionBinder::bind_between(const AstExpr& ast) {
  using Kind = AstExpr::Kind;
  const auto range = [&](const AstExpr& low, const AstExpr& high) -> Result<ExprPtr> {
    const auto compare = [&](std::string_view name, const AstExpr& bound) -> Result<ExprPtr> {
      return bind_comparison(name, *ast.children[0], bound, ast.position);
    };
    ASSIGN_OR_RETURN(ExprPtr above, compare(">=", low));
    ASSIGN_OR_RETURN(ExprPtr below, compare("<=", high));
    return both(Expr::Kind::kAnd, std::move(above), std::move(below), ast.position);
  };
  ASSIGN_OR_RETURN(ExprPtr result, range(*ast.children[1], *ast.children[2]));
  if (ast.kind == Kind::kBetweenSymmetric || ast.kind == Kind::kNotBetweenSymmetric) {
    ASSIGN_OR_RETURN(ExprPtr swapped, range(*ast.children[2], *ast.children[1]));
    result = both(Expr::Kind::kOr, std::move(result), std::move(swapped), ast.position);
  }
  const bool negative = ast.kind == Kind::kNotBetween || ast.kind == Kind::kNotBetweenSymmetric;
  return negative ? negated(std::move(result)) : std::move(result);
}

Result<ExprPtr> ExpressionBinder::bind_distinct(const AstExpr& ast) {
  if (ast.children[0]->kind == AstExpr::Kind::kRow && ast.children[1]->kind == AstExpr::Kind::kRow) {
    return bind_distinct_rows(ast);
  }
  ASSIGN_OR_RETURN(std::vector<ExprPtr> operands, bind_all(ast.children));
  const bool distinct = ast.kind == AstExpr::Kind::kDistinct;
  // x IS DISTINCT FROM NULL needs no equality of x's type.
  for (size_t i = 0; i < 2; ++i) {
    if (operands[i]->kind == Expr::Kind::kConstant && operands[i]->constant.is_null() &&
        operands[i]->type.id == oid::kUnknown) {
      ExprPtr test = node(distinct ? Expr::Kind::kIsNotNull : Expr::Kind::kIsNull, kBoolean,
                          ast.position);
      ASSIGN_OR_RETURN(ExprPtr other, resolve_unknown(std::move(operands[1 - i]),
                                                      state_.parameters));
      test->children.push_back(std::move(other));
      return test;
    }
  }
  ASSIGN_OR_RETURN(ExprPtr result, bind_operator("=", std::move(operands[0]),
                                                 std::move(operands[1]), ast.position));
  result->kind = distinct ? Expr::Kind::kIsDistinct : Expr::Kind::kIsNotDistinct;
  return result;
}

Result<ExprPtr> ExpressionBinder::bind_nullif(const AstExpr& ast) {
  ASSIGN_OR_RETURN(std::vector<ExprPtr> operands, bind_all(ast.children));
  ASSIGN_OR_RETURN(ExprPtr result, bind_operator("=", std::move(operands[0]),
                                                 std::move(operands[1]), ast.position));
  result->kind = Expr::Kind::kNullIf;
  result->type = result->children[0]->type;
  return result;
}

}  // namespace eventd::engine
