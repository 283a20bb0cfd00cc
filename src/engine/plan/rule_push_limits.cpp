// LIMIT, with ORDER BY or without, below nodes that give at least a row for each row.
#include <algorithm>

#include "engine/plan/limit_bound.h"
#include "engine/plan/plan_rewrite.h"

namespace eventd::engine {
namespace {

using NodeKind = PlanNode::Kind;

std::vector<SortKey> clones_of_keys(const std::vector<SortKey>& keys) {
  std::vector<SortKey> result;
  for (const SortKey& key : keys) {
    result.push_back({key.expression->clone(), key.descending, key.nulls_first, key.eql_order});
  }
  return result;
}

PlanPtr sorted(PlanPtr plan, std::vector<SortKey> keys) {
  if (keys.empty()) return plan;
  auto sort = std::make_unique<PlanNode>(NodeKind::kSort);
  sort->columns = plan->columns;
  sort->sort_keys = std::move(keys);
  sort->children.push_back(std::move(plan));
  return sort;
}

bool is_bounded(const PlanNode& plan, uint64_t rows) {
  if (plan.kind == NodeKind::kValues) return plan.rows.size() <= rows;
  if (plan.kind == NodeKind::kAggregate) return plan.group_by.empty() && plan.grouping_sets.empty();
  if (plan.kind != NodeKind::kLimit) return false;
  const std::optional<uint64_t> own = rows_needed(plan);
  return own.has_value() && *own <= rows;
}

void bound_input(PlanPtr& plan, uint64_t rows, const std::vector<SortKey>& keys) {
  if (is_bounded(*plan, rows)) return;
  plan = limited(sorted(std::move(plan), clones_of_keys(keys)), rows);
}

/// Only the first `rows` rows in the order of `keys` (none: any) of `plan` are read.
void push_bound(PlanPtr& plan, uint64_t rows, std::vector<SortKey> keys) {
  switch (plan->kind) {
    case NodeKind::kProject: {
      for (SortKey& key : keys) {
        bool plain = true;
        for_each_column(*key.expression, [&](const Expr& column) {
          const Expr& source = *plan->expressions[static_cast<size_t>(column.index)];
          plain = plain && !has_subquery(source) && !is_volatile(source);
        });
        if (!plain) return;
        substitute_columns(key.expression, plan->expressions);
      }
      push_bound(plan->children[0], rows, std::move(keys));
      return;
    }
    case NodeKind::kSort:
      // Of several sorts the outermost decides; this one is it when there is none yet.
      if (keys.empty()) push_bound(plan->children[0], rows, clones_of_keys(plan->sort_keys));
      return;
    case NodeKind::kAppend:
      for (PlanPtr& child : plan->children) bound_input(child, rows, keys);
      return;
    case NodeKind::kJoin:
    case NodeKind::kApply:
    case NodeKind::kProjectSet: {
      if (plan->join_type != JoinType::kLeft) return;
      const int left = static_cast<int>(plan->children[0]->columns.size());
      for (const SortKey& key : keys) {
        if (!reads_only_columns(*key.expression, 0, left) || is_volatile(*key.expression)) return;
      }
      bound_input(plan->children[0], rows, keys);
      return;
    }
    default: return;
  }
}

/// The scan of an order column that an expression over `plan` is; null = it is not.
const PlanNode* scan_of_order_column(const PlanNode& plan, const Expr& expression) {
  if (expression.kind != Expr::Kind::kColumn) return nullptr;
  const size_t index = static_cast<size_t>(expression.index);
  if (plan.kind == NodeKind::kProject) {
    return scan_of_order_column(*plan.children[0], *plan.expressions[index]);
  }
  if (plan.kind != NodeKind::kScan) return nullptr;
  const ScanColumn& column = plan.scan_columns[index];
  const bool ordered = column.extract == ScanColumn::Extract::kNone &&
                       plan.relation->order_column() >= 0 &&
                       column.column == plan.relation->order_column();
  return ordered ? &plan : nullptr;
}

/// Whether reading the first row in order is expected to be cheaper than reading all of them.
bool first_row_is_cheap(const PlanNode& scan) {
  if (scan.scan_order.has_value()) return false;
  ScanRequest request;
  request.columns = scan.scan_columns;
  request.predicates = scan.scan_predicates;
  const double all_us = scan.relation->estimate(request).time_us;
  request.order = ScanOrder{scan.relation->order_column(), false};
  request.partition_limit = 1;
  return scan.relation->estimate(request).time_us <= all_us;
}

bool is_extreme(const AggregateCall& call, const PlanNode& input) {
  const bool named = call.function->name == "min" || call.function->name == "max";
  if (!named || call.filter != nullptr || call.arguments.size() != 1) return false;
  const PlanNode* scan = scan_of_order_column(input, *call.arguments[0]);
  return scan != nullptr && first_row_is_cheap(*scan);
}

/// min(timestamp) and max(timestamp): of the first and of the last row.
void take_extremes(PlanPtr& plan) {
  PlanNode& node = *plan;
  if (!node.group_by.empty() || !node.grouping_sets.empty() || node.aggregates.empty() ||
      node.aggregates.size() > 2 ||
      !std::all_of(node.aggregates.begin(), node.aggregates.end(), [&](const AggregateCall& call) {
        return is_extreme(call, *node.children[0]);
      })) {
    return;
  }
  PlanPtr joined;
  for (size_t i = 0; i < node.aggregates.size(); ++i) {
    AggregateCall& call = node.aggregates[i];
    const bool last = i + 1 == node.aggregates.size();
    PlanPtr input = last ? std::move(node.children[0]) : node.children[0]->clone();
    std::vector<SortKey> keys;
    keys.push_back({call.arguments[0]->clone(), call.function->name == "max", false, false});
    auto one = std::make_unique<PlanNode>(NodeKind::kAggregate);
    one->columns.push_back(node.columns[i]);
    one->aggregates.push_back(std::move(call));
    one->children.push_back(limited(sorted(std::move(input), std::move(keys)), 1));
    if (joined == nullptr) {
      joined = std::move(one);
      continue;
    }
    auto both = std::make_unique<PlanNode>(NodeKind::kJoin);
    both->columns = node.columns;
    both->children.push_back(std::move(joined));
    both->children.push_back(std::move(one));
    joined = std::move(both);
  }
  plan = std::move(joined);
}

}  // namespace

void push_limits(PlanPtr& plan) {
  if (plan->kind == NodeKind::kLimit) {
    const std::optional<uint64_t> rows = rows_needed(*plan);
    if (rows.has_value()) push_bound(plan->children[0], *rows, {});
  }
  if (plan->kind == NodeKind::kAggregate) take_extremes(plan);
  for (PlanPtr& child : plan->children) push_limits(child);
}

}  // namespace eventd::engine
