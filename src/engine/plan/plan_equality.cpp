#include "engine/plan/plan_equality.h"

#include <algorithm>
#include <utility>

namespace eventd::engine {
namespace {

bool same_expr(const ExprPtr& a, const ExprPtr& b) {
  return a == nullptr || b == nullptr ? a == b : a->equals(*b);
}

bool same_exprs(const std::vector<ExprPtr>& a, const std::vector<ExprPtr>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same_expr);
}

template <class Item, class Same>
bool same_items(const std::vector<Item>& a, const std::vector<Item>& b, const Same& same) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same);
}

bool same_column(const OutputColumn& a, const OutputColumn& b) {
  return a.name == b.name && a.type == b.type;
}

bool equal_sort_keys(const SortKey& a, const SortKey& b) {
  return a.descending == b.descending && a.nulls_first == b.nulls_first &&
         a.eql_order == b.eql_order && same_expr(a.expression, b.expression);
}

bool same_aggregate(const AggregateCall& a, const AggregateCall& b) {
  return a.function == b.function && a.distinct == b.distinct && a.type == b.type &&
         same_exprs(a.arguments, b.arguments) && same_expr(a.filter, b.filter) &&
         same_items(a.order, b.order, equal_sort_keys);
}

bool same_window_frame(const WindowFrame& a, const WindowFrame& b) {
  return a.mode == b.mode && a.start == b.start && a.end == b.end && a.exclusion == b.exclusion &&
         same_expr(a.start_offset, b.start_offset) && same_expr(a.end_offset, b.end_offset);
}

bool same_window_call(const WindowCall& a, const WindowCall& b) {
  return a.function == b.function && a.aggregate == b.aggregate && a.type == b.type &&
         same_exprs(a.arguments, b.arguments) && same_expr(a.filter, b.filter) &&
         same_window_frame(a.frame, b.frame);
}

bool equal_set_calls(const SetCall& a, const SetCall& b) {
  return a.function == b.function && a.column_count == b.column_count &&
         same_exprs(a.arguments, b.arguments);
}

bool same_scan(const PlanNode& a, const PlanNode& b) {
  return a.relation == b.relation && a.scan_columns == b.scan_columns &&
         a.scan_predicates.empty() && b.scan_predicates.empty() && !a.scan_order && !b.scan_order &&
         !a.scan_partition_limit && !b.scan_partition_limit;
}

// Common table expressions that stand for each other in the two plans being compared. They are named by
// number, and expressions between two levels of plans know nothing of it: hence not an argument.
thread_local std::vector<std::pair<int, int>> paired_ctes;

/// While it lives, the expressions defined by two nodes stand for each other.
class CtePairing {
 public:
  CtePairing(const PlanNode& a, const PlanNode& b) : before_(paired_ctes.size()) {
    const size_t count = std::min(a.cte_ids.size(), b.cte_ids.size());
    for (size_t i = 0; i < count; ++i) paired_ctes.emplace_back(a.cte_ids[i], b.cte_ids[i]);
    if (a.kind == PlanNode::Kind::kRecursiveUnion) paired_ctes.emplace_back(a.cte_id, b.cte_id);
  }
  ~CtePairing() { paired_ctes.resize(before_); }
  CtePairing(const CtePairing&) = delete;
  CtePairing& operator=(const CtePairing&) = delete;

 private:
  const size_t before_;
};

/// Of two nodes of one kind.
bool same_cte(const PlanNode& plan_a, const PlanNode& plan_b) {
  using Kind = PlanNode::Kind;
  const bool reads_one = plan_a.kind == Kind::kCteScan || plan_a.kind == Kind::kWorkingTable;
  if (!reads_one) return true;
  const int a = plan_a.cte_id, b = plan_b.cte_id;
  for (auto pair = paired_ctes.rbegin(); pair != paired_ctes.rend(); ++pair) {
    if (pair->first == a || pair->second == b) return pair->first == a && pair->second == b;
  }
  return a == b;
}

/// Those of the same place in the list are fenced.
bool same_definitions(const PlanNode& a, const PlanNode& b) {
  if (a.cte_ids.size() != b.cte_ids.size()) return false;
  const auto fenced = [](const PlanNode& plan, size_t i) {
    return std::find(plan.fenced_cte_ids.begin(), plan.fenced_cte_ids.end(), plan.cte_ids[i]) !=
           plan.fenced_cte_ids.end();
  };
  for (size_t i = 0; i < a.cte_ids.size(); ++i) {
    if (fenced(a, i) != fenced(b, i)) return false;
  }
  return true;
}

bool same_settings(const PlanNode& a, const PlanNode& b) {
  return a.with_ties == b.with_ties && a.table_function == b.table_function &&
         a.ordinality == b.ordinality && a.join_type == b.join_type &&
         a.grouping_sets == b.grouping_sets && a.set_operation == b.set_operation &&
         a.set_all == b.set_all && same_cte(a, b);
}

}  // namespace

bool plans_equal(const PlanNode& a, const PlanNode& b) {
  if (a.kind != b.kind || !same_definitions(a, b)) return false;
  const CtePairing pairing(a, b);
  if (a.kind == PlanNode::Kind::kGapFill || !same_settings(a, b) || !same_scan(a, b)) return false;
  return same_items(a.columns, b.columns, same_column) && same_items(a.rows, b.rows, same_exprs) &&
         same_expr(a.condition, b.condition) && same_exprs(a.expressions, b.expressions) &&
         same_exprs(a.group_by, b.group_by) &&
         same_items(a.aggregates, b.aggregates, same_aggregate) &&
         same_items(a.sort_keys, b.sort_keys, equal_sort_keys) && same_expr(a.limit, b.limit) &&
         same_expr(a.offset, b.offset) && same_items(a.set_calls, b.set_calls, equal_set_calls) &&
         same_items(a.window_calls, b.window_calls, same_window_call) &&
         same_items(a.children, b.children,
                    [](const PlanPtr& x, const PlanPtr& y) { return plans_equal(*x, *y); });
}

bool subqueries_equal(const Subquery& a, const Subquery& b) {
  return a.kind == b.kind && same_expr(a.comparison, b.comparison) && plans_equal(*a.plan, *b.plan);
}

}  // namespace eventd::engine
