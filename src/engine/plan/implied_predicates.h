// What a condition that no predicate can say still says of single columns.
#pragma once

#include <vector>

#include "engine/functions/eval_context.h"
#include "engine/plan/logical_plan.h"
#include "engine/scan/relation.h"

namespace eventd::engine {

/// Predicates that all rows passing `condition` (over the scan's output) pass too: bounds common to
/// the branches of an OR (as row comparisons are), and those of a time inside date_trunc(),
/// time_bucket(), date_bin() or a cast to date.
std::vector<ScanPredicate> implied_predicates(const Expr& condition, const PlanNode& scan,
                                              const EvalContext& context);

}  // namespace eventd::engine
