#include "engine/plan/rules.h"
#include "engine/plan/scan_predicate.h"
#include "engine/plan/stack_guard.h"

namespace eventd::engine {
namespace {

/// No rows, the same columns.
PlanPtr empty_like(const PlanNode& plan) {
  auto values = std::make_unique<PlanNode>(PlanNode::Kind::kValues);
  values->columns = plan.columns;
  return values;
}

/// Takes a filter above a scan apart. What the scan does exactly goes.
void push_filter(PlanPtr& plan, const EvalContext& context) {
  PlanNode& scan = *plan->children[0];
  std::vector<ExprPtr> conjuncts, kept;
  if (plan->condition->kind == Expr::Kind::kAnd) {
    conjuncts = std::move(plan->condition->children);
  } else {
    conjuncts.push_back(std::move(plan->condition));
  }
  for (ExprPtr& conjunct : conjuncts) {
    std::optional<ScanCondition> condition = scan_condition_of(*conjunct, scan, context);
    PredicateSupport support = PredicateSupport::kNone;
    if (condition.has_value()) support = scan.relation->support(condition->predicate);
    const bool exact = support == PredicateSupport::kExact && condition->complete;
    if (support != PredicateSupport::kNone) {
      scan.scan_predicates.push_back(std::move(condition->predicate));
    }
    if (!exact) kept.push_back(std::move(conjunct));
  }
  if (kept.empty()) {
    plan = std::move(plan->children[0]);
  } else if (kept.size() == 1) {
    plan->condition = std::move(kept[0]);
  } else {
    plan->condition = std::make_unique<Expr>();
    plan->condition->kind = Expr::Kind::kAnd;
    plan->condition->type = {oid::kBool, -1};
    plan->condition->children = std::move(kept);
  }
}

}  // namespace

Status push_into_scans(PlanPtr& plan, const EvalContext& context) {
  RETURN_IF_ERROR(check_stack_depth());
  for (PlanPtr& child : plan->children) RETURN_IF_ERROR(push_into_scans(child, context));
  if (plan->kind != PlanNode::Kind::kFilter) return {};
  if (plan->condition->kind == Expr::Kind::kConstant) {
    const Datum& value = plan->condition->constant;
    const bool all = !value.is_null() && value.as<bool>();
    plan = all ? std::move(plan->children[0]) : empty_like(*plan);
    return {};
  }
  if (plan->children[0]->kind == PlanNode::Kind::kScan) push_filter(plan, context);
  return {};
}

}  // namespace eventd::engine
