// The rewriting rules of optimize(), in the order they run. Each keeps the result of the plan.
// Constants are folded and parameters replaced before the first one.
#pragma once

#include "engine/functions/eval_context.h"
#include "engine/plan/logical_plan.h"
#include "result.h"

namespace eventd::engine {

/// EXISTS, IN and scalar aggregates that read columns around them become joins; Applies become
/// joins, projections and set-returning calls. What cannot stays as it is. Bottom up.
Status decorrelate(PlanPtr& plan);
/// The part of it for one kApply.
Status simplify_apply(PlanPtr& plan);
/// A common table expression that is read once, where it would run once, takes the place of its
/// scan; one that is never read goes.
void inline_ctes(PlanPtr& plan);
/// Inputs known to have no rows, sorts nobody sees, projections over projections.
Status simplify(PlanPtr& plan);
/// Moves conditions down as far as they may go: through joins too, which become stricter ones where
/// the conditions above allow it.
Status push_filters(PlanPtr& plan);
/// Constant paths into a scan's jsonb column (payload->>'x') become columns of the scan.
void extract_payload_paths(PlanPtr& plan);
/// Hands conditions above a scan to its relation, as far as that takes them.
Status push_into_scans(PlanPtr& plan, const EvalContext& context);
/// Inner joins in the order that is expected to make the fewest rows. The right child of a kJoin is
/// the one a hash join keeps in memory.
Status order_joins(PlanPtr& plan);
/// Leaves out columns nobody reads, in the queries of expressions too. The plan's own output stays.
void prune_columns(PlanPtr& plan);
/// LIMIT goes below what gives a row for each row; min and max of an order column need one row.
void push_limits(PlanPtr& plan);
/// ORDER BY a relation's order column with LIMIT: the scan delivers that order, and not more rows.
void order_scans(PlanNode& plan);

/// Calls `visit(ExprPtr&)` for every expression of the node itself: those over its input. (Not
/// what is inside subqueries.)
template <class Visit>
void for_each_expression(PlanNode& node, Visit visit) {
  const auto maybe = [&](ExprPtr& expression) {
    if (expression != nullptr) visit(expression);
  };
  for (auto& row : node.rows) {
    for (ExprPtr& cell : row) maybe(cell);
  }
  maybe(node.condition);
  for (ExprPtr& expression : node.expressions) maybe(expression);
  for (ExprPtr& expression : node.group_by) maybe(expression);
  for (AggregateCall& call : node.aggregates) {
    for (ExprPtr& argument : call.arguments) maybe(argument);
    maybe(call.filter);
    for (SortKey& key : call.order) maybe(key.expression);
  }
  for (SortKey& key : node.sort_keys) maybe(key.expression);
  for (SetCall& call : node.set_calls) {
    for (ExprPtr& argument : call.arguments) maybe(argument);
  }
  for (WindowCall& call : node.window_calls) {
    for (ExprPtr& argument : call.arguments) maybe(argument);
    maybe(call.filter);
    maybe(call.frame.start_offset);
    maybe(call.frame.end_offset);
  }
  GapFill& fill = node.gap_fill;
  for (ExprPtr* part : {&fill.bucket, &fill.width, &fill.start, &fill.finish, &fill.zone}) {
    maybe(*part);
  }
  for (GapCall& call : fill.calls) {
    maybe(call.value);
    maybe(call.before);
    maybe(call.after);
  }
  maybe(node.limit);
  maybe(node.offset);
}

/// Calls `visit(Expr&)` for every column reference of an expression.
template <class Visit>
void for_each_column(Expr& expression, const Visit& visit) {
  if (expression.kind == Expr::Kind::kColumn) visit(expression);
  for (ExprPtr& child : expression.children) for_each_column(*child, visit);
}

}  // namespace eventd::engine
