// Chains of a plan that several threads can run side by side.
#include <algorithm>

#include "engine/exec/gather_rows.h"
#include "engine/exec/physical_costs.h"
#include "engine/exec/physical_plan.h"
#include "engine/plan/stack_guard.h"

namespace eventd::engine {
namespace {

/// With a LIMIT below it, workers would mostly read what nobody wants.
constexpr uint64_t kGatheredRowsMin = 100'000;

}  // namespace

size_t PhysicalPlanner::helpers_for(double time_us) const {
  if (execution_.pool == nullptr || time_us < kParallelTimeUsMin) return 0;
  const size_t threads = execution_.pool->thread_count();
  const size_t others = execution_.pool->is_pool_thread() ? threads - 1 : threads;
  return std::min(others, static_cast<size_t>(std::min(time_us / kShortTimeUsMax, 1024.0)));
}

Result<std::unique_ptr<Fragment>> PhysicalPlanner::parallel_fragment(const PlanNode& plan,
                                                                     PhysicalNode& node) {
  if (execution_.pool == nullptr) return std::unique_ptr<Fragment>();
  const PlanNode* scan = &plan;
  for (;;) {
    size_t next = 0;
    if (scan->kind == PlanNode::Kind::kJoin) {
      // The build side is read by whoever needs it first; its rows without a match would have to
      // wait for all workers.
      const JoinSides sides = join_sides(*scan);
      if (sides.build_outer) return std::unique_ptr<Fragment>();
      next = sides.build_left ? 1 : 0;
    } else if (scan->kind != PlanNode::Kind::kFilter && scan->kind != PlanNode::Kind::kProject) {
      break;
    }
    if (has_volatile(*scan)) return std::unique_ptr<Fragment>();
    scan = scan->children[next].get();
  }
  if (scan->kind != PlanNode::Kind::kScan || scan->scan_order) return std::unique_ptr<Fragment>();
  if (helpers_for(estimate_of(*scan, scan_request(*scan)).time_us) == 0) {
    return std::unique_ptr<Fragment>();
  }
  auto fragment = std::make_unique<Fragment>();
  RETURN_IF_ERROR(add_steps(plan, node, *fragment));
  return fragment;
}

Result<BatchSourcePtr> PhysicalPlanner::build_gathered(const PlanNode& plan, PhysicalNode& node,
                                                       Bound bound) {
  using Kind = PlanNode::Kind;
  const bool is_chain = plan.kind == Kind::kFilter || plan.kind == Kind::kProject;
  if (!is_chain && plan.kind != Kind::kScan && plan.kind != Kind::kJoin) return BatchSourcePtr();
  if (&plan == not_gathered_ || (bound && *bound < kGatheredRowsMin)) return BatchSourcePtr();
  ASSIGN_OR_RETURN(std::unique_ptr<Fragment> fragment, parallel_fragment(plan, node));
  if (fragment == nullptr) {
    // Nor are the rest of the chain, for the same reason.
    const PlanNode* const child = is_chain ? plan.children[0].get() : nullptr;
    if (child != nullptr && child->kind != Kind::kJoin) not_gathered_ = child;
    return BatchSourcePtr();
  }
  node.helpers = helpers_for(node.time_us);
  return BatchSourcePtr(std::make_unique<GatherRowsOperator>(
      context_, nullptr, std::move(*fragment), GatherOptions{execution_.pool, node.helpers}));
}

Status PhysicalPlanner::add_steps(const PlanNode& plan, PhysicalNode& node, Fragment& fragment) {
  RETURN_IF_ERROR(check_stack_depth());
  node.plan = &plan;
  PhysicalNode* const outer = runner_.node();
  runner_.set_planner(this);
  Status status = add_step(plan, node, fragment);
  runner_.set_node(outer);
  return status;
}

Status PhysicalPlanner::add_step(const PlanNode& plan, PhysicalNode& node, Fragment& fragment) {
  if (plan.kind == PlanNode::Kind::kScan) {
    ASSIGN_OR_RETURN(fragment.scan, open_scan(plan, scan_request(plan), node));
    fragment.scan_stats = stats_of(node);
    return {};
  }
  note_functions(plan);
  if (plan.kind == PlanNode::Kind::kJoin) return add_join_step(plan, node, fragment);
  node.children.push_back(std::make_unique<PhysicalNode>());
  PhysicalNode& child = *node.children.back();
  RETURN_IF_ERROR(add_steps(*plan.children[0], child, fragment));
  runner_.set_node(&node);
  Fragment::Step step;
  step.stats = stats_of(node);
  const bool is_filter = plan.kind == PlanNode::Kind::kFilter;
  if (is_filter) {
    ASSIGN_OR_RETURN(step.condition, CompiledExpression::compile(*plan.condition, *context_.eval));
  } else {
    for (const ExprPtr& expr : plan.expressions) {
      ASSIGN_OR_RETURN(ExpressionPtr expression, CompiledExpression::compile(*expr, *context_.eval));
      step.expressions.push_back(std::move(expression));
    }
  }
  fragment.steps.push_back(std::move(step));
  node.name = is_filter ? "Filter" : "Result";
  node.rows = is_filter ? std::max(1.0, child.rows * kFilterShare) : child.rows;
  node.time_us = child.time_us + child.rows * kEvaluateUs;
  return {};
}

}  // namespace eventd::engine
