// Plans of subqueries without references to what is around them. Private to the rules.
#pragma once

#include "engine/plan/plan_rewrite.h"

namespace eventd::engine {

/// A plan whose correlated conditions were taken out of it.
struct Decorrelated {
  PlanPtr plan;  ///< reads nothing outside; the columns it had, and more after them
  /// Over the plan's columns and kOuter: which of its rows belong to an outer row.
  Conjuncts conditions;
};

/// Takes conditions with kOuter out of `plan` and lets it deliver the columns they read. Null plan:
/// kOuter is used in another way. `plan` is consumed. 54001.
Result<Decorrelated> take_correlation(PlanPtr plan);

/// A plan of one row, an aggregate of rows correlated by equality, made a grouped one.
struct DecorrelatedAggregate {
  PlanPtr plan;          ///< one row for each value of the keys; null = it is of another form
  Conjuncts conditions;  ///< as above
  /// The original columns over those of `plan`; where there is no row all of these are NULL.
  std::vector<ExprPtr> values;
};
Result<DecorrelatedAggregate> take_aggregate_correlation(const PlanNode& plan);

/// (… WHERE key = outer ORDER BY … LIMIT 1) made the first row for each key: one row at most for an
/// outer row. Null plan: it is of another form.
Result<Decorrelated> take_first_correlation(const PlanNode& plan);
/// Whether the first rows of all keys cost less than a run for each row of `outer`.
bool first_rows_pay(const PlanNode& outer);

/// left join_type right, under conditions over left ++ right.
PlanPtr make_join(JoinType type, PlanPtr left, PlanPtr right, Conjuncts conditions);
/// The conditions of a subquery beside its outer plan of `left_columns` columns: kOuter i becomes
/// arguments[i], columns those of the join's right side.
void join_onto(Conjuncts& conditions, int left_columns, const std::vector<ExprPtr>& arguments);

}  // namespace eventd::engine
