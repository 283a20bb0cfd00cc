// Conditions on their way down. Private to the rules.
#pragma once

#include "engine/plan/plan_rewrite.h"

namespace eventd::engine {

/// Puts conditions over the plan's output as far down as they may go.
Status push_conjuncts(PlanPtr& plan, Conjuncts conjuncts);
/// The same for a kJoin or kApply (rule_push_into_joins.cpp).
Status push_into_join(PlanPtr& plan, Conjuncts conjuncts);

}  // namespace eventd::engine
