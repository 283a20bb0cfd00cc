// Operators that run plans inside plans: LATERAL, common table expressions, recursion; and sets.
#include <algorithm>

#include "engine/exec/apply_operator.h"
#include "engine/exec/cte_buffer.h"
#include "engine/exec/physical_costs.h"
#include "engine/exec/physical_plan.h"
#include "engine/exec/project_set_operator.h"
#include "engine/exec/recursive_union_operator.h"
#include "engine/exec/set_operation_operator.h"

namespace eventd::engine {

namespace {

PhysicalNode& add_child(PhysicalNode& node) {
  node.children.push_back(std::make_unique<PhysicalNode>());
  return *node.children.back();
}

/// Names of an inner plan are seen while it is built.
class ScopeGuard {
 public:
  explicit ScopeGuard(SubqueryRunner& runner) : runner_(runner), outer_(runner.scope()) {}
  ~ScopeGuard() { runner_.set_scope(outer_); }
  ScopeGuard(const ScopeGuard&) = delete;
  ScopeGuard& operator=(const ScopeGuard&) = delete;

  void add(QueryScope scope) {
    scope.parent = runner_.scope();
    runner_.set_scope(std::make_shared<const QueryScope>(std::move(scope)));
  }

 private:
  SubqueryRunner& runner_;
  const std::shared_ptr<const QueryScope> outer_;
};

}  // namespace

double PhysicalPlanner::inner_time_us(const PlanNode& plan) { return expected(plan).time_us + kRunUs; }

Result<BatchSourcePtr> PhysicalPlanner::build_apply(const PlanNode& plan, PhysicalNode& node) {
  ASSIGN_OR_RETURN(auto apply, ApplyPlan::compile(plan, *context_.eval));
  PhysicalNode& left = add_child(node);
  ASSIGN_OR_RETURN(BatchSourcePtr child, build(*plan.children[0], left, std::nullopt));
  const InnerContext inner{&execution_, context_, runner_.scope()};
  const Expected right = expected(*plan.children[1]);
  PhysicalNode& right_node = add_child(node);
  right_node.plan = plan.children[1].get();
  right_node.name = "Result";
  right_node.rows = right.rows;
  right_node.time_us = right.time_us;
  if (execution_.describe) describe_inner(*plan.children[1], right_node);
  node.name = "Nested Loop";
  node.rows = left.rows * std::max(1.0, right.rows);
  node.time_us = left.time_us + left.rows * (right.time_us + kRunUs);
  return BatchSourcePtr(std::make_unique<ApplyOperator>(context_, stats_of(node), std::move(child), std::move(apply), inner));
}

Result<BatchSourcePtr> PhysicalPlanner::build_project_set(const PlanNode& plan, PhysicalNode& node) {
  ASSIGN_OR_RETURN(auto sets, ProjectSetPlan::compile(plan, *context_.eval));
  PhysicalNode& below = add_child(node);
  ASSIGN_OR_RETURN(BatchSourcePtr child, build(*plan.children[0], below, std::nullopt));
  node.name = "ProjectSet";
  node.rows = below.rows * kSetRowsExpected;
  node.time_us = below.time_us + set_calls_time_us(plan, below.rows);
  return BatchSourcePtr(std::make_unique<ProjectSetOperator>(context_, stats_of(node), std::move(child), std::move(sets)));
}

Result<BatchSourcePtr> PhysicalPlanner::build_set_operation(const PlanNode& plan, PhysicalNode& node) {
  PhysicalNode& left_node = add_child(node);
  PhysicalNode& right_node = add_child(node);
  ASSIGN_OR_RETURN(BatchSourcePtr left, build(*plan.children[0], left_node, std::nullopt));
  ASSIGN_OR_RETURN(BatchSourcePtr right, build(*plan.children[1], right_node, std::nullopt));
  node.name = plan.set_operation == SetOperation::kIntersect ? (plan.set_all ? "HashSetOp Intersect All" : "HashSetOp Intersect")
                                                             : (plan.set_all ? "HashSetOp Except All" : "HashSetOp Except");
  node.rows = left_node.rows;
  node.time_us = left_node.time_us + right_node.time_us + (left_node.rows + right_node.rows) * kGroupUs;
  return BatchSourcePtr(std::make_unique<SetOperationOperator>(context_, stats_of(node), plan, std::move(left), std::move(right)));
}

Result<BatchSourcePtr> PhysicalPlanner::build_with(const PlanNode& plan, PhysicalNode& node, Bound bound) {
  ScopeGuard scope(runner_);
  node.name = "With";
  std::vector<std::shared_ptr<CteBuffer>> buffers;
  for (size_t i = 0; i < plan.cte_ids.size(); ++i) {
    const PlanNode& query = *plan.children[i];
    PhysicalNode& below = add_child(node);
    ASSIGN_OR_RETURN(BatchSourcePtr source, build(query, below, std::nullopt));
    auto buffer = std::make_shared<CteBuffer>(types_of_columns(query), context_.memory);
    buffer->set_source(std::move(source));
    cte_nodes_[plan.cte_ids[i]] = {below.rows, below.time_us};
    node.time_us += below.time_us;
    scope.add({nullptr, plan.cte_ids[i], std::move(buffer), nullptr});
  }
  PhysicalNode& main = add_child(node);
  ASSIGN_OR_RETURN(BatchSourcePtr source, build(*plan.children.back(), main, bound));
  node.rows = main.rows;
  node.time_us += main.time_us;
  return source;
}

Result<BatchSourcePtr> PhysicalPlanner::build_cte_scan(const PlanNode& plan, PhysicalNode& node) {
  const bool working = plan.kind == PlanNode::Kind::kWorkingTable;
  const QueryScope* scope = QueryScope::find(runner_.scope().get(), plan.cte_id, working);
  if (scope == nullptr) return Status(sqlstate::kInternalError, "a common table expression is read outside of its query");
  node.name = working ? "WorkTable Scan" : "CTE Scan";
  const auto known = cte_nodes_.find(plan.cte_id);
  node.rows = known == cte_nodes_.end() ? expected(plan).rows : known->second.rows;
  node.time_us = node.rows * kEvaluateUs;
  if (working) {
    node.rows = static_cast<double>(*scope->working == nullptr ? 0 : (*scope->working)->row_count());
    return BatchSourcePtr(std::make_unique<BufferScanOperator>(context_, stats_of(node), *scope->working));
  }
  return BatchSourcePtr(std::make_unique<CteScanOperator>(context_, stats_of(node), scope->cte));
}

Result<BatchSourcePtr> PhysicalPlanner::build_recursive_union(const PlanNode& plan, PhysicalNode& node) {
  PhysicalNode& first_node = add_child(node);
  ASSIGN_OR_RETURN(BatchSourcePtr first, build(*plan.children[0], first_node, std::nullopt));
  QueryScope scope;
  scope.parent = runner_.scope();
  scope.cte_id = plan.cte_id;
  scope.working = std::make_shared<std::shared_ptr<const KeptRows>>();
  InnerContext inner{&execution_, context_, std::make_shared<const QueryScope>(std::move(scope))};
  const Expected round = expected(*plan.children[1]);
  PhysicalNode& round_node = add_child(node);
  round_node.plan = plan.children[1].get();
  round_node.name = "Result";
  round_node.rows = round.rows;
  round_node.time_us = round.time_us;
  if (execution_.describe) {
    // What a round is made of, over an empty working table.
    ScopeGuard guard(runner_);
    runner_.set_scope(inner.scope);
    describe_inner(*plan.children[1], round_node);
  }
  node.name = "Recursive Union";
  node.rows = first_node.rows + round.rows * 10;
  node.time_us = first_node.time_us + std::max(round.time_us * 10, kUnknownTimeUs);
  return BatchSourcePtr(std::make_unique<RecursiveUnionOperator>(context_, stats_of(node), plan, std::move(first), std::move(inner)));
}

void PhysicalPlanner::describe_inner(const PlanNode& plan, PhysicalNode& node) {
  // Built with its kOuter in place, which nobody evaluates. What can't be built so stays a name.
  const Result<BatchSourcePtr> unused = build(plan, node, std::nullopt);
  if (!unused.ok()) node.children.clear();
}

}  // namespace eventd::engine
