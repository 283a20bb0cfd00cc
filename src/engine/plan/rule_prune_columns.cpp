#include <algorithm>
#include <map>

#include "engine/plan/plan_rewrite.h"

namespace eventd::engine {
namespace {

using Required = std::vector<bool>;
/// Old index → new index, -1 = gone.
using Mapping = std::vector<int>;

Mapping identity(size_t size) {
  Mapping mapping(size);
  for (size_t i = 0; i < size; ++i) mapping[i] = static_cast<int>(i);
  return mapping;
}

/// Moves what is required to the front.
template <class T>
Mapping compact(std::vector<T>& items, const Required& required) {
  Mapping mapping(required.size(), -1);
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

/// Something always stays: batches without columns are not for everybody.
void keep_one(Required& required, size_t preferred) {
  if (std::find(required.begin(), required.end(), true) != required.end()) return;
  if (!required.empty()) required[preferred < required.size() ? preferred : 0] = true;
}

size_t order_column_of(const PlanNode& scan) {
  for (size_t i = 0; i < scan.scan_columns.size(); ++i) {
    if (scan.scan_columns[i].column == scan.relation->order_column()) return i;
  }
  return 0;
}

Required all_of(const PlanNode& plan) { return Required(plan.columns.size(), true); }
Required none_of(const PlanNode& plan) { return Required(plan.columns.size(), false); }

class Pruner {
 public:
  /// The plan's output stays as it is.
  void prune_whole(PlanPtr& plan) { prune_exactly(plan, all_of(*plan)); }

 private:
  /// What is read of a common table expression, and the projections above its scans, which name
  /// its columns as they were.
  struct Cte {
    Required required;
    std::vector<PlanNode*> readers;
  };

  void require(const ExprPtr& expression, Required& required) {
    for_each_column(*expression, [&](const Expr& column) {
      required[static_cast<size_t>(column.index)] = true;
    });
  }

  void prune_queries(Expr& expression) {
    for (ExprPtr& child : expression.children) prune_queries(*child);
    if (expression.subquery == nullptr) return;
    Subquery& subquery = *expression.subquery;
    Required required = all_of(*subquery.plan);
    if (subquery.kind == Subquery::Kind::kExists) required = none_of(*subquery.plan);
    prune_exactly(subquery.plan, std::move(required));
  }

  static bool drops_expressions(PlanNode::Kind kind) {
    return kind == PlanNode::Kind::kProject || kind == PlanNode::Kind::kValues ||
           kind == PlanNode::Kind::kAggregate || kind == PlanNode::Kind::kWindow ||
           kind == PlanNode::Kind::kGapFill;
  }

  void prune_queries_of(PlanNode& node) {
    for_each_expression(node, [&](ExprPtr& expression) { prune_queries(*expression); });
  }

  static void remap_all(PlanNode& node, const Mapping& mapping) {
    for_each_expression(node, [&](ExprPtr& expression) { remap_columns(*expression, mapping); });
  }

  /// Prunes; where more than the required columns (or others than the first ones) come, a
  /// projection leaves them out. Nothing required: at least one column.
  void prune_exactly(PlanPtr& plan, Required required) {
    if (required.empty()) {
      prune(plan, {});
      return;
    }
    keep_one(required, 0);
    const Mapping mapping = prune(plan, required);
    std::vector<int> wanted;
    for (size_t i = 0; i < required.size(); ++i) {
      if (required[i]) wanted.push_back(mapping[i]);
    }
    if (wanted.size() != plan->columns.size() ||
        !std::equal(wanted.begin(), wanted.end(), identity(wanted.size()).begin())) {
      plan = project_columns(std::move(plan), wanted);
    }
  }

  /// The child delivers what the node's expressions read (plus `required`, for nodes that pass
  /// columns on); the expressions follow.
  Mapping prune_child(PlanNode& node, Required required) {
    for_each_expression(node, [&](ExprPtr& expression) { require(expression, required); });
    const Mapping mapping = prune(node.children[0], std::move(required));
    remap_all(node, mapping);
    return mapping;
  }

  Mapping prune(PlanPtr& plan, Required required) {
    PlanNode& node = *plan;
    // Queries of expressions that go must not become readers: those drop expressions first.
    if (!drops_expressions(node.kind)) prune_queries_of(node);
    switch (node.kind) {
      case PlanNode::Kind::kScan: {
        keep_one(required, order_column_of(node));
        compact(node.columns, required);
        return compact(node.scan_columns, required);
      }
      case PlanNode::Kind::kValues: return prune_values(node, std::move(required));
      case PlanNode::Kind::kProject: {
        keep_one(required, 0);
        compact(node.columns, required);
        Mapping mapping = compact(node.expressions, required);
        prune_queries_of(node);
        prune_child(node, none_of(*node.children[0]));
        return mapping;
      }
      case PlanNode::Kind::kFilter:
      case PlanNode::Kind::kSort:
      case PlanNode::Kind::kDistinctOn:
      case PlanNode::Kind::kLimit: {
        Mapping mapping = prune_child(node, std::move(required));
        node.columns = node.children[0]->columns;
        return mapping;
      }
      case PlanNode::Kind::kAggregate: return prune_aggregate(node, std::move(required));
      case PlanNode::Kind::kAppend: {
        keep_one(required, 0);
        for (PlanPtr& child : node.children) prune_exactly(child, required);
        return compact(node.columns, required);
      }
      case PlanNode::Kind::kJoin:
      case PlanNode::Kind::kApply: return prune_join(node, std::move(required));
      case PlanNode::Kind::kProjectSet: return prune_project_set(node, std::move(required));
      case PlanNode::Kind::kWindow: return prune_window(plan, std::move(required));
      case PlanNode::Kind::kGapFill: return prune_gap_fill(node, std::move(required));
      case PlanNode::Kind::kWith: return prune_with(node, std::move(required));
      case PlanNode::Kind::kCteScan: return prune_cte_scan(plan, std::move(required));
      default:
        for (PlanPtr& child : node.children) prune_exactly(child, all_of(*child));
        return identity(node.columns.size());
    }
  }

  Mapping prune_values(PlanNode& node, Required required) {
    if (node.columns.empty()) return {};
    keep_one(required, 0);
    for (auto& row : node.rows) compact(row, required);
    prune_queries_of(node);
    return compact(node.columns, required);
  }

  /// Keys stay; aggregates nobody reads go, but not the last one (their row is the result).
  Mapping prune_aggregate(PlanNode& node, Required required) {
    const size_t keys = node.group_by.size();
    for (size_t i = 0; i < keys; ++i) required[i] = true;
    if (!node.grouping_sets.empty()) required.back() = true;
    keep_one(required, 0);
    const Required calls(required.begin() + static_cast<std::ptrdiff_t>(keys),
                         required.begin() +
                             static_cast<std::ptrdiff_t>(keys + node.aggregates.size()));
    compact(node.aggregates, calls);
    prune_queries_of(node);
    Mapping mapping = compact(node.columns, required);
    prune_child(node, none_of(*node.children[0]));
    return mapping;
  }

  Mapping prune_join(PlanNode& node, Required required) {
    const bool left_only = node.kind == PlanNode::Kind::kJoin &&
                           (node.join_type == JoinType::kSemi || node.join_type == JoinType::kAnti);
    const size_t old_left = node.children[0]->columns.size();
    const size_t old_right = node.children[1]->columns.size();
    required.resize(old_left + old_right, false);
    for_each_expression(node, [&](ExprPtr& expression) { require(expression, required); });
    const auto middle = required.begin() + static_cast<std::ptrdiff_t>(old_left);
    const Mapping left = prune(node.children[0], Required(required.begin(), middle));
    const Mapping right = prune(node.children[1], Required(middle, required.end()));
    const int new_left = static_cast<int>(node.children[0]->columns.size());
    Mapping mapping = left;
    for (const int index : right) mapping.push_back(index < 0 ? -1 : index + new_left);
    remap_all(node, mapping);
    node.columns = node.children[0]->columns;
    if (left_only) {
      mapping.resize(old_left);
    } else {
      const std::vector<OutputColumn>& columns = node.children[1]->columns;
      node.columns.insert(node.columns.end(), columns.begin(), columns.end());
    }
    return mapping;
  }

  /// The node's own columns, from `old_child` on in `required`, after those of the child.
  static Mapping append_own(PlanNode& node, const Mapping& child, std::vector<OutputColumn> own,
                            const Mapping& own_mapping) {
    const int offset = static_cast<int>(node.children[0]->columns.size());
    Mapping mapping = child;
    for (const int index : own_mapping) mapping.push_back(index < 0 ? -1 : index + offset);
    node.columns = node.children[0]->columns;
    node.columns.insert(node.columns.end(), std::make_move_iterator(own.begin()),
                        std::make_move_iterator(own.end()));
    return mapping;
  }

  Mapping prune_project_set(PlanNode& node, Required required) {
    const auto old_child = static_cast<std::ptrdiff_t>(node.children[0]->columns.size());
    std::vector<OutputColumn> own(node.columns.begin() + old_child, node.columns.end());
    required.resize(static_cast<size_t>(old_child));
    const Mapping child = prune_child(node, std::move(required));
    const Mapping own_mapping = identity(own.size());
    return append_own(node, child, std::move(own), own_mapping);
  }

  Mapping prune_window(PlanPtr& plan, Required required) {
    PlanNode& node = *plan;
    const auto old_child = static_cast<std::ptrdiff_t>(node.children[0]->columns.size());
    std::vector<OutputColumn> own(node.columns.begin() + old_child, node.columns.end());
    Required wanted(required.begin() + old_child, required.end());
    required.resize(static_cast<size_t>(old_child));
    const bool any = std::find(wanted.begin(), wanted.end(), true) != wanted.end();
    if (!any && old_child > 0) {
      PlanPtr child = std::move(node.children[0]);
      plan = std::move(child);
      Mapping mapping = prune(plan, std::move(required));
      mapping.resize(mapping.size() + wanted.size(), -1);
      return mapping;
    }
    keep_one(wanted, 0);
    compact(own, wanted);
    const Mapping own_mapping = compact(node.window_calls, wanted);
    prune_queries_of(node);
    const Mapping child = prune_child(node, std::move(required));
    return append_own(node, child, std::move(own), own_mapping);
  }

  Mapping prune_gap_fill(PlanNode& node, Required required) {
    const auto old_child = static_cast<std::ptrdiff_t>(node.children[0]->columns.size());
    std::vector<OutputColumn> own(node.columns.begin() + old_child, node.columns.end());
    const Required wanted(required.begin() + old_child, required.end());
    required.resize(static_cast<size_t>(old_child));
    compact(own, wanted);
    const Mapping own_mapping = compact(node.gap_fill.calls, wanted);
    prune_queries_of(node);
    const Mapping child = prune_child(node, std::move(required));
    return append_own(node, child, std::move(own), own_mapping);
  }

  /// The query first, then each expression for what is read of it: later ones read earlier ones.
  Mapping prune_with(PlanNode& node, Required required) {
    for (size_t i = 0; i < node.cte_ids.size(); ++i) {
      ctes_[node.cte_ids[i]].required = none_of(*node.children[i]);
    }
    const Mapping mapping = prune(node.children.back(), std::move(required));
    node.columns = node.children.back()->columns;
    for (size_t i = node.cte_ids.size(); i-- > 0;) {
      Cte cte = std::move(ctes_[node.cte_ids[i]]);
      ctes_.erase(node.cte_ids[i]);
      finish_cte(node.children[i], cte);
    }
    return mapping;
  }

  void finish_cte(PlanPtr& plan, Cte& cte) {
    keep_one(cte.required, 0);
    Mapping mapping(cte.required.size(), -1);
    int next = 0;
    for (size_t i = 0; i < mapping.size(); ++i) {
      if (cte.required[i]) mapping[i] = next++;
    }
    prune_exactly(plan, cte.required);
    for (PlanNode* reader : cte.readers) {
      for (ExprPtr& expression : reader->expressions) remap_columns(*expression, mapping);
      compact(reader->children[0]->columns, cte.required);
    }
  }

  /// The scan delivers what is read of it through a projection, until all readers are known.
  Mapping prune_cte_scan(PlanPtr& plan, Required required) {
    const auto found = ctes_.find(plan->cte_id);
    if (found == ctes_.end()) return identity(plan->columns.size());
    keep_one(required, 0);
    Mapping mapping(required.size(), -1);
    std::vector<int> wanted;
    for (size_t i = 0; i < required.size(); ++i) {
      if (!required[i]) continue;
      found->second.required[i] = true;
      mapping[i] = static_cast<int>(wanted.size());
      wanted.push_back(static_cast<int>(i));
    }
    plan = project_columns(std::move(plan), wanted);
    found->second.readers.push_back(plan.get());
    return mapping;
  }

  std::map<int, Cte> ctes_;
};

}  // namespace

void prune_columns(PlanPtr& plan) { Pruner().prune_whole(plan); }

}  // namespace eventd::engine
