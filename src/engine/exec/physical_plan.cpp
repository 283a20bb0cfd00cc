#include "engine/exec/physical_plan.h"

#include <algorithm>
#include <cmath>

#include "engine/exec/physical_costs.h"
#include "engine/exec/source_operators.h"
#include "engine/plan/stack_guard.h"

namespace eventd::engine {

namespace {

bool plan_calls_blocking(const PlanNode& plan);

bool calls_blocking(const Expr& expr) {
  if (expr.function != nullptr && expr.function->name.substr(0, 8) == "pg_sleep") return true;
  if (expr.subquery != nullptr && plan_calls_blocking(*expr.subquery->plan)) return true;
  return std::any_of(expr.children.begin(), expr.children.end(),
                     [](const ExprPtr& child) { return calls_blocking(*child); });
}

bool plan_calls_blocking(const PlanNode& plan) {
  bool found = false;
  for_each_const_expression(plan, [&](const Expr& expr) { found = found || calls_blocking(expr); });
  return found || std::any_of(plan.children.begin(), plan.children.end(),
                              [](const PlanPtr& child) { return plan_calls_blocking(*child); });
}

}  // namespace

double table_function_rows(const std::vector<ExprPtr>& arguments) {
  if (arguments.size() < 2) return 1'000'000;
  double values[3] = {0, 0, 1};
  for (size_t i = 0; i < std::min<size_t>(3, arguments.size()); ++i) {
    const Expr& expr = *arguments[i];
    if (expr.kind != Expr::Kind::kConstant) return 1'000'000;
    if (const auto* small = std::get_if<int32_t>(&expr.constant.value())) {
      values[i] = *small;
    } else if (const auto* big = std::get_if<int64_t>(&expr.constant.value())) {
      values[i] = static_cast<double>(*big);
    } else {
      return 1'000'000;
    }
  }
  if (values[2] == 0) return 1;
  return std::max(1.0, (values[1] - values[0]) / values[2] + 1);
}

uint64_t take_damaged_tails(PhysicalNode& node) {
  uint64_t tails = 0;
  if (node.scan != nullptr) {
    const uint64_t all = node.scan->counters().damaged_tails;
    tails = all - node.tails_taken;
    node.tails_taken = all;
  }
  for (const auto& child : node.children) tails += take_damaged_tails(*child);
  return tails;
}

void PhysicalPlanner::note_functions(const PlanNode& plan) {
  for_each_const_expression(plan, [&](const Expr& expr) { may_block_ = may_block_ || calls_blocking(expr); });
}

Result<BatchSourcePtr> PhysicalPlanner::build(const PlanNode& plan, PhysicalNode& node) {
  return build(plan, node, std::nullopt);
}

Result<BatchSourcePtr> PhysicalPlanner::build(const PlanNode& plan, PhysicalNode& node, Bound bound) {
  RETURN_IF_ERROR(check_stack_depth());
  if (depth_ >= kPlanDepthMax) {
    return Status(sqlstate::kStatementTooComplex, "statement is nested too deeply");
  }
  node.plan = &plan;
  note_functions(plan);
  ++depth_;
  // Subqueries compiled from here on are about this node's expressions.
  PhysicalNode* const outer = runner_.node();
  runner_.set_node(&node);
  runner_.set_planner(this);
  Result<BatchSourcePtr> built = build_kind(plan, node, bound);
  runner_.set_node(outer);
  --depth_;
  if (depth_ == 0) runner_.set_planner(nullptr);
  return built;
}

Result<BatchSourcePtr> PhysicalPlanner::build_kind(const PlanNode& plan, PhysicalNode& node, Bound bound) {
  ASSIGN_OR_RETURN(BatchSourcePtr gathered, build_gathered(plan, node, bound));
  if (gathered != nullptr) return gathered;
  switch (plan.kind) {
    case PlanNode::Kind::kScan: return build_scan(plan, node, bound);
    case PlanNode::Kind::kFilter:
    case PlanNode::Kind::kProject: return build_chain(plan, node, bound);
    case PlanNode::Kind::kAggregate:
      return plan.grouping_sets.empty() ? build_aggregate(plan, node) : build_grouping_sets(plan, node);
    case PlanNode::Kind::kSort: return build_sort(plan, *plan.children[0], node, bound);
    case PlanNode::Kind::kLimit: return build_limit(plan, node);
    case PlanNode::Kind::kAppend: return build_append(plan, node);
    case PlanNode::Kind::kDistinct: return build_distinct(plan, node);
    case PlanNode::Kind::kValues:
    case PlanNode::Kind::kTableFunction: return build_leaf(plan, node);
    case PlanNode::Kind::kJoin: return build_join(plan, node);
    case PlanNode::Kind::kApply: return build_apply(plan, node);
    case PlanNode::Kind::kProjectSet: return build_project_set(plan, node);
    case PlanNode::Kind::kSetOperation: return build_set_operation(plan, node);
    case PlanNode::Kind::kWith: return build_with(plan, node, bound);
    case PlanNode::Kind::kCteScan:
    case PlanNode::Kind::kWorkingTable: return build_cte_scan(plan, node);
    case PlanNode::Kind::kRecursiveUnion: return build_recursive_union(plan, node);
    case PlanNode::Kind::kDistinctOn: return build_distinct_on(plan, node);
    case PlanNode::Kind::kWindow: return build_window(plan, node);
    case PlanNode::Kind::kGapFill: return build_gap_fill(plan, node);
  }
  return Status(sqlstate::kInternalError, "unknown plan node");
}

ScanRequest PhysicalPlanner::scan_request(const PlanNode& plan) const {
  ScanRequest request;
  request.columns = plan.scan_columns;
  request.predicates = plan.scan_predicates;
  request.order = plan.scan_order;
  request.partition_limit = plan.scan_partition_limit;
  request.snapshot = execution_.snapshot;
  request.access = execution_.access;
  request.memory = execution_.memory;
  request.cancel = context_.cancel;
  return request;
}

ScanEstimate PhysicalPlanner::estimate_of(const PlanNode& plan, const ScanRequest& request) {
  if (estimated_ != &plan) {
    estimate_ = plan.relation->estimate(request);
    estimated_ = &plan;
  }
  return estimate_;
}

Result<std::shared_ptr<Scan>> PhysicalPlanner::open_scan(const PlanNode& plan, ScanRequest request,
                                                         PhysicalNode& node) {
  const ScanEstimate estimate = estimate_of(plan, request);
  node.name = "Seq Scan";
  node.plan = &plan;
  node.rows = estimate.rows;
  node.time_us = estimate.time_us;
  ASSIGN_OR_RETURN(std::unique_ptr<Scan> scan, plan.relation->scan(std::move(request)));
  node.scan = std::move(scan);
  return node.scan;
}

Result<BatchSourcePtr> PhysicalPlanner::build_scan(const PlanNode& plan, PhysicalNode& node,
                                                   Bound bound) {
  ScanRequest request = scan_request(plan);
  size_t key_column = 0;
  bool hidden = false;
  if (request.order) {
    // Merged by the exact time where the relation has one (timestamp_ns beside timestamp), which
    // then rides along as a hidden last column.
    const auto& columns = plan.relation->columns();
    const RelationColumn& order = columns[static_cast<size_t>(request.order->column)];
    if (physical_of(order.type.id) != Physical::kInt64) {
      return Status(sqlstate::kInternalError, "ordered scan by a column that isn't a time");
    }
    int key = plan.relation->find_column(order.name + "_ns");
    if (key < 0 || columns[static_cast<size_t>(key)].type.id != oid::kInt8) key = request.order->column;
    ScanColumn wanted;
    wanted.column = key;
    wanted.type = columns[static_cast<size_t>(key)].type;
    const auto found = std::find_if(request.columns.begin(), request.columns.end(), [&](const ScanColumn& column) {
      return column.column == key && column.extract == ScanColumn::Extract::kNone;
    });
    key_column = static_cast<size_t>(found - request.columns.begin());
    hidden = found == request.columns.end();
    if (hidden) request.columns.push_back(wanted);
  }
  if (bound && !request.order) request.partition_limit = bound;
  const bool descending = request.order && request.order->descending;
  node.merge = request.order.has_value();
  ASSIGN_OR_RETURN(std::shared_ptr<Scan> scan, open_scan(plan, std::move(request), node));
  if (bound && static_cast<double>(*bound) < node.rows) {
    node.time_us *= std::max(static_cast<double>(*bound), 1.0) / node.rows;
    node.rows = static_cast<double>(*bound);
  }
  if (node.merge) {
    return BatchSourcePtr(std::make_unique<MergeScanOperator>(context_, stats_of(node), std::move(scan),
                                                              key_column, descending, hidden));
  }
  return BatchSourcePtr(std::make_unique<ScanOperator>(context_, stats_of(node), std::move(scan)));
}

Result<BatchSourcePtr> PhysicalPlanner::build_chain(const PlanNode& plan, PhysicalNode& node, Bound bound) {
  const bool is_filter = plan.kind == PlanNode::Kind::kFilter;
  node.children.push_back(std::make_unique<PhysicalNode>());
  PhysicalNode& child_node = *node.children.back();
  ASSIGN_OR_RETURN(BatchSourcePtr child,
                   build(*plan.children[0], child_node, is_filter ? std::nullopt : bound));
  node.name = is_filter ? "Filter" : "Result";
  node.rows = is_filter ? std::max(1.0, child_node.rows * kFilterShare) : child_node.rows;
  node.time_us = child_node.time_us + child_node.rows * kEvaluateUs;
  if (is_filter) {
    ASSIGN_OR_RETURN(ExpressionPtr condition, CompiledExpression::compile(*plan.condition, *context_.eval));
    return BatchSourcePtr(std::make_unique<FilterOperator>(context_, stats_of(node), std::move(child),
                                                           std::move(condition)));
  }
  std::vector<ExpressionPtr> expressions;
  for (const ExprPtr& expr : plan.expressions) {
    ASSIGN_OR_RETURN(ExpressionPtr expression, CompiledExpression::compile(*expr, *context_.eval));
    expressions.push_back(std::move(expression));
  }
  return BatchSourcePtr(std::make_unique<ProjectOperator>(context_, stats_of(node), std::move(child),
                                                          std::move(expressions)));
}

Result<BatchSourcePtr> PhysicalPlanner::build_append(const PlanNode& plan, PhysicalNode& node) {
  node.name = "Append";
  std::vector<BatchSourcePtr> children;
  for (const auto& child_plan : plan.children) {
    node.children.push_back(std::make_unique<PhysicalNode>());
    ASSIGN_OR_RETURN(BatchSourcePtr child, build(*child_plan, *node.children.back(), std::nullopt));
    children.push_back(std::move(child));
    node.rows += node.children.back()->rows;
    node.time_us += node.children.back()->time_us;
  }
  return BatchSourcePtr(std::make_unique<AppendOperator>(context_, stats_of(node), std::move(children)));
}

Result<BatchSourcePtr> PhysicalPlanner::build_leaf(const PlanNode& plan, PhysicalNode& node) {
  if (plan.kind == PlanNode::Kind::kValues) {
    node.name = plan.columns.empty() ? "Result" : "Values Scan";
    node.rows = static_cast<double>(plan.rows.size());
    node.time_us = node.rows * 0.5 * static_cast<double>(std::max<size_t>(1, plan.columns.size()));
    return ValuesOperator::create(context_, stats_of(node), plan);
  }
  node.name = "Function Scan";
  node.rows = table_function_rows(plan.expressions);
  node.time_us = node.rows * 0.01;
  return TableFunctionOperator::create(context_, stats_of(node), plan);
}

}  // namespace eventd::engine
