// What the physical planner expects of a row, and small questions it asks of plan nodes.
#pragma once

#include "engine/plan/logical_plan.h"
#include "engine/plan/rules.h"

namespace eventd::engine {

// Rough costs of a row, for is_short() and EXPLAIN; µs.
inline constexpr double kEvaluateUs = 0.01, kGroupUs = 0.02, kSortUs = 0.2;
inline constexpr double kFilterShare = 1.0 / 3;  // PostgreSQL's default for an unknown inequality
inline constexpr double kGroupsExpected = 200;
// A row of either side of a hash join, a pair of a nested loop, a run of a correlated subquery, a
// call of a set-returning function for one row; µs.
inline constexpr double kJoinUs = 0.05, kPairUs = 0.005, kRunUs = 30, kSetCallUs = 1;
inline constexpr double kSetRowsExpected = 10;

/// What may go on for ever however little goes in, as recursion. Not short: an I/O thread serves
/// others, and hears of cancel requests.
inline constexpr double kUnknownTimeUs = 10'000;

/// generate_series over integers tells how many rows it makes; others are taken to be many.
double table_function_rows(const std::vector<ExprPtr>& arguments);
/// Time the set-returning calls of a kProjectSet take for `rows` rows.
double set_calls_time_us(const PlanNode& plan, double rows);

struct JoinCondition;
/// Rows a join of so many rows gives, and the time it takes by itself.
double join_rows(JoinType type, const JoinCondition& condition, double left, double right);
double join_time_us(const JoinCondition& condition, double left, double right, double rows);

/// Every expression of a node itself (as for_each_expression() of the rules).
template <class F>
void for_each_const_expression(const PlanNode& plan, const F& f) {
  for_each_expression(const_cast<PlanNode&>(plan), [&](const ExprPtr& expr) { f(*expr); });
}

inline std::vector<Oid> types_of_columns(const PlanNode& plan) {
  std::vector<Oid> types;
  for (const OutputColumn& column : plan.columns) types.push_back(column.type.id);
  return types;
}

inline bool has_volatile(const PlanNode& plan) {
  bool found = false;
  for_each_const_expression(plan, [&](const Expr& expr) {
    found = found || expr.volatility() == Volatility::kVolatile;
  });
  return found;
}

}  // namespace eventd::engine
