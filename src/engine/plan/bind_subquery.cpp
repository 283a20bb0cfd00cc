// Queries in expressions.
#include <utility>

#include "engine/limits.h"
#include "engine/plan/coercion.h"
#include "engine/plan/expression_binder.h"
#include "engine/plan/rules.h"
#include "engine/plan/select_binder.h"

namespace eventd::engine {
namespace {

using AstKind = AstExpr::Kind;

Subquery::Kind subquery_kind(AstKind kind) {
  switch (kind) {
    case AstKind::kExists: return Subquery::Kind::kExists;
    case AstKind::kArraySubquery: return Subquery::Kind::kArray;
    case AstKind::kAnySubquery: return Subquery::Kind::kAny;
    case AstKind::kAllSubquery: return Subquery::Kind::kAll;
    default: return Subquery::Kind::kScalar;
  }
}

// Literals and parameters take their type from the other side: they stay where they are compared.
bool stays_in_comparison(const Expr& expression) {
  return expression.kind == Expr::Kind::kConstant || expression.kind == Expr::Kind::kParameter;
}

}  // namespace

Result<ExprPtr> ExpressionBinder::bind_query(const AstExpr& ast, SubqueryFrame& frame) {
  if (state_.selects == nullptr) {
    return bind_error(sqlstate::kFeatureNotSupported,
                      "cannot use subquery in EXECUTE parameter", ast.position);
  }
  const Clause outer_clause = std::exchange(level_.clause, clause_);
  Result<PlanPtr> plan = state_.selects->bind(*ast.subquery, frame);
  level_.clause = outer_clause;
  if (!plan.ok()) return std::move(plan).take_status();
  auto result = std::make_unique<Expr>();
  result->kind = Expr::Kind::kSubquery;
  result->position = ast.position;
  result->type = {oid::kBool, -1};
  result->subquery = std::make_unique<Subquery>();
  result->subquery->kind = subquery_kind(ast.kind);
  result->subquery->plan = std::move(plan).value();
  const std::vector<OutputColumn>& columns = result->subquery->plan->columns;
  if (!columns.empty()) state_.subquery_names[ast.subquery.get()] = columns[0].name;
  return result;
}

Result<ExprPtr> ExpressionBinder::bind_subquery(const AstExpr& ast) {
  if (ast.kind == AstKind::kAnySubquery || ast.kind == AstKind::kAllSubquery) {
    return bind_quantified_subquery(ast);
  }
  SubqueryFrame frame{&level_, {}};
  ASSIGN_OR_RETURN(ExprPtr result, bind_query(ast, frame));
  const std::vector<OutputColumn>& columns = result->subquery->plan->columns;
  if (ast.kind != AstKind::kExists) {
    if (columns.size() != 1) {
      return bind_error(sqlstate::kSyntaxError, "subquery must return only one column",
                        ast.position);
    }
    result->type = columns[0].type;
  }
  if (ast.kind == AstKind::kArraySubquery) {
    const TypeInfo& info = type_info(columns[0].type.id);
    // ARRAY(SELECT an array) has one dimension more.
    const Oid array = info.category == 'A' ? info.id : info.array;
    if (array == 0) {
      return bind_error(sqlstate::kUndefinedObject,
                        "could not find array type for data type " + format_type(columns[0].type),
                        ast.position);
    }
    result->type = {array, columns[0].type.modifier};
  }
  result->children = std::move(frame.arguments);
  return result;
}

// left op ANY|ALL (query): what comes from outside is an argument, the left operands too.
Result<ExprPtr> ExpressionBinder::bind_quantified_subquery(const AstExpr& ast) {
  SubqueryFrame frame{&level_, {}};
  ASSIGN_OR_RETURN(ExprPtr result, bind_query(ast, frame));
  std::vector<ExprPtr> left;
  if (ast.children[0]->kind == AstKind::kRow) {
    ASSIGN_OR_RETURN(left, bind_row_fields(*ast.children[0]));
  } else {
    ASSIGN_OR_RETURN(ExprPtr operand, bind(*ast.children[0]));
    left.push_back(std::move(operand));
  }
  const std::vector<OutputColumn>& columns = result->subquery->plan->columns;
  if (left.size() != columns.size()) {
    return bind_error(sqlstate::kSyntaxError,
                      left.size() < columns.size() ? "subquery has too many columns"
                                                   : "subquery has too few columns",
                      ast.position);
  }
  std::vector<ExprPtr> right;
  for (size_t i = 0; i < columns.size(); ++i) {
    right.push_back(Expr::column(static_cast<int>(i), columns[i].type));
    if (!stays_in_comparison(*left[i])) left[i] = frame.argument(std::move(left[i]));
  }
  ASSIGN_OR_RETURN(result->subquery->comparison,
                   compare_fields(ast.names.back(), std::move(left), std::move(right),
                                  ast.position));
  if (result->subquery->comparison->type.id != oid::kBool) {
    return bind_error(sqlstate::kWrongObjectType,
                      "row comparison operator must yield type boolean, not type " +
                          format_type(result->subquery->comparison->type),
                      ast.position);
  }
  result->children = std::move(frame.arguments);
  return result;
}

// (a, b) op (SELECT x, y …): the query gives one row or none.
Result<ExprPtr> ExpressionBinder::bind_row_subquery(std::string_view name, const AstExpr& row,
                                                    const AstExpr& query, int position) {
  SubqueryFrame frame{&level_, {}};
  ASSIGN_OR_RETURN(ExprPtr subquery, bind_query(query, frame));
  ASSIGN_OR_RETURN(std::vector<ExprPtr> left, bind_row_fields(row));
  PlanPtr& plan = subquery->subquery->plan;
  if (left.size() != plan->columns.size()) {
    return bind_error(sqlstate::kSyntaxError,
                      left.size() < plan->columns.size() ? "subquery has too many columns"
                                                         : "subquery has too few columns",
                      position);
  }
  const std::vector<OutputColumn> columns = plan->columns;
  auto fields = std::make_unique<Expr>();
  fields->kind = Expr::Kind::kRow;
  fields->type = {oid::kRecord, -1};
  for (size_t i = 0; i < columns.size(); ++i) {
    fields->children.push_back(Expr::column(static_cast<int>(i), columns[i].type));
  }
  auto project = std::make_unique<PlanNode>(PlanNode::Kind::kProject);
  project->columns.push_back({"row", fields->type, 0, 0});
  project->expressions.push_back(std::move(fields));
  project->children.push_back(std::move(plan));
  plan = std::move(project);
  subquery->type = {oid::kRecord, -1};
  subquery->children = std::move(frame.arguments);
  std::vector<ExprPtr> right;
  for (size_t i = 0; i < columns.size(); ++i) {
    auto field = std::make_unique<Expr>();
    field->kind = Expr::Kind::kField;
    field->type = columns[i].type;
    field->index = static_cast<int>(i);
    field->position = query.position;
    ASSIGN_OR_RETURN(ExprPtr copy, copy_of(*subquery));
    field->children.push_back(std::move(copy));
    right.push_back(std::move(field));
  }
  return compare_fields(name, std::move(left), std::move(right), position);
}

}  // namespace eventd::engine
