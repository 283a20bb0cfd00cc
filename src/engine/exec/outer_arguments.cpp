#include "engine/exec/outer_arguments.h"

#include "engine/exec/physical_costs.h"
#include "engine/plan/fold_constants.h"
#include "engine/plan/rules.h"
#include "engine/plan/stack_guard.h"

namespace eventd::engine {

namespace {

/// Children of a node that belong to the same level: the right side of an Apply has its own.
size_t same_level_children(const PlanNode& plan) {
  return plan.kind == PlanNode::Kind::kApply ? 1 : plan.children.size();
}

void find_outer(const Expr& expr, std::vector<bool>& used) {
  if (expr.kind == Expr::Kind::kOuter) {
    const auto index = static_cast<size_t>(expr.index);
    if (index >= used.size()) used.resize(index + 1);
    used[index] = true;
  }
  for (const ExprPtr& child : expr.children) find_outer(*child, used);
}

bool bind_expression(ExprPtr& expr, std::span<const Datum> values) {
  if (expr->kind == Expr::Kind::kOuter) {
    Datum value = values[static_cast<size_t>(expr->index)];
    value.set_type(expr->type.id);
    expr = Expr::constant_of(std::move(value), expr->type);
    return true;
  }
  bool changed = false;
  for (ExprPtr& child : expr->children) changed = bind_expression(child, values) || changed;
  return changed;
}

Status bind_node(PlanNode& plan, std::span<const Datum> values, const EvalContext& context) {
  RETURN_IF_ERROR(check_stack_depth());
  for_each_expression(plan, [&](ExprPtr& expression) {
    if (!bind_expression(expression, values)) return;
    // What fails when folded may never be reached: then it stays as it is.
    Result<ExprPtr> folded = fold_constants(expression->clone(), {}, context);
    if (folded.ok()) expression = std::move(folded).value();
  });
  for (size_t i = 0; i < same_level_children(plan); ++i) {
    RETURN_IF_ERROR(bind_node(*plan.children[i], values, context));
  }
  return {};
}

}  // namespace

void find_outer(const PlanNode& plan, std::vector<bool>& used) {
  for_each_const_expression(plan, [&](const Expr& expr) { find_outer(expr, used); });
  for (size_t i = 0; i < same_level_children(plan); ++i) find_outer(*plan.children[i], used);
}

Status bind_outer(PlanPtr& plan, std::span<const Datum> values, const EvalContext& context) {
  RETURN_IF_ERROR(bind_node(*plan, values, context));
  return push_into_scans(plan, context);
}

ExprPtr outer_as_columns(const Expr& expression, int first) {
  ExprPtr result = expression.clone();
  const auto replace = [first](auto& self, ExprPtr& expr) -> void {
    if (expr->kind == Expr::Kind::kOuter) {
      expr = Expr::column(first + expr->index, expr->type);
      return;
    }
    for (ExprPtr& child : expr->children) self(self, child);
  };
  replace(replace, result);
  return result;
}

}  // namespace eventd::engine
