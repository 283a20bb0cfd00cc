#include "engine/plan/fold_constants.h"
#include "engine/plan/query_planner.h"
#include "engine/plan/rules.h"

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

}  // namespace

Result<PlanPtr> optimize(PlanPtr plan, std::span<const Datum> parameters,
                         const EvalContext& context) {
  RETURN_IF_ERROR(fold_plan(*plan, parameters, context));
  RETURN_IF_ERROR(check_limits(*plan));
  RETURN_IF_ERROR(push_filters(plan));
  extract_payload_paths(*plan);
  RETURN_IF_ERROR(push_into_scans(plan, context));
  prune_columns(*plan);
  order_scans(*plan);
  return plan;
}

}  // namespace eventd::engine
