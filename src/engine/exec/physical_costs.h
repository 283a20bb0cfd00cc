// What the physical planner expects of a row, and small questions it asks of plan nodes.
#pragma once

#include "engine/plan/logical_plan.h"
#include "engine/plan/rules.h"

namespace eventd::engine {

// Rough costs of a row, for is_short() and EXPLAIN; µs.
inline constexpr double kEvaluateUs = 0.01, kGroupUs = 0.02, kSortUs = 0.2;
inline constexpr double kFilterShare = 1.0 / 3;  // PostgreSQL's default for an unknown inequality
inline constexpr double kGroupsExpected = 200;

/// Every expression of a node itself (as for_each_expression() of the rules).
template <class F>
void for_each_const_expression(const PlanNode& plan, const F& f) {
  for_each_expression(const_cast<PlanNode&>(plan), [&](const ExprPtr& expr) { f(*expr); });
}

inline bool has_volatile(const PlanNode& plan) {
  bool found = false;
  for_each_const_expression(plan, [&](const Expr& expr) {
    found = found || expr.volatility() == Volatility::kVolatile;
  });
  return found;
}

}  // namespace eventd::engine
