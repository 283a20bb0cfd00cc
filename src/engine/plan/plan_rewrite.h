// What rules do to plans and conditions.
//
// A frame is the unit that kOuter refers through: the statement, the plan of one subquery, the right
// side of one Apply. Functions that speak of a plan's kOuter mean those of its own frame.
#pragma once

#include <functional>
#include <vector>

#include "engine/plan/logical_plan.h"
#include "engine/plan/rules.h"
#include "result.h"

namespace eventd::engine {

/// Conditions that all must hold.
using Conjuncts = std::vector<ExprPtr>;

/// ANDs within ANDs too; their depth is bounded by the binders. A null condition has no conjuncts.
void split_conjuncts(ExprPtr condition, Conjuncts& out);
/// Null for none. Those with queries come last, so that these run for fewer rows.
ExprPtr join_conjuncts(Conjuncts conjuncts);
/// A Filter above `plan`; `plan` itself for none.
PlanPtr filtered(PlanPtr plan, Conjuncts conjuncts);
/// Same columns, no rows.
PlanPtr empty_like(const PlanNode& plan);
bool is_empty(const PlanNode& plan);
/// A Project of columns `indexes` of `plan`.
PlanPtr project_columns(PlanPtr plan, const std::vector<int>& indexes);
ExprPtr column_of(const PlanNode& plan, int index);

/// Column i becomes a copy of expressions[i].
void substitute_columns(ExprPtr& expression, const std::vector<ExprPtr>& expressions);
/// kOuter i becomes a copy of arguments[i].
void substitute_outer(ExprPtr& expression, const std::vector<ExprPtr>& arguments);
void shift_columns(Expr& expression, int by);
/// Column i becomes column mapping[i].
void remap_columns(Expr& expression, const std::vector<int>& mapping);

bool has_subquery(const Expr& expression);
bool has_outer(const Expr& expression);
bool is_volatile(const Expr& expression);
/// Whether any column is in [first, end).
bool reads_columns(const Expr& expression, int first, int end);
/// Whether all columns are in [first, end).
bool reads_only_columns(const Expr& expression, int first, int end);
bool is_true(const Expr& expression);
bool is_false_or_null(const Expr& expression);

/// Calls `visit(ExprPtr&)` for the expressions of all nodes of the plan's frame, and those of
/// Apply's arguments; not for what is inside other frames.
template <class Visit>
void for_each_frame_expression(PlanNode& plan, const Visit& visit) {
  for_each_expression(plan, visit);
  const size_t own = plan.kind == PlanNode::Kind::kApply ? 1 : plan.children.size();
  for (size_t i = 0; i < own; ++i) for_each_frame_expression(*plan.children[i], visit);
}
/// Whether the plan reads what is outside its frame.
bool uses_outer(const PlanNode& plan);
/// Whether a node of `kind` is in the plan or in the queries of its expressions.
bool contains_node(const PlanNode& plan, PlanNode::Kind kind);

/// left = right in the sense of the `=` operator of the operands' types.
bool is_equality(const Expr& expression);

/// True if the condition cannot be true when all columns in [first, end) are NULL.
bool rejects_nulls(const Expr& condition, int first, int end);

}  // namespace eventd::engine
