#include <algorithm>

#include "engine/plan/filter_pushdown.h"
#include "engine/plan/stack_guard.h"

namespace eventd::engine {
namespace {

/// Whether the condition may be evaluated over the inputs of `expressions` instead. A query among
/// them would run twice.
bool movable_through(Expr& condition, const std::vector<ExprPtr>& expressions) {
  if (is_volatile(condition)) return false;
  bool movable = true;
  for_each_column(condition, [&](const Expr& column) {
    const size_t index = static_cast<size_t>(column.index);
    movable = movable && index < expressions.size() && !has_subquery(*expressions[index]) &&
              !is_volatile(*expressions[index]);
  });
  return movable;
}

/// Whether the condition reads nothing but columns that are `keys` themselves.
bool reads_keys_only(Expr& condition, const std::vector<ExprPtr>& keys) {
  bool only = !is_volatile(condition);
  for_each_column(condition, [&](const Expr& column) {
    only = only && std::any_of(keys.begin(), keys.end(), [&](const ExprPtr& key) {
             return key->kind == Expr::Kind::kColumn && key->index == column.index;
           });
  });
  return only;
}

/// Copies would have several nodes of one CTE.
bool may_copy(const Expr& condition) { return !has_subquery(condition); }

/// Of the conjuncts those that `moves` go into the child, the others stay above.
template <class Moves>
Status push_some(PlanPtr& plan, Conjuncts conjuncts, const Moves& moves) {
  Conjuncts below, above;
  for (ExprPtr& conjunct : conjuncts) {
    (moves(conjunct) ? below : above).push_back(std::move(conjunct));
  }
  RETURN_IF_ERROR(push_conjuncts(plan->children[0], std::move(below)));
  plan = filtered(std::move(plan), std::move(above));
  return {};
}

/// Those that can be expressed over the node's input go below, the others stay above.
Status push_through(PlanPtr& plan, const std::vector<ExprPtr>& expressions, Conjuncts conjuncts) {
  return push_some(plan, std::move(conjuncts), [&](ExprPtr& conjunct) {
    if (!movable_through(*conjunct, expressions)) return false;
    substitute_columns(conjunct, expressions);
    return true;
  });
}

/// A key outside a grouping set is NULL there: only keys of all sets say something of the input.
Status push_through_groups(PlanPtr& plan, Conjuncts conjuncts) {
  const auto in_all_sets = [&](Expr& conjunct) {
    bool all = true;
    for_each_column(conjunct, [&](const Expr& column) {
      for (const std::vector<int>& set : plan->grouping_sets) {
        all = all && std::find(set.begin(), set.end(), column.index) != set.end();
      }
    });
    return all;
  };
  return push_some(plan, std::move(conjuncts), [&](ExprPtr& conjunct) {
    // Without a column it must not empty the input: a set without keys has a row for no input.
    if (!plan->grouping_sets.empty() &&
        (!reads_columns(*conjunct, 0, static_cast<int>(plan->columns.size())) ||
         !in_all_sets(*conjunct))) {
      return false;
    }
    if (!movable_through(*conjunct, plan->group_by)) return false;
    substitute_columns(conjunct, plan->group_by);
    return true;
  });
}

/// Into every child: UNION ALL, INTERSECT, EXCEPT.
Status push_into_all(PlanPtr& plan, Conjuncts conjuncts) {
  Conjuncts above;
  std::vector<Conjuncts> below(plan->children.size());
  for (ExprPtr& conjunct : conjuncts) {
    if (!may_copy(*conjunct) || is_volatile(*conjunct)) {
      above.push_back(std::move(conjunct));
      continue;
    }
    for (Conjuncts& copies : below) copies.push_back(conjunct->clone());
  }
  for (size_t i = 0; i < plan->children.size(); ++i) {
    RETURN_IF_ERROR(push_conjuncts(plan->children[i], std::move(below[i])));
  }
  plan = filtered(std::move(plan), std::move(above));
  return {};
}

}  // namespace

Status push_conjuncts(PlanPtr& plan, Conjuncts conjuncts) {
  RETURN_IF_ERROR(check_stack_depth());
  const auto child_columns = [&] { return static_cast<int>(plan->children[0]->columns.size()); };
  switch (plan->kind) {
    case PlanNode::Kind::kFilter: {
      split_conjuncts(std::move(plan->condition), conjuncts);
      PlanPtr child = std::move(plan->children[0]);
      plan = std::move(child);
      return push_conjuncts(plan, std::move(conjuncts));
    }
    case PlanNode::Kind::kProject:
      return push_through(plan, plan->expressions, std::move(conjuncts));
    case PlanNode::Kind::kAggregate:
      // Without GROUP BY there is a row even for no input.
      if (plan->group_by.empty()) break;
      return push_through_groups(plan, std::move(conjuncts));
    case PlanNode::Kind::kSort:
      return push_conjuncts(plan->children[0], std::move(conjuncts));
    case PlanNode::Kind::kDistinct:
      return push_some(plan, std::move(conjuncts),
                       [](ExprPtr& conjunct) { return !is_volatile(*conjunct); });
    case PlanNode::Kind::kDistinctOn:
    case PlanNode::Kind::kWindow:
      return push_some(plan, std::move(conjuncts), [&](ExprPtr& conjunct) {
        return reads_only_columns(*conjunct, 0, child_columns()) &&
               reads_keys_only(*conjunct, plan->group_by);
      });
    case PlanNode::Kind::kGapFill:
      // Without keys there are rows even for no input.
      if (plan->group_by.empty()) break;
      return push_some(plan, std::move(conjuncts), [&](ExprPtr& conjunct) {
        return reads_only_columns(*conjunct, 0, child_columns()) && !is_volatile(*conjunct) &&
               reads_keys_only(*conjunct, plan->group_by);
      });
    case PlanNode::Kind::kProjectSet:
      return push_some(plan, std::move(conjuncts), [&](ExprPtr& conjunct) {
        return reads_only_columns(*conjunct, 0, child_columns()) && !is_volatile(*conjunct);
      });
    case PlanNode::Kind::kAppend:
    case PlanNode::Kind::kSetOperation:
      return push_into_all(plan, std::move(conjuncts));
    case PlanNode::Kind::kWith:
      for (size_t i = 0; i + 1 < plan->children.size(); ++i) {
        RETURN_IF_ERROR(push_conjuncts(plan->children[i], {}));
      }
      return push_conjuncts(plan->children.back(), std::move(conjuncts));
    case PlanNode::Kind::kJoin:
    case PlanNode::Kind::kApply:
      return push_into_join(plan, std::move(conjuncts));
    default:
      break;
  }
  for (PlanPtr& child : plan->children) RETURN_IF_ERROR(push_conjuncts(child, {}));
  plan = filtered(std::move(plan), std::move(conjuncts));
  return {};
}

Status push_filters(PlanPtr& plan) { return push_conjuncts(plan, {}); }

}  // namespace eventd::engine
