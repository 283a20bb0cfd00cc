// `(payload->>'pid')::int = 4`: what it says to a scan.
#pragma once

#include <optional>

#include "engine/functions/eval_context.h"
#include "engine/plan/logical_plan.h"
#include "engine/scan/relation.h"

namespace eventd::engine {

/// A comparison or IN of a payload text of `scan` cast to a number with constants, as a predicate of
/// Extract::kNumber; nullopt when the condition is not of such a form. The condition stays: only it
/// raises the cast's errors.
std::optional<ScanPredicate> cast_predicate_of(const Expr& condition, const PlanNode& scan,
                                               const EvalContext& context);

}  // namespace eventd::engine
