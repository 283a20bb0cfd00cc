#include "engine/plan/fold_constants.h"
#include "engine/plan/query_planner.h"
#include "engine/plan/rules.h"
#include "engine/plan/stack_guard.h"

namespace eventd::engine {
namespace {

Status check_limits(const PlanNode& plan) {
  const auto negative = [](const ExprPtr& count) {
    return count != nullptr && count->kind == Expr::Kind::kConstant &&
           !count->constant.is_null() && count->constant.as<int64_t>() < 0;
  };
  if (negative(plan.limit)) {
    return {sqlstate::kInvalidRowCountInLimit, "LIMIT must not be negative"};
  }
  if (negative(plan.offset)) {
    return {sqlstate::kInvalidRowCountInOffset, "OFFSET must not be negative"};
  }
  for (const PlanPtr& child : plan.children) RETURN_IF_ERROR(check_limits(*child));
  return {};
}

Status apply_rules(PlanPtr& plan, const EvalContext& context);

Status optimize_subqueries(Expr& expression, const EvalContext& context) {
  RETURN_IF_ERROR(check_stack_depth());
  for (ExprPtr& child : expression.children) {
    RETURN_IF_ERROR(optimize_subqueries(*child, context));
  }
  if (expression.subquery == nullptr) return {};
  return apply_rules(expression.subquery->plan, context);
}

Status optimize_subqueries(PlanNode& plan, const EvalContext& context) {
  RETURN_IF_ERROR(check_stack_depth());
  Status status;
  for_each_expression(plan, [&](ExprPtr& expression) {
    if (status.ok()) status = optimize_subqueries(*expression, context);
  });
  RETURN_IF_ERROR(std::move(status));
  for (PlanPtr& child : plan.children) RETURN_IF_ERROR(optimize_subqueries(*child, context));
  return {};
}

/// `plan` is the statement's or that of a subquery in an expression: its columns stay.
Status apply_rules(PlanPtr& plan, const EvalContext& context) {
  RETURN_IF_ERROR(check_limits(*plan));
  RETURN_IF_ERROR(push_filters(plan));
  extract_payload_paths(*plan);
  RETURN_IF_ERROR(push_into_scans(plan, context));
  prune_columns(*plan);
  order_scans(*plan);
  return optimize_subqueries(*plan, context);
}

}  // namespace

Result<PlanPtr> optimize(PlanPtr plan, std::span<const Datum> parameters,
                         const EvalContext& context) {
  RETURN_IF_ERROR(fold_plan(*plan, parameters, context));
  RETURN_IF_ERROR(apply_rules(plan, context));
  return plan;
}

}  // namespace eventd::engine
