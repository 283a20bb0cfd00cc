// Operators for ORDER BY.
#include <algorithm>

#include "engine/exec/gather_operators.h"
#include "engine/exec/physical_costs.h"
#include "engine/exec/physical_plan.h"
#include "engine/exec/sort_operator.h"

namespace eventd::engine {

namespace {

/// Whether the rows below already come in the only order `sort` asks for.
bool is_presorted(const PlanNode& sort, const PlanNode& child) {
  if (sort.sort_keys.size() != 1) return false;
  const Expr* key = sort.sort_keys[0].expression.get();
  const PlanNode* node = &child;
  while (node->kind == PlanNode::Kind::kProject || node->kind == PlanNode::Kind::kFilter) {
    if (key->kind != Expr::Kind::kColumn) return false;
    if (node->kind == PlanNode::Kind::kProject) {
      key = node->expressions[static_cast<size_t>(key->index)].get();
    }
    node = node->children[0].get();
  }
  if (key->kind != Expr::Kind::kColumn || node->kind != PlanNode::Kind::kScan) return false;
  if (!node->scan_order || node->scan_order->descending != sort.sort_keys[0].descending) return false;
  const ScanColumn& column = node->scan_columns[static_cast<size_t>(key->index)];
  return column.extract == ScanColumn::Extract::kNone && column.column == node->scan_order->column;
}

}  // namespace

Result<BatchSourcePtr> PhysicalPlanner::build_sort(const PlanNode& plan, const PlanNode& input,
                                                   PhysicalNode& node, Bound bound) {
  node.name = "Sort";
  node.children.push_back(std::make_unique<PhysicalNode>());
  PhysicalNode& child_node = *node.children.back();
  const bool presorted = is_presorted(plan, input);
  std::unique_ptr<Fragment> fragment;
  if (!presorted && !has_volatile(plan)) {
    ASSIGN_OR_RETURN(fragment, parallel_fragment(input, child_node));
  }
  BatchSourcePtr child;
  if (fragment == nullptr) {
    ASSIGN_OR_RETURN(child, build(input, child_node, presorted ? bound : std::nullopt));
  }
  node.rows = child_node.rows;
  node.time_us = child_node.time_us;
  if (presorted) {
    // The merge below is the sort.
    node.name = "Presorted";
    return child;
  }
  if (bound && *bound <= kTopKMax) node.keep = bound;
  node.time_us += child_node.rows * (node.keep ? kGroupUs : kSortUs);
  if (node.keep) node.rows = std::min(node.rows, static_cast<double>(*node.keep));
  ASSIGN_OR_RETURN(auto order, SortOrder::compile(plan.sort_keys, *context_.eval));
  if (fragment != nullptr) {
    node.helpers = helpers_for(node.time_us);
    return BatchSourcePtr(std::make_unique<GatherSortOperator>(
        context_, stats_of(node), std::move(*fragment), std::move(order), node.keep,
        GatherOptions{execution_.pool, node.helpers}));
  }
  return BatchSourcePtr(std::make_unique<SortOperator>(context_, stats_of(node), std::move(child),
                                                       std::move(order), node.keep));
}

}  // namespace eventd::engine
