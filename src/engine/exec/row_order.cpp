#include "engine/exec/row_order.h"

#include <algorithm>

namespace eventd::engine {

namespace {

SortKey copy_of(const SortKey& key) {
  return {key.expression->clone(), key.descending, key.nulls_first, key.eql_order};
}

bool contains(const std::vector<const Expr*>& list, const Expr& expr) {
  return std::any_of(list.begin(), list.end(), [&](const Expr* one) { return one->equals(expr); });
}

std::vector<const Expr*> distinct_partition_keys(const PlanNode& window) {
  std::vector<const Expr*> keys;
  for (const ExprPtr& key : window.group_by) {
    if (!contains(keys, *key)) keys.push_back(key.get());
  }
  return keys;
}

/// The keys of `order` (over the project's child) in the project's columns, as far as they are there.
std::vector<SortKey> through_project(const PlanNode& project, std::vector<SortKey> order) {
  std::vector<SortKey> result;
  for (SortKey& key : order) {
    size_t column = 0;
    while (column < project.expressions.size() && !project.expressions[column]->equals(*key.expression)) {
      ++column;
    }
    if (column == project.expressions.size()) break;
    key.expression = Expr::column(static_cast<int>(column), key.expression->type);
    result.push_back(std::move(key));
  }
  return result;
}

bool satisfies(const std::vector<SortKey>& order, const PlanNode& window) {
  std::vector<const Expr*> seen, wanted = distinct_partition_keys(window);
  const size_t partition_keys = wanted.size();
  size_t at = 0;
  while (at < order.size() && seen.size() < partition_keys) {
    const Expr& key = *order[at++].expression;
    if (contains(seen, key)) continue;
    if (!contains(wanted, key)) return false;
    seen.push_back(&key);
  }
  if (seen.size() < partition_keys) return false;
  for (const SortKey& key : window.sort_keys) {
    if (contains(seen, *key.expression)) continue;
    while (at < order.size() && contains(seen, *order[at].expression)) ++at;
    if (at == order.size()) return false;
    const SortKey& have = order[at++];
    if (!have.expression->equals(*key.expression) || have.descending != key.descending ||
        have.nulls_first != key.nulls_first || have.eql_order != key.eql_order) {
      return false;
    }
    seen.push_back(have.expression.get());
  }
  return true;
}

std::vector<SortKey> clones_of(const std::vector<SortKey>& keys) {
  std::vector<SortKey> result;
  for (const SortKey& key : keys) result.push_back(copy_of(key));
  return result;
}

}  // namespace

std::vector<SortKey> order_of(const PlanNode& node) {
  std::vector<SortKey> order;
  switch (node.kind) {
    case PlanNode::Kind::kSort:
    case PlanNode::Kind::kDistinctOn: order = clones_of(node.sort_keys); break;
    case PlanNode::Kind::kFilter:
    case PlanNode::Kind::kLimit: return order_of(*node.children[0]);
    case PlanNode::Kind::kProject:
      return through_project(node, order_of(*node.children[0]));
    case PlanNode::Kind::kWindow:
      order = comes_in_window_order(node) ? order_of(*node.children[0]) : order_for_window(node);
      break;
    default: return {};
  }
  // What changes with each evaluation orders nothing above.
  const auto changing = std::find_if(order.begin(), order.end(), [](const SortKey& key) {
    return key.expression->volatility() == Volatility::kVolatile;
  });
  order.erase(changing, order.end());
  return order;
}

std::vector<SortKey> order_for_window(const PlanNode& window) {
  std::vector<SortKey> order;
  for (const Expr* key : distinct_partition_keys(window)) order.push_back({key->clone(), false, false, false});
  const std::vector<const Expr*> partition = distinct_partition_keys(window);
  for (const SortKey& key : window.sort_keys) {
    if (!contains(partition, *key.expression)) order.push_back(copy_of(key));
  }
  return order;
}

bool comes_in_window_order(const PlanNode& window) {
  if (window.group_by.empty() && window.sort_keys.empty()) return true;
  return satisfies(order_of(*window.children[0]), window);
}

}  // namespace eventd::engine
