#include "engine/plan/logical_plan.h"

#include <algorithm>

#include "engine/plan/rules.h"

namespace eventd::engine {
namespace {

ExprPtr clone_of(const ExprPtr& expression) {
  return expression == nullptr ? nullptr : expression->clone();
}

std::vector<ExprPtr> clones_of(const std::vector<ExprPtr>& expressions) {
  std::vector<ExprPtr> result;
  result.reserve(expressions.size());
  for (const ExprPtr& expression : expressions) result.push_back(clone_of(expression));
  return result;
}

std::vector<SortKey> clones_of(const std::vector<SortKey>& keys) {
  std::vector<SortKey> result;
  for (const SortKey& key : keys) {
    result.push_back({clone_of(key.expression), key.descending, key.nulls_first, key.eql_order});
  }
  return result;
}

GapFill clone_of(const GapFill& fill) {
  GapFill copy;
  copy.bucket = clone_of(fill.bucket);
  copy.width = clone_of(fill.width);
  copy.start = clone_of(fill.start);
  copy.finish = clone_of(fill.finish);
  copy.zone = clone_of(fill.zone);
  for (const GapCall& call : fill.calls) {
    copy.calls.push_back({call.kind, clone_of(call.value), clone_of(call.before),
                          clone_of(call.after), call.skip_nulls, call.type});
  }
  return copy;
}

}  // namespace

WindowFrame WindowFrame::clone() const {
  WindowFrame copy;
  copy.mode = mode;
  copy.start = start;
  copy.end = end;
  copy.exclusion = exclusion;
  copy.start_offset = clone_of(start_offset);
  copy.end_offset = clone_of(end_offset);
  return copy;
}

Volatility plan_volatility(const PlanNode& plan) {
  Volatility highest = Volatility::kImmutable;
  // for_each_expression() takes a mutable node for rules; nothing is changed here.
  for_each_expression(const_cast<PlanNode&>(plan), [&](ExprPtr& expression) {
    highest = std::max(highest, expression->volatility());
  });
  for (const PlanPtr& child : plan.children) highest = std::max(highest, plan_volatility(*child));
  return highest;
}

std::unique_ptr<PlanNode> PlanNode::clone() const {
  auto result = std::make_unique<PlanNode>(kind);
  result->columns = columns;
  for (const auto& child : children) result->children.push_back(child->clone());
  result->relation = relation;
  result->scan_columns = scan_columns;
  result->scan_predicates = scan_predicates;
  result->scan_order = scan_order;
  result->scan_partition_limit = scan_partition_limit;
  for (const auto& row : rows) result->rows.push_back(clones_of(row));
  result->condition = clone_of(condition);
  result->expressions = clones_of(expressions);
  result->group_by = clones_of(group_by);
  for (const AggregateCall& call : aggregates) {
    AggregateCall copy;
    copy.function = call.function;
    copy.arguments = clones_of(call.arguments);
    copy.filter = clone_of(call.filter);
    copy.distinct = call.distinct;
    copy.order = clones_of(call.order);
    copy.type = call.type;
    result->aggregates.push_back(std::move(copy));
  }
  result->sort_keys = clones_of(sort_keys);
  result->limit = clone_of(limit);
  result->offset = clone_of(offset);
  result->with_ties = with_ties;
  result->table_function = table_function;
  result->ordinality = ordinality;
  result->join_type = join_type;
  for (const SetCall& call : set_calls) {
    result->set_calls.push_back({call.function, clones_of(call.arguments), call.column_count});
  }
  for (const WindowCall& call : window_calls) {
    WindowCall copy;
    copy.function = call.function;
    copy.aggregate = call.aggregate;
    copy.arguments = clones_of(call.arguments);
    copy.filter = clone_of(call.filter);
    copy.frame = call.frame.clone();
    copy.type = call.type;
    result->window_calls.push_back(std::move(copy));
  }
  result->gap_fill = clone_of(gap_fill);
  result->grouping_sets = grouping_sets;
  result->set_operation = set_operation;
  result->set_all = set_all;
  result->cte_id = cte_id;
  result->cte_ids = cte_ids;
  result->fenced_cte_ids = fenced_cte_ids;
  result->alias = alias;
  return result;
}

}  // namespace eventd::engine
