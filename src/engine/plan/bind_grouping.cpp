#include "engine/limits.h"
#include "engine/plan/coercion.h"
#include "engine/plan/select_binder.h"
#include "engine/plan/stack_guard.h"

namespace eventd::engine {
namespace {

bool has_aggregate(const Expr& expression) {
  if (expression.kind == Expr::Kind::kColumn && expression.index >= kAggregateColumnBase) {
    return true;
  }
  for (const ExprPtr& child : expression.children) {
    if (has_aggregate(*child)) return true;
  }
  return false;
}

}  // namespace

// GROUP BY items: a number is an ordinal, a bare name an input column or else an output name.
Status SelectBinder::bind_group_by(const SelectAst& select, Block& block) {
  for (const AstGroupItem& group : select.group_by) {
    if (group.kind != AstGroupItem::Kind::kExpression) {
      return not_supported_yet("GROUPING SETS", group.position);
    }
    const AstExprPtr& item = group.expression;
    int target = -1;
    if (item->kind == AstExpr::Kind::kInteger) {
      if (item->number < 1 || item->number > static_cast<int64_t>(block.columns.size())) {
        return bind_error(sqlstate::kInvalidColumnReference,
                          "GROUP BY position " + std::to_string(item->number) +
                              " is not in select list",
                          item->position);
      }
      target = static_cast<int>(item->number - 1);
    } else if (item->kind == AstExpr::Kind::kColumnRef && item->names.size() == 1 && !item->star &&
               block.level.scope.find_unqualified(item->names[0]) < 0) {
      for (size_t i = 0; i < block.columns.size(); ++i) {
        if (block.columns[i].name != item->names[0]) continue;
        if (target >= 0 && !block.targets[i]->equals(*block.targets[static_cast<size_t>(target)])) {
          return bind_error(sqlstate::kAmbiguousColumn,
                            "GROUP BY \"" + item->names[0] + "\" is ambiguous", item->position);
        }
        if (target < 0) target = static_cast<int>(i);
      }
    } else if (item->kind == AstExpr::Kind::kString || item->kind == AstExpr::Kind::kNumber ||
               item->kind == AstExpr::Kind::kNull || item->kind == AstExpr::Kind::kBoolean) {
      return bind_error(sqlstate::kSyntaxError, "non-integer constant in GROUP BY",
                        item->position);
    }
    ExprPtr expression;
    if (target >= 0) {
      ExprPtr& chosen = block.targets[static_cast<size_t>(target)];
      ASSIGN_OR_RETURN(chosen, resolve_unknown(std::move(chosen), state_.parameters));
      block.columns[static_cast<size_t>(target)].type = chosen->type;
      if (has_aggregate(*chosen)) {
        return bind_error(sqlstate::kGroupingError,
                          "aggregate functions are not allowed in GROUP BY", item->position);
      }
      RETURN_IF_ERROR(state_.spend(1));
      expression = chosen->clone();
    } else {
      ExpressionBinder binder(state_, block.level, "GROUP BY");
      ASSIGN_OR_RETURN(expression, binder.bind(*item));
      ASSIGN_OR_RETURN(expression, resolve_unknown(std::move(expression), state_.parameters));
    }
    bool known = false;
    for (const ExprPtr& other : block.group_by) known = known || other->equals(*expression);
    if (!known) block.group_by.push_back(std::move(expression));
  }
  return {};
}

// Rewrites an expression over the input to one over the Aggregate's output.
Status SelectBinder::replace_grouped(ExprPtr& expression, const Block& block) const {
  RETURN_IF_ERROR(check_stack_depth());
  for (size_t i = 0; i < block.group_by.size(); ++i) {
    if (!expression->equals(*block.group_by[i])) continue;
    const int position = expression->position;
    expression = Expr::column(static_cast<int>(i), block.group_by[i]->type);
    expression->position = position;
    return {};
  }
  if (expression->kind == Expr::Kind::kColumn) {
    if (expression->index >= kAggregateColumnBase) {
      expression->index += static_cast<int>(block.group_by.size()) - kAggregateColumnBase;
      return {};
    }
    return bind_error(sqlstate::kGroupingError,
                      "column \"" +
                          block.level.scope.qualified_name(static_cast<size_t>(expression->index)) +
                          "\" must appear in the GROUP BY clause or be used in an aggregate "
                          "function",
                      expression->position);
  }
  for (ExprPtr& child : expression->children) RETURN_IF_ERROR(replace_grouped(child, block));
  return {};
}

// Puts an Aggregate (and HAVING's filter) above the plan when the query is a grouped one.
Status SelectBinder::apply_grouping(Block& block) {
  if (block.group_by.empty() && block.level.aggregates.empty() && block.having == nullptr) return {};
  for (ExprPtr& target : block.targets) RETURN_IF_ERROR(replace_grouped(target, block));
  if (block.having != nullptr) RETURN_IF_ERROR(replace_grouped(block.having, block));
  auto aggregate = std::make_unique<PlanNode>(PlanNode::Kind::kAggregate);
  for (const ExprPtr& key : block.group_by) {
    OutputColumn column;
    column.type = key->type;
    if (key->kind == Expr::Kind::kColumn) {
      column = block.level.scope.columns()[static_cast<size_t>(key->index)];
    }
    aggregate->columns.push_back(std::move(column));
  }
  for (const AggregateCall& call : block.level.aggregates) {
    aggregate->columns.push_back({std::string(call.function->name), call.type, 0, 0});
  }
  aggregate->group_by = std::move(block.group_by);
  aggregate->aggregates = std::move(block.level.aggregates);
  aggregate->children.push_back(std::move(block.plan));
  block.plan = std::move(aggregate);
  if (block.having != nullptr) {
    PlanPtr filter = plan_above(PlanNode::Kind::kFilter, std::move(block.plan));
    filter->condition = std::move(block.having);
    block.plan = std::move(filter);
  }
  return {};
}

}  // namespace eventd::engine
