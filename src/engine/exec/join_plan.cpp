#include "engine/exec/join_plan.h"

namespace eventd::engine {

namespace {

std::vector<Oid> types_of(const PlanNode& plan) {
  std::vector<Oid> types;
  for (const OutputColumn& column : plan.columns) types.push_back(column.type.id);
  return types;
}

/// The column a key is, or -1.
int plain_column(const Expr& key, const std::vector<Oid>& types) {
  const Expr* expr = &key;
  while (expr->kind == Expr::Kind::kRelabel) expr = expr->children[0].get();
  if (expr->kind != Expr::Kind::kColumn) return -1;
  return physical_of(types[static_cast<size_t>(expr->index)]) == physical_of(key.type.id) ? expr->index : -1;
}

}  // namespace

Result<std::shared_ptr<const JoinPlan>> JoinPlan::compile(const PlanNode& node, bool build_left,
                                                          const EvalContext& context) {
  auto plan = std::make_shared<JoinPlan>();
  const PlanNode& left = *node.children[0];
  const PlanNode& right = *node.children[1];
  const JoinType type = node.join_type;
  plan->build_left = build_left;
  if (type == JoinType::kSemi) plan->output = Output::kSemi;
  if (type == JoinType::kAnti) plan->output = Output::kAnti;
  const bool left_outer = type == JoinType::kLeft || type == JoinType::kFull;
  const bool right_outer = type == JoinType::kRight || type == JoinType::kFull;
  plan->probe_outer = build_left ? right_outer : left_outer;
  plan->build_outer = build_left ? left_outer : right_outer;
  plan->layout.column_types = types_of(build_left ? left : right);
  plan->probe_types = types_of(build_left ? right : left);
  plan->layout.keep_unmatchable = plan->build_outer;
  plan->layout.null_row = plan->probe_outer;
  plan->condition = split_join_condition(node.condition.get(), static_cast<int>(left.columns.size()));
  for (const JoinKey& key : plan->condition.keys) {
    const Expr& build = build_left ? *key.left : *key.right;
    const Expr& probe = build_left ? *key.right : *key.left;
    ASSIGN_OR_RETURN(auto build_key, CompiledExpression::compile(build, context));
    ASSIGN_OR_RETURN(auto probe_key, CompiledExpression::compile(probe, context));
    plan->build_keys.push_back(std::move(build_key));
    plan->probe_keys.push_back(std::move(probe_key));
    plan->layout.key_types.push_back(build.type.id);
    plan->layout.key_columns.push_back(plain_column(build, plan->layout.column_types));
    plan->layout.nulls_equal.push_back(key.nulls_equal ? 1 : 0);
  }
  if (plan->condition.residual != nullptr) {
    ASSIGN_OR_RETURN(plan->residual, CompiledExpression::compile(*plan->condition.residual, context));
  }
  return std::shared_ptr<const JoinPlan>(std::move(plan));
}

Result<std::vector<Vector>> evaluate_all(
    const std::vector<std::shared_ptr<const CompiledExpression>>& expressions, const Batch& batch,
    const EvalContext& context) {
  std::vector<Vector> values;
  values.reserve(expressions.size());
  for (const auto& expression : expressions) {
    ASSIGN_OR_RETURN(Vector value, expression->evaluate(batch, context));
    values.push_back(std::move(value));
  }
  return values;
}

}  // namespace eventd::engine
