// Operators for window functions, DISTINCT ON and grouping sets.
#include <algorithm>

#include "engine/exec/distinct_on.h"
#include "engine/exec/grouping_sets.h"
#include "engine/exec/physical_costs.h"
#include "engine/exec/physical_plan.h"
#include "engine/exec/row_order.h"
#include "engine/exec/window_operator.h"

namespace eventd::engine {

Result<BatchSourcePtr> PhysicalPlanner::build_window(const PlanNode& plan, PhysicalNode& node) {
  node.name = "WindowAgg";
  ASSIGN_OR_RETURN(auto window, WindowPlan::compile(plan, *context_.eval));
  node.children.push_back(std::make_unique<PhysicalNode>());
  PhysicalNode& child_node = *node.children.back();
  BatchSourcePtr child;
  std::vector<SortKey> order = order_for_window(plan);
  if (order.empty() || comes_in_window_order(plan)) {
    ASSIGN_OR_RETURN(child, build(*plan.children[0], child_node, std::nullopt));
  } else {
    // The plan has no node for this sort; EXPLAIN shows it with the names of the window's input.
    child_node.own_plan = std::make_unique<PlanNode>(PlanNode::Kind::kSort);
    child_node.own_plan->columns = plan.children[0]->columns;
    child_node.own_plan->sort_keys = std::move(order);
    child_node.own_plan->children.push_back(std::make_unique<PlanNode>(PlanNode::Kind::kValues));
    child_node.own_plan->children[0]->columns = plan.children[0]->columns;
    child_node.plan = child_node.own_plan.get();
    ASSIGN_OR_RETURN(child, build_sort(*child_node.own_plan, *plan.children[0], child_node, std::nullopt));
  }
  node.rows = child_node.rows;
  node.time_us = child_node.time_us +
                 child_node.rows * kGroupUs * static_cast<double>(1 + plan.window_calls.size());
  return BatchSourcePtr(std::make_unique<WindowOperator>(context_, stats_of(node), std::move(child),
                                                         std::move(window)));
}

Result<BatchSourcePtr> PhysicalPlanner::build_distinct_on(const PlanNode& plan, PhysicalNode& node) {
  node.name = "HashAggregate";
  ASSIGN_OR_RETURN(auto distinct, DistinctOnPlan::compile(plan, *context_.eval));
  node.children.push_back(std::make_unique<PhysicalNode>());
  PhysicalNode& child_node = *node.children.back();
  std::unique_ptr<Fragment> fragment;
  if (!has_volatile(plan)) {
    ASSIGN_OR_RETURN(fragment, parallel_fragment(*plan.children[0], child_node));
  }
  BatchSourcePtr child;
  if (fragment == nullptr) {
    ASSIGN_OR_RETURN(child, build(*plan.children[0], child_node, std::nullopt));
  }
  node.rows = std::min(child_node.rows, kGroupsExpected);
  node.time_us = child_node.time_us + child_node.rows * kGroupUs;
  if (fragment == nullptr) {
    return BatchSourcePtr(std::make_unique<DistinctOnOperator>(context_, stats_of(node), std::move(child),
                                                               std::move(distinct)));
  }
  node.helpers = helpers_for(node.time_us);
  return BatchSourcePtr(std::make_unique<GatherDistinctOnOperator>(
      context_, stats_of(node), std::move(*fragment), std::move(distinct),
      GatherOptions{execution_.pool, node.helpers}));
}

Result<BatchSourcePtr> PhysicalPlanner::build_grouping_sets(const PlanNode& plan, PhysicalNode& node) {
  node.name = "MixedAggregate";
  ASSIGN_OR_RETURN(auto sets, GroupingSetsPlan::compile(plan, *context_.eval));
  node.children.push_back(std::make_unique<PhysicalNode>());
  PhysicalNode& child_node = *node.children.back();
  std::unique_ptr<Fragment> fragment;
  if (sets->can_split() && !has_volatile(plan)) {
    ASSIGN_OR_RETURN(fragment, parallel_fragment(*plan.children[0], child_node));
  }
  BatchSourcePtr child;
  if (fragment == nullptr) {
    ASSIGN_OR_RETURN(child, build(*plan.children[0], child_node, std::nullopt));
  }
  const double count = static_cast<double>(plan.grouping_sets.size());
  node.rows = std::min(child_node.rows, kGroupsExpected) * count;
  node.time_us = child_node.time_us + child_node.rows * kGroupUs * count;
  if (fragment == nullptr) {
    return BatchSourcePtr(std::make_unique<GroupingSetsOperator>(context_, stats_of(node), std::move(child),
                                                                 std::move(sets)));
  }
  node.helpers = helpers_for(node.time_us);
  return BatchSourcePtr(std::make_unique<GroupingSetsOperator>(
      context_, stats_of(node), std::move(fragment), std::move(sets),
      GatherOptions{execution_.pool, node.helpers}));
}

}  // namespace eventd::engine
