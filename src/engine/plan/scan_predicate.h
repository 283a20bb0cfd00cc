// A condition → what a relation understands of it.
#pragma once

#include <optional>

#include "engine/functions/eval_context.h"
#include "engine/plan/logical_plan.h"
#include "engine/scan/relation.h"

namespace eventd::engine {

/// A predicate and whether it says all of the condition.
struct ScanCondition {
  ScanPredicate predicate;
  bool complete = true;
};

/// `condition` (over the scan's output columns, constants folded) as a predicate on one column;
/// nullopt when it is not of such a form.
std::optional<ScanCondition> scan_condition_of(const Expr& condition, const PlanNode& scan,
                                               const EvalContext& context);

}  // namespace eventd::engine
