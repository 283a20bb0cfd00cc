// Operators for joins.
#include <algorithm>

#include "engine/exec/join_build.h"
#include "engine/exec/join_operator.h"
#include "engine/exec/physical_costs.h"
#include "engine/exec/physical_plan.h"

namespace eventd::engine {

namespace {

/// How many times larger a side must be, to be read row by row although that keeps a join off the
/// workers.
constexpr double kMuchLarger = 8;

bool has_right_side(JoinType type) { return type != JoinType::kSemi && type != JoinType::kAnti; }

}  // namespace

PhysicalPlanner::JoinSides PhysicalPlanner::join_sides(const PlanNode& plan) {
  const JoinType type = plan.join_type;
  JoinSides sides;
  if (has_right_side(type)) {
    const double left = expected(*plan.children[0]).rows, right = expected(*plan.children[1]).rows;
    switch (type) {
      case JoinType::kInner: sides.build_left = right > left * 1.2; break;
      case JoinType::kLeft: sides.build_left = right > left * kMuchLarger; break;
      case JoinType::kRight: sides.build_left = left <= right * kMuchLarger; break;
      default: sides.build_left = right > left; break;
    }
  }
  const bool left_outer = type == JoinType::kLeft || type == JoinType::kFull;
  const bool right_outer = type == JoinType::kRight || type == JoinType::kFull;
  sides.build_outer = sides.build_left ? left_outer : right_outer;
  return sides;
}

Result<std::shared_ptr<JoinBuild>> PhysicalPlanner::join_build(const PlanNode& plan, JoinSides sides,
                                                               PhysicalNode& node) {
  ASSIGN_OR_RETURN(auto join, JoinPlan::compile(plan, sides.build_left, *context_.eval));
  const PlanNode& child = *plan.children[sides.build_left ? 0 : 1];
  std::unique_ptr<Fragment> fragment;
  ASSIGN_OR_RETURN(fragment, parallel_fragment(child, node));
  if (fragment != nullptr) {
    node.helpers = helpers_for(node.time_us);
    return std::make_shared<JoinBuild>(context_, std::move(join), std::move(fragment),
                                       GatherOptions{execution_.pool, node.helpers});
  }
  ASSIGN_OR_RETURN(BatchSourcePtr source, build(child, node, std::nullopt));
  return std::make_shared<JoinBuild>(context_, std::move(join), std::move(source));
}

void PhysicalPlanner::describe_join(const PlanNode& plan, const JoinBuild& build, PhysicalNode& node) {
  const JoinCondition& condition = build.plan().condition;
  const PhysicalNode& left = *node.children[0];
  const PhysicalNode& right = *node.children[1];
  node.name = condition.keys.empty() ? "Nested Loop" : "Hash Join";
  node.build_left = build.plan().build_left;
  node.rows = join_rows(plan.join_type, condition, left.rows, right.rows);
  node.time_us = left.time_us + right.time_us + join_time_us(condition, left.rows, right.rows, node.rows);
}

Result<BatchSourcePtr> PhysicalPlanner::build_join(const PlanNode& plan, PhysicalNode& node) {
  const JoinSides sides = join_sides(plan);
  node.children.push_back(std::make_unique<PhysicalNode>());
  node.children.push_back(std::make_unique<PhysicalNode>());
  PhysicalNode& build_node = *node.children[sides.build_left ? 0 : 1];
  PhysicalNode& probe_node = *node.children[sides.build_left ? 1 : 0];
  ASSIGN_OR_RETURN(std::shared_ptr<JoinBuild> shared, join_build(plan, sides, build_node));
  ASSIGN_OR_RETURN(BatchSourcePtr probe,
                   build(*plan.children[sides.build_left ? 1 : 0], probe_node, std::nullopt));
  describe_join(plan, *shared, node);
  return BatchSourcePtr(std::make_unique<JoinOperator>(context_, stats_of(node), std::move(probe), std::move(shared)));
}

Status PhysicalPlanner::add_join_step(const PlanNode& plan, PhysicalNode& node, Fragment& fragment) {
  const JoinSides sides = join_sides(plan);
  node.children.push_back(std::make_unique<PhysicalNode>());
  node.children.push_back(std::make_unique<PhysicalNode>());
  PhysicalNode& build_node = *node.children[sides.build_left ? 0 : 1];
  PhysicalNode& probe_node = *node.children[sides.build_left ? 1 : 0];
  Fragment::Step step;
  step.stats = stats_of(node);
  ASSIGN_OR_RETURN(step.join, join_build(plan, sides, build_node));
  RETURN_IF_ERROR(add_steps(*plan.children[sides.build_left ? 1 : 0], probe_node, fragment));
  fragment.steps.push_back(std::move(step));
  describe_join(plan, *fragment.steps.back().join, node);
  return {};
}

}  // namespace eventd::engine
