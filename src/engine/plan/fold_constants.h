// Evaluates the constant parts of expressions once, before execution.
#pragma once

#include <span>

#include "engine/functions/eval_context.h"
#include "engine/plan/expr.h"
#include "engine/plan/logical_plan.h"
#include "result.h"

namespace eventd::engine {

/// Replaces parameters by `parameters` and every subexpression of constants (stable functions too:
/// `context` is one execution's) by its value. AND, OR, CASE and COALESCE with constant parts are
/// shortened, as PostgreSQL does; an error inside a branch that may not be reached stays unraised.
Result<ExprPtr> fold_constants(ExprPtr expression, std::span<const Datum> parameters,
                               const EvalContext& context);
/// All expressions of a plan.
Status fold_plan(PlanNode& plan, std::span<const Datum> parameters, const EvalContext& context);
/// The value of an expression without columns and parameters; volatile functions are called.
Result<Datum> evaluate_constant(ExprPtr expression, const EvalContext& context);

}  // namespace eventd::engine
