// What cannot fail for any row: it may be computed for more rows than were asked for.
#pragma once

#include "engine/plan/logical_plan.h"

namespace eventd::engine {

/// False unless it is known. Running out of memory or time does not count.
bool raises_nothing(const Expr& expression);
/// The same of a plan and the expressions in it.
bool raises_nothing(const PlanNode& plan);

}  // namespace eventd::engine
