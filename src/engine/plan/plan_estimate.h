// How many rows a plan is expected to give.
#pragma once

#include "engine/plan/logical_plan.h"

namespace eventd::engine {

/// The share of rows that a condition is expected to leave when nothing is known of it.
inline constexpr double kConditionShare = 0.33;

/// Relations tell of their scans; the rest is PostgreSQL's kind of guess. At least 1, except for
/// plans known to be empty.
double estimate_rows(const PlanNode& plan);
/// Rows of an inner join of inputs of `left` and `right` rows under so many conditions. Columns
/// that must be equal are taken for a key of the smaller input.
double estimate_join(double left, double right, size_t equalities, size_t others);

}  // namespace eventd::engine
