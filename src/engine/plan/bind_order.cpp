#include "engine/limits.h"
#include "engine/plan/coercion.h"
#include "engine/plan/from_binder.h"

namespace eventd::engine {
namespace {

SortKey sort_key(const AstSortItem& item, int column, Type type) {
  SortKey key;
  key.expression = Expr::column(column, type);
  key.expression->position = item.expression->position;
  key.descending = item.descending;
  key.nulls_first = item.nulls == AstSortItem::Nulls::kDefault
                        ? item.descending
                        : item.nulls == AstSortItem::Nulls::kFirst;
  return key;
}

bool is_constant(const AstExpr& ast) {
  using Kind = AstExpr::Kind;
  return ast.kind == Kind::kString || ast.kind == Kind::kNumber || ast.kind == Kind::kNull ||
         ast.kind == Kind::kBoolean || ast.kind == Kind::kBitString;
}

// An ordinal or an output name: the column it means, -1 = neither.
Result<int> find_output(const AstExpr& ast, const std::string& clause,
                        std::span<const OutputColumn> columns,
                        std::span<const ExprPtr> targets) {
  if (ast.kind == AstExpr::Kind::kInteger) {
    if (ast.number < 1 || ast.number > static_cast<int64_t>(columns.size())) {
      return bind_error(sqlstate::kInvalidColumnReference,
                        clause + " position " + std::to_string(ast.number) +
                            " is not in select list",
                        ast.position);
    }
    return static_cast<int>(ast.number - 1);
  }
  if (is_constant(ast)) {
    return bind_error(sqlstate::kSyntaxError, "non-integer constant in " + clause, ast.position);
  }
  if (ast.kind != AstExpr::Kind::kColumnRef || ast.names.size() != 1 || ast.star) return -1;
  int found = -1;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name != ast.names[0]) continue;
    if (found >= 0) {
      const bool same = !targets.empty() &&
                        targets[i]->equals(*targets[static_cast<size_t>(found)]);
      if (same) continue;
      return bind_error(sqlstate::kAmbiguousColumn,
                        clause + " \"" + ast.names[0] + "\" is ambiguous", ast.position);
    }
    found = static_cast<int>(i);
  }
  return found;
}

int first_column_position(const Expr& expression) {
  if (expression.kind == Expr::Kind::kColumn) return expression.position;
  for (const ExprPtr& child : expression.children) {
    if (has_column(*child)) return first_column_position(*child);
  }
  return 0;
}

}  // namespace

// The target an item sorts by; expressions that are no target are added as hidden ones.
Result<int> SelectBinder::order_target(const AstExpr& item, Clause clause, const SelectAst& select,
                                       Block& block) {
  const std::string name(clause.name);
  ASSIGN_OR_RETURN(const int output,
                   find_output(item, name, block.columns,
                               std::span(block.targets).first(block.columns.size())));
  if (output >= 0) return output;
  ExpressionBinder binder(state_, block.level, clause);
  ASSIGN_OR_RETURN(ExprPtr expression, binder.bind(item));
  ASSIGN_OR_RETURN(expression, resolve_unknown(std::move(expression), state_.parameters));
  for (size_t i = 0; i < block.targets.size(); ++i) {
    if (block.targets[i]->equals(*expression)) return static_cast<int>(i);
  }
  if (select.distinct && select.distinct_on.empty()) {
    return bind_error(sqlstate::kInvalidColumnReference,
                      "for SELECT DISTINCT, ORDER BY expressions must appear in select list",
                      item.position);
  }
  block.targets.push_back(std::move(expression));
  return static_cast<int>(block.targets.size() - 1);
}

Status SelectBinder::bind_order_by(const SelectAst& select, Block& block) {
  for (const AstSortItem& item : select.order_by) {
    ASSIGN_OR_RETURN(const int target,
                     order_target(*item.expression, Clause::order_by(), select, block));
    ExprPtr& expression = block.targets[static_cast<size_t>(target)];
    ASSIGN_OR_RETURN(expression, resolve_unknown(std::move(expression), state_.parameters));
    block.sort_keys.push_back(sort_key(item, target, expression->type));
  }
  return {};
}

// ORDER BY of a set operation: output columns only.
Result<std::vector<SortKey>> SelectBinder::order_by_output(const SelectAst& select,
                                                           const PlanNode& plan) {
  std::vector<SortKey> keys;
  for (const AstSortItem& item : select.order_by) {
    ASSIGN_OR_RETURN(const int column, find_output(*item.expression, "ORDER BY", plan.columns, {}));
    if (column < 0) {
      if (item.expression->kind == AstExpr::Kind::kColumnRef && !item.expression->star) {
        Scope names;
        names.add_relation("*SELECT*", {}, plan.columns);
        RETURN_IF_ERROR(names.find(*item.expression).take_status());
      }
      Error error = bind_error(sqlstate::kFeatureNotSupported,
                               "invalid UNION/INTERSECT/EXCEPT ORDER BY clause",
                               leftmost_position(*item.expression));
      error.detail = "Only result column names can be used, not expressions or functions.";
      error.hint =
          "Add the expression/function to every SELECT, or move the UNION into a FROM clause.";
      return error;
    }
    keys.push_back(sort_key(item, column, plan.columns[static_cast<size_t>(column)].type));
  }
  return keys;
}

Status SelectBinder::bind_limit(const SelectAst& select, PlanNode& limit,
                                QueryLevel& level) {
  const auto bind_count = [&](const AstExpr& ast, std::string_view clause,
                              ExprPtr& out) -> Status {
    ExpressionBinder binder(state_, level, clause);
    ASSIGN_OR_RETURN(ExprPtr count, binder.bind(ast));
    if (has_column(*count)) {
      return bind_error(sqlstate::kInvalidColumnReference,
                        "argument of " + std::string(clause) + " must not contain variables",
                        first_column_position(*count));
    }
    if (!can_coerce(count->type.id, oid::kInt8, CastContext::kAssignment)) {
      return bind_error(sqlstate::kDatatypeMismatch,
                        "argument of " + std::string(clause) + " must be type bigint, not type " +
                            format_type(count->type),
                        ast.position);
    }
    ASSIGN_OR_RETURN(out, coerce(std::move(count), {oid::kInt8, -1}, CastContext::kAssignment,
                                 state_.parameters));
    return {};
  };
  if (select.limit != nullptr) RETURN_IF_ERROR(bind_count(*select.limit, "LIMIT", limit.limit));
  if (select.offset != nullptr) RETURN_IF_ERROR(bind_count(*select.offset, "OFFSET", limit.offset));
  limit.with_ties = select.with_ties;
  return {};
}

Result<PlanPtr> SelectBinder::add_order_and_limit(const SelectAst& select, PlanPtr plan,
                                                  std::vector<SortKey> keys,
                                                  size_t visible_columns,
                                                  QueryLevel& level) {
  if (!keys.empty()) {
    PlanPtr sort = plan_above(PlanNode::Kind::kSort, std::move(plan));
    sort->sort_keys = std::move(keys);
    plan = std::move(sort);
  }
  if (select.limit != nullptr || select.offset != nullptr) {
    PlanPtr limit = plan_above(PlanNode::Kind::kLimit, std::move(plan));
    RETURN_IF_ERROR(bind_limit(select, *limit, level));
    plan = std::move(limit);
  }
  if (plan->columns.size() > visible_columns) {  // drops hidden sort columns
    plan = first_columns(std::move(plan), visible_columns);
  }
  return plan;
}

}  // namespace eventd::engine
