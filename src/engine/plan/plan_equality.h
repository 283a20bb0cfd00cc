// Whether two plans compute the same: for expressions with equal subqueries.
#pragma once

#include "engine/plan/logical_plan.h"

namespace eventd::engine {

/// Same nodes over the same relations with equal expressions, names included; common table
/// expressions by what they are, not by their numbers. Plans that rules have pushed predicates into
/// are never equal.
bool plans_equal(const PlanNode& a, const PlanNode& b);

/// Same kind, plan and comparison; the arguments belong to the expression.
bool subqueries_equal(const Subquery& a, const Subquery& b);

}  // namespace eventd::engine
