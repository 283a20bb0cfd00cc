// Operators for GROUP BY and DISTINCT.
#include <algorithm>

#include "engine/exec/aggregation.h"
#include "engine/exec/gather_operators.h"
#include "engine/exec/physical_costs.h"
#include "engine/exec/physical_plan.h"

namespace eventd::engine {

Result<BatchSourcePtr> PhysicalPlanner::build_aggregate(const PlanNode& plan, PhysicalNode& node) {
  ASSIGN_OR_RETURN(auto aggregation, AggregationPlan::compile(plan, *context_.eval));
  node.name = plan.group_by.empty() ? "Aggregate" : "HashAggregate";
  node.children.push_back(std::make_unique<PhysicalNode>());
  PhysicalNode& child_node = *node.children.back();
  std::unique_ptr<Fragment> fragment;
  if (aggregation->can_split() && !has_volatile(plan)) {
    ASSIGN_OR_RETURN(fragment, parallel_fragment(*plan.children[0], child_node));
  }
  BatchSourcePtr child;
  if (fragment == nullptr) {
    ASSIGN_OR_RETURN(child, build(*plan.children[0], child_node, std::nullopt));
  }
  node.rows = plan.group_by.empty() ? 1 : std::min(child_node.rows, kGroupsExpected);
  node.time_us = child_node.time_us + child_node.rows * kGroupUs;
  if (fragment != nullptr) {
    node.helpers = helpers_for(node.time_us);
    return BatchSourcePtr(std::make_unique<GatherAggregateOperator>(
        context_, stats_of(node), std::move(*fragment), std::move(aggregation),
        GatherOptions{execution_.pool, node.helpers}));
  }
  return BatchSourcePtr(std::make_unique<AggregateOperator>(context_, stats_of(node), std::move(child),
                                                            std::move(aggregation)));
}

Result<BatchSourcePtr> PhysicalPlanner::build_distinct(const PlanNode& plan, PhysicalNode& node) {
  node.name = "HashAggregate";
  node.children.push_back(std::make_unique<PhysicalNode>());
  PhysicalNode& child_node = *node.children.back();
  ASSIGN_OR_RETURN(std::unique_ptr<Fragment> fragment, parallel_fragment(*plan.children[0], child_node));
  if (fragment != nullptr) {
    ASSIGN_OR_RETURN(auto groups, AggregationPlan::distinct(plan.columns, *context_.eval));
    node.rows = std::min(child_node.rows, kGroupsExpected);
    node.time_us = child_node.time_us + child_node.rows * kGroupUs;
    node.helpers = helpers_for(node.time_us);
    return BatchSourcePtr(std::make_unique<GatherAggregateOperator>(
        context_, stats_of(node), std::move(*fragment), std::move(groups),
        GatherOptions{execution_.pool, node.helpers}));
  }
  ASSIGN_OR_RETURN(BatchSourcePtr child, build(*plan.children[0], child_node, std::nullopt));
  std::vector<Oid> types;
  for (const OutputColumn& column : plan.columns) types.push_back(column.type.id);
  node.rows = std::min(child_node.rows, kGroupsExpected);
  node.time_us = child_node.time_us + child_node.rows * kGroupUs;
  return BatchSourcePtr(std::make_unique<DistinctOperator>(context_, stats_of(node), std::move(child),
                                                           std::move(types)));
}

}  // namespace eventd::engine
