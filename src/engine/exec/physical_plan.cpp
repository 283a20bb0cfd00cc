#include "engine/exec/physical_plan.h"

#include <algorithm>
#include <cmath>

#include "engine/exec/aggregation.h"
#include "engine/exec/gather_operators.h"
#include "engine/exec/sort_operator.h"
#include "engine/exec/source_operators.h"
#include "engine/plan/stack_guard.h"

namespace eventd::engine {

namespace {

// Rough costs of a row, for is_short() and EXPLAIN; µs.
constexpr double kEvaluateUs = 0.01, kGroupUs = 0.02, kSortUs = 0.2;
constexpr double kFilterShare = 1.0 / 3;  // PostgreSQL's default for an unknown inequality
constexpr double kGroupsExpected = 200;

bool calls_blocking(const Expr& expr) {
  if (expr.function != nullptr && expr.function->name.substr(0, 8) == "pg_sleep") return true;
  return std::any_of(expr.children.begin(), expr.children.end(),
                     [](const ExprPtr& child) { return calls_blocking(*child); });
}

/// Every expression of a node itself.
template <class F>
void for_each_expression(const PlanNode& plan, const F& f) {
  const auto visit = [&](const ExprPtr& expr) {
    if (expr != nullptr) f(*expr);
  };
  visit(plan.condition);
  std::for_each(plan.expressions.begin(), plan.expressions.end(), visit);
  std::for_each(plan.group_by.begin(), plan.group_by.end(), visit);
  for (const auto& row : plan.rows) std::for_each(row.begin(), row.end(), visit);
  for (const AggregateCall& call : plan.aggregates) {
    std::for_each(call.arguments.begin(), call.arguments.end(), visit);
    visit(call.filter);
    for (const SortKey& key : call.order) visit(key.expression);
  }
  for (const SortKey& key : plan.sort_keys) visit(key.expression);
}

bool has_volatile(const PlanNode& plan) {
  bool found = false;
  for_each_expression(plan, [&](const Expr& expr) {
    found = found || expr.volatility() == Volatility::kVolatile;
  });
  return found;
}

/// Whether the rows below already come in the only order `sort` asks for.
bool is_presorted(const PlanNode& sort) {
  if (sort.sort_keys.size() != 1) return false;
  const Expr* key = sort.sort_keys[0].expression.get();
  const PlanNode* node = sort.children[0].get();
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

/// generate_series over integers tells how many rows it makes; others are taken to be many.
double table_function_rows(const PlanNode& plan) {
  if (plan.expressions.size() < 2) return 1'000'000;
  double values[3] = {0, 0, 1};
  for (size_t i = 0; i < std::min<size_t>(3, plan.expressions.size()); ++i) {
    const Expr& expr = *plan.expressions[i];
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

}  // namespace

void PhysicalPlanner::note_functions(const PlanNode& plan) {
  for_each_expression(plan, [&](const Expr& expr) { may_block_ = may_block_ || calls_blocking(expr); });
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
  Result<BatchSourcePtr> built = [&]() -> Result<BatchSourcePtr> {
    switch (plan.kind) {
      case PlanNode::Kind::kScan: return build_scan(plan, node, bound);
      case PlanNode::Kind::kFilter:
      case PlanNode::Kind::kProject: return build_chain(plan, node, bound);
      case PlanNode::Kind::kAggregate: return build_aggregate(plan, node);
      case PlanNode::Kind::kSort: return build_sort(plan, node, bound);
      case PlanNode::Kind::kLimit: return build_limit(plan, node);
      case PlanNode::Kind::kAppend: return build_append(plan, node);
      case PlanNode::Kind::kDistinct: return build_distinct(plan, node);
      case PlanNode::Kind::kValues:
      case PlanNode::Kind::kTableFunction: return build_leaf(plan, node);
      case PlanNode::Kind::kJoin: return Status(sqlstate::kFeatureNotSupported, "joins are not supported yet");
      case PlanNode::Kind::kApply:
        return Status(sqlstate::kFeatureNotSupported, "correlated subqueries and LATERAL are not supported yet");
      case PlanNode::Kind::kWindow:
        return Status(sqlstate::kFeatureNotSupported, "window functions are not supported yet");
      case PlanNode::Kind::kSetOperation:
        return Status(sqlstate::kFeatureNotSupported, "INTERSECT and EXCEPT are not supported yet");
      case PlanNode::Kind::kRecursiveUnion:
        return Status(sqlstate::kFeatureNotSupported, "WITH RECURSIVE is not supported yet");
    }
    return Status(sqlstate::kInternalError, "unknown plan node");
  }();
  --depth_;
  return built;
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

Result<std::shared_ptr<Scan>> PhysicalPlanner::open_scan(const PlanNode& plan, ScanRequest request,
                                                         PhysicalNode& node) {
  const ScanEstimate estimate = plan.relation->estimate(request);
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
  while (scan->kind == PlanNode::Kind::kFilter || scan->kind == PlanNode::Kind::kProject) {
    if (has_volatile(*scan)) return std::unique_ptr<Fragment>();
    scan = scan->children[0].get();
  }
  if (scan->kind != PlanNode::Kind::kScan || scan->scan_order) return std::unique_ptr<Fragment>();
  if (helpers_for(scan->relation->estimate(scan_request(*scan)).time_us) == 0) {
    return std::unique_ptr<Fragment>();
  }
  auto fragment = std::make_unique<Fragment>();
  RETURN_IF_ERROR(add_steps(plan, node, *fragment));
  return fragment;
}

Status PhysicalPlanner::add_steps(const PlanNode& plan, PhysicalNode& node, Fragment& fragment) {
  RETURN_IF_ERROR(check_stack_depth());
  node.plan = &plan;
  if (plan.kind == PlanNode::Kind::kScan) {
    ASSIGN_OR_RETURN(fragment.scan, open_scan(plan, scan_request(plan), node));
    fragment.scan_stats = stats_of(node);
    return {};
  }
  node.children.push_back(std::make_unique<PhysicalNode>());
  PhysicalNode& child = *node.children.back();
  RETURN_IF_ERROR(add_steps(*plan.children[0], child, fragment));
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

Result<BatchSourcePtr> PhysicalPlanner::build_sort(const PlanNode& plan, PhysicalNode& node, Bound bound) {
  node.name = "Sort";
  node.children.push_back(std::make_unique<PhysicalNode>());
  PhysicalNode& child_node = *node.children.back();
  const bool presorted = is_presorted(plan);
  std::unique_ptr<Fragment> fragment;
  if (!presorted && !has_volatile(plan)) {
    ASSIGN_OR_RETURN(fragment, parallel_fragment(*plan.children[0], child_node));
  }
  BatchSourcePtr child;
  if (fragment == nullptr) {
    ASSIGN_OR_RETURN(child, build(*plan.children[0], child_node, presorted ? bound : std::nullopt));
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

Result<std::optional<uint64_t>> PhysicalPlanner::row_count(const Expr* expression, bool is_limit) const {
  if (expression == nullptr) return std::optional<uint64_t>();
  ASSIGN_OR_RETURN(const Datum value, evaluate_constant(*expression, *context_.eval));
  if (value.is_null()) return std::optional<uint64_t>();
  const auto* count = std::get_if<int64_t>(&value.value());
  if (count == nullptr) return Status(sqlstate::kDatatypeMismatch, "LIMIT and OFFSET take a bigint");
  if (*count < 0) {
    return is_limit ? Status(sqlstate::kInvalidRowCountInLimit, "LIMIT must not be negative")
                    : Status(sqlstate::kInvalidRowCountInOffset, "OFFSET must not be negative");
  }
  return std::optional<uint64_t>(static_cast<uint64_t>(*count));
}

Result<BatchSourcePtr> PhysicalPlanner::build_limit(const PlanNode& plan, PhysicalNode& node) {
  ASSIGN_OR_RETURN(const std::optional<uint64_t> limit, row_count(plan.limit.get(), true));
  ASSIGN_OR_RETURN(const std::optional<uint64_t> offset, row_count(plan.offset.get(), false));
  node.name = "Limit";
  node.children.push_back(std::make_unique<PhysicalNode>());
  PhysicalNode& child_node = *node.children.back();
  const bool ties = plan.with_ties && limit;
  Bound bound;
  // Both are below 2^63: the sum cannot wrap.
  if (limit && !ties) bound = *limit + offset.value_or(0);
  ASSIGN_OR_RETURN(BatchSourcePtr child, build(*plan.children[0], child_node, bound));
  std::shared_ptr<const SortOrder> order;
  if (ties) {
    // The order is that of the sort below, whose keys are over the same columns.
    const PlanNode& sort = *plan.children[0];
    if (sort.kind != PlanNode::Kind::kSort) {
      return Status(sqlstate::kFeatureNotSupported, "WITH TIES over this ORDER BY is not supported");
    }
    ASSIGN_OR_RETURN(order, SortOrder::compile(sort.sort_keys, *context_.eval));
  }
  node.rows = child_node.rows;
  if (limit) node.rows = std::min(node.rows, static_cast<double>(*limit));
  node.time_us = child_node.time_us;
  return BatchSourcePtr(std::make_unique<LimitOperator>(context_, stats_of(node), std::move(child), limit,
                                                        offset.value_or(0), std::move(order)));
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

Result<BatchSourcePtr> PhysicalPlanner::build_distinct(const PlanNode& plan, PhysicalNode& node) {
  node.name = "HashAggregate";
  node.children.push_back(std::make_unique<PhysicalNode>());
  PhysicalNode& child_node = *node.children.back();
  ASSIGN_OR_RETURN(BatchSourcePtr child, build(*plan.children[0], child_node, std::nullopt));
  std::vector<Oid> types;
  for (const OutputColumn& column : plan.columns) types.push_back(column.type.id);
  node.rows = std::min(child_node.rows, kGroupsExpected);
  node.time_us = child_node.time_us + child_node.rows * kGroupUs;
  return BatchSourcePtr(std::make_unique<DistinctOperator>(context_, stats_of(node), std::move(child),
                                                           std::move(types)));
}

Result<BatchSourcePtr> PhysicalPlanner::build_leaf(const PlanNode& plan, PhysicalNode& node) {
  if (plan.kind == PlanNode::Kind::kValues) {
    node.name = plan.columns.empty() ? "Result" : "Values Scan";
    node.rows = static_cast<double>(plan.rows.size());
    node.time_us = node.rows * 0.5 * static_cast<double>(std::max<size_t>(1, plan.columns.size()));
    return BatchSourcePtr(std::make_unique<ValuesOperator>(context_, stats_of(node), plan));
  }
  node.name = "Function Scan";
  node.rows = table_function_rows(plan);
  node.time_us = node.rows * 0.01;
  return BatchSourcePtr(std::make_unique<TableFunctionOperator>(context_, stats_of(node), plan));
}

}  // namespace eventd::engine
