// The operator for gaps in time series.
#include "engine/exec/gap_fill_operator.h"
#include "engine/exec/physical_costs.h"
#include "engine/exec/physical_plan.h"

namespace eventd::engine {

Result<BatchSourcePtr> PhysicalPlanner::build_gap_fill(const PlanNode& plan, PhysicalNode& node) {
  node.name = "Custom Scan (GapFill)";
  ASSIGN_OR_RETURN(auto compiled, GapFillPlan::compile(plan, *context_.eval));
  node.children.push_back(std::make_unique<PhysicalNode>());
  PhysicalNode& child_node = *node.children.back();
  // The plan has no node for this sort; EXPLAIN shows it with the names of the input.
  auto sort = std::make_unique<PlanNode>(PlanNode::Kind::kSort);
  sort->columns = plan.children[0]->columns;
  for (const ExprPtr& key : plan.group_by) {
    sort->sort_keys.push_back({key->clone(), false, false, false});
  }
  sort->sort_keys.push_back({plan.gap_fill.bucket->clone(), false, false, false});
  sort->children.push_back(std::make_unique<PlanNode>(PlanNode::Kind::kValues));
  sort->children[0]->columns = plan.children[0]->columns;
  child_node.own_plan = std::move(sort);
  child_node.plan = child_node.own_plan.get();
  ASSIGN_OR_RETURN(BatchSourcePtr child, build_sort(*child_node.own_plan, *plan.children[0],
                                                    child_node, std::nullopt));
  node.rows = child_node.rows * kSetRowsExpected;
  node.time_us = child_node.time_us + node.rows * kSetCallUs;
  return BatchSourcePtr(std::make_unique<GapFillOperator>(context_, stats_of(node),
                                                          std::move(child), std::move(compiled)));
}

}  // namespace eventd::engine
