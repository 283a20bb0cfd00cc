#include "engine/plan/implied_predicates.h"
#include "engine/plan/plan_rewrite.h"
#include "engine/plan/scan_predicate.h"
#include "engine/plan/stack_guard.h"

namespace eventd::engine {
namespace {

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
    if (exact) continue;
    if (!condition.has_value()) {
      for (ScanPredicate& predicate : implied_predicates(*conjunct, scan, context)) {
        if (scan.relation->support(predicate) == PredicateSupport::kNone) continue;
        scan.scan_predicates.push_back(std::move(predicate));
      }
    }
    kept.push_back(std::move(conjunct));
  }
  PlanPtr input = std::move(plan->children[0]);
  plan = filtered(std::move(input), std::move(kept));
}

}  // namespace

Status push_into_scans(PlanPtr& plan, const EvalContext& context) {
  RETURN_IF_ERROR(check_stack_depth());
  for (PlanPtr& child : plan->children) RETURN_IF_ERROR(push_into_scans(child, context));
  if (plan->kind != PlanNode::Kind::kFilter) return {};
  if (plan->condition->kind == Expr::Kind::kConstant) {
    PlanPtr input = std::move(plan->children[0]);
    plan = is_true(*plan->condition) ? std::move(input) : empty_like(*plan);
    return {};
  }
  if (plan->children[0]->kind == PlanNode::Kind::kScan) push_filter(plan, context);
  return {};
}

}  // namespace eventd::engine
