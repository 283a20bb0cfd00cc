// SELECT set_config(name, value, is_local).
#pragma once

#include "engine/plan/logical_plan.h"
#include "engine/session/portals.h"

namespace eventd::engine {

/// Runs the calls of set_config() in the select list of a query without FROM, from left to right,
/// and puts what they return in their place. Other plans are left alone (there the function itself
/// says that it is not supported). Errors: those of SET; 22004 without a name.
Status run_set_config(SessionImpl& session, PlanNode& plan, const Parameters& parameters);

}  // namespace eventd::engine
