// kOuter: what a plan takes from the row around it.
#pragma once

#include <span>
#include <vector>

#include "engine/functions/eval_context.h"
#include "engine/plan/logical_plan.h"
#include "result.h"

namespace eventd::engine {

/// Sets used[i] for each kOuter `i` of `plan` itself: not those of subqueries and Applies inside,
/// which are about their own arguments.
void find_outer(const PlanNode& plan, std::vector<bool>& used);
/// Replaces kOuter `i` by values[i], and folds and pushes down what has become constant. The plan's
/// columns stay.
Status bind_outer(PlanPtr& plan, std::span<const Datum> values, const EvalContext& context);
/// A copy in which kOuter `i` is column `first + i`.
ExprPtr outer_as_columns(const Expr& expression, int first);

}  // namespace eventd::engine
