#include "engine/plan/rules.h"

namespace eventd::engine {
namespace {

using Required = std::vector<bool>;
/// Old index → new index, -1 = gone.
using Mapping = std::vector<int>;

void require(ExprPtr& expression, Required& required) {
  for_each_column(*expression, [&](const Expr& column) {
    required[static_cast<size_t>(column.index)] = true;
  });
}

void remap(ExprPtr& expression, const Mapping& mapping) {
  for_each_column(*expression, [&](Expr& column) {
    column.index = mapping[static_cast<size_t>(column.index)];
  });
}

Mapping identity(size_t size) {
  Mapping mapping(size);
  for (size_t i = 0; i < size; ++i) mapping[i] = static_cast<int>(i);
  return mapping;
}

/// Moves what is required to the front. Something always stays: batches without columns are not
/// for everybody.
template <class T>
Mapping compact(std::vector<T>& items, const Required& required) {
  Mapping mapping(items.size(), -1);
  size_t next = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    if (!required[i]) continue;
    mapping[i] = static_cast<int>(next);
    if (next != i) items[next] = std::move(items[i]);
    ++next;
  }
  items.resize(next);
  return mapping;
}

void keep_one(Required& required, size_t preferred) {
  for (const bool needed : required) {
    if (needed) return;
  }
  if (!required.empty()) required[preferred < required.size() ? preferred : 0] = true;
}

Mapping prune(PlanNode& node, Required required);

/// The child delivers what the node's expressions read (plus `required`, for nodes that pass
/// columns on); the expressions follow.
Mapping prune_child(PlanNode& node, Required required) {
  for_each_expression(node, [&](ExprPtr& expression) { require(expression, required); });
  const Mapping mapping = prune(*node.children[0], std::move(required));
  for_each_expression(node, [&](ExprPtr& expression) { remap(expression, mapping); });
  return mapping;
}

size_t order_column_of(const PlanNode& scan) {
  for (size_t i = 0; i < scan.scan_columns.size(); ++i) {
    if (scan.scan_columns[i].column == scan.relation->order_column()) return i;
  }
  return 0;
}

Mapping prune(PlanNode& node, Required required) {
  switch (node.kind) {
    case PlanNode::Kind::kScan: {
      keep_one(required, order_column_of(node));
      compact(node.columns, required);
      return compact(node.scan_columns, required);
    }
    case PlanNode::Kind::kProject: {
      keep_one(required, 0);
      compact(node.columns, required);
      Mapping mapping = compact(node.expressions, required);
      prune_child(node, Required(node.children[0]->columns.size(), false));
      return mapping;
    }
    case PlanNode::Kind::kFilter:
    case PlanNode::Kind::kSort:
    case PlanNode::Kind::kLimit: {
      Mapping mapping = prune_child(node, std::move(required));
      node.columns = node.children[0]->columns;
      return mapping;
    }
    case PlanNode::Kind::kAggregate:
      prune_child(node, Required(node.children[0]->columns.size(), false));
      return identity(node.columns.size());
    default:
      for (PlanPtr& child : node.children) {
        prune(*child, Required(child->columns.size(), true));
      }
      return identity(node.columns.size());
  }
}

}  // namespace

void prune_columns(PlanNode& plan) { prune(plan, Required(plan.columns.size(), true)); }

}  // namespace eventd::engine
