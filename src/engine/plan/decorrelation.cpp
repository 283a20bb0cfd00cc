#include "engine/plan/decorrelation.h"

#include <algorithm>
#include <numeric>

#include "engine/plan/limit_bound.h"
#include "engine/plan/plan_estimate.h"
#include "engine/plan/stack_guard.h"

namespace eventd::engine {
namespace {

/// A run may stop at the first row it finds: for fewer outer rows than that it is cheaper.
constexpr double kFirstRowsMin = 20;

int width(const PlanNode& plan) { return static_cast<int>(plan.columns.size()); }

bool any_outer(const PlanNode& node) {
  bool found = false;
  for_each_expression(const_cast<PlanNode&>(node), [&](const ExprPtr& expression) {
    found = found || has_outer(*expression);
  });
  return found;
}

/// The side of `inner = outer` that reads the plan, when the other one reads only what is outside.
const Expr* correlated_key(const Expr& condition) {
  if (!is_equality(condition)) return nullptr;
  for (const size_t side : {0u, 1u}) {
    const Expr& inner = *condition.children[side];
    const Expr& outer = *condition.children[1 - side];
    const bool columns_inside = reads_columns(inner, 0, 1 << 30) && !has_outer(inner);
    if (columns_inside && !reads_columns(outer, 0, 1 << 30) && has_outer(outer)) return &inner;
  }
  return nullptr;
}

class Taker {
 public:
  /// False: there is a kOuter that cannot be taken out.
  Result<bool> take(PlanPtr& plan, Conjuncts& out) {
    RETURN_IF_ERROR(check_stack_depth());
    if (!uses_outer(*plan)) return true;
    switch (plan->kind) {
      case PlanNode::Kind::kFilter: return take_filter(plan, out);
      case PlanNode::Kind::kProject: return take_project(*plan, out);
      case PlanNode::Kind::kJoin: return take_join(plan, out);
      case PlanNode::Kind::kAggregate: return take_aggregate(plan, out);
      case PlanNode::Kind::kDistinct: return take_distinct(*plan, out);
      case PlanNode::Kind::kSort: {
        if (any_outer(*plan)) return false;
        ASSIGN_OR_RETURN(const bool taken, take(plan->children[0], out));
        plan->columns = plan->children[0]->columns;
        return taken;
      }
      default: return false;
    }
  }

 private:
  Result<bool> take_filter(PlanPtr& plan, Conjuncts& out) {
    ASSIGN_OR_RETURN(const bool taken, take(plan->children[0], out));
    if (!taken) return false;
    Conjuncts own, kept;
    split_conjuncts(std::move(plan->condition), own);
    for (ExprPtr& conjunct : own) {
      if (has_outer(*conjunct) && is_volatile(*conjunct)) return false;
      (has_outer(*conjunct) ? out : kept).push_back(std::move(conjunct));
    }
    PlanPtr child = std::move(plan->children[0]);
    plan = filtered(std::move(child), std::move(kept));
    return true;
  }

  Result<bool> take_project(PlanNode& plan, Conjuncts& out) {
    if (any_outer(plan)) return false;
    Conjuncts below;
    ASSIGN_OR_RETURN(const bool taken, take(plan.children[0], below));
    if (!taken) return false;
    const PlanNode& child = *plan.children[0];
    std::vector<int> mapping(child.columns.size(), -1);
    for (ExprPtr& condition : below) {
      for_each_column(*condition, [&](Expr& column) {
        int& index = mapping[static_cast<size_t>(column.index)];
        if (index < 0) index = deliver(plan, child, column.index);
        column.index = index;
      });
      out.push_back(std::move(condition));
    }
    return true;
  }

  /// The output column that is column `index` of the child.
  static int deliver(PlanNode& project, const PlanNode& child, int index) {
    for (size_t i = 0; i < project.expressions.size(); ++i) {
      const Expr& expression = *project.expressions[i];
      if (expression.kind == Expr::Kind::kColumn && expression.index == index) {
        return static_cast<int>(i);
      }
    }
    project.expressions.push_back(column_of(child, index));
    project.columns.push_back(child.columns[static_cast<size_t>(index)]);
    return width(project) - 1;
  }

  Result<bool> take_join(PlanPtr& plan, Conjuncts& out) {
    const JoinType type = plan->join_type;
    const bool inner = type == JoinType::kInner;
    if (!inner && (type == JoinType::kRight || type == JoinType::kFull ||
                   any_outer(*plan) || uses_outer(*plan->children[1]))) {
      return false;
    }
    const bool left_only = type == JoinType::kSemi || type == JoinType::kAnti;
    const int old_left = width(*plan->children[0]);
    const int old_right = left_only ? 0 : width(*plan->children[1]);
    Conjuncts left, right, own, kept;
    ASSIGN_OR_RETURN(const bool left_taken, take(plan->children[0], left));
    if (!left_taken) return false;
    if (inner) {
      ASSIGN_OR_RETURN(const bool right_taken, take(plan->children[1], right));
      if (!right_taken) return false;
    }
    const int new_left = width(*plan->children[0]);
    const int new_right = left_only ? 0 : width(*plan->children[1]);
    // What was left ++ right, for the join's own condition.
    std::vector<int> moved(static_cast<size_t>(old_left) + plan->children[1]->columns.size());
    for (size_t i = 0; i < moved.size(); ++i) {
      moved[i] = static_cast<int>(i) + (static_cast<int>(i) < old_left ? 0 : new_left - old_left);
    }
    split_conjuncts(std::move(plan->condition), own);
    for (ExprPtr& conjunct : own) {
      remap_columns(*conjunct, moved);
      (inner && has_outer(*conjunct) ? out : kept).push_back(std::move(conjunct));
    }
    for (ExprPtr& condition : right) {
      shift_columns(*condition, new_left);
      out.push_back(std::move(condition));
    }
    std::move(left.begin(), left.end(), std::back_inserter(out));
    plan->condition = join_conjuncts(std::move(kept));
    plan->columns = plan->children[0]->columns;
    if (!left_only) {
      const auto& columns = plan->children[1]->columns;
      plan->columns.insert(plan->columns.end(), columns.begin(), columns.end());
    }
    if (new_left == old_left) return true;
    restore_order(plan, old_left, new_left, old_right, new_right, out);
    return true;
  }

  /// The old columns first, in their order.
  static void restore_order(PlanPtr& plan, int old_left, int new_left, int old_right,
                            int new_right, Conjuncts& out) {
    std::vector<int> order;
    const auto add = [&](int first, int end) {
      for (int i = first; i < end; ++i) order.push_back(i);
    };
    add(0, old_left);
    add(new_left, new_left + old_right);
    add(old_left, new_left);
    add(new_left + old_right, new_left + new_right);
    std::vector<int> mapping(order.size());
    for (size_t i = 0; i < order.size(); ++i) {
      mapping[static_cast<size_t>(order[i])] = static_cast<int>(i);
    }
    for (ExprPtr& condition : out) remap_columns(*condition, mapping);
    plan = project_columns(std::move(plan), order);
  }

  /// Keys that must equal something outside become keys of the groups: of those the right one is
  /// found by the condition.
  Result<bool> take_aggregate(PlanPtr& plan, Conjuncts& out) {
    if (any_outer(*plan) || plan->group_by.empty() || !plan->grouping_sets.empty()) return false;
    Conjuncts below;
    ASSIGN_OR_RETURN(const bool taken, take(plan->children[0], below));
    if (!taken) return false;
    const size_t old_keys = plan->group_by.size(), old_columns = plan->columns.size();
    if (!add_keys(*plan, below, out)) return false;
    const size_t added = plan->group_by.size() - old_keys;
    std::vector<int> order, mapping(plan->columns.size());
    const auto add = [&](size_t first, size_t end) {
      for (size_t i = first; i < end; ++i) order.push_back(static_cast<int>(i));
    };
    add(0, old_keys);
    add(old_keys + added, old_columns + added);
    add(old_keys, old_keys + added);
    for (size_t i = 0; i < order.size(); ++i) {
      mapping[static_cast<size_t>(order[i])] = static_cast<int>(i);
    }
    for (ExprPtr& condition : out) remap_columns(*condition, mapping);
    plan = project_columns(std::move(plan), order);
    return true;
  }

  Result<bool> take_distinct(PlanNode& plan, Conjuncts& out) {
    Conjuncts below;
    ASSIGN_OR_RETURN(const bool taken, take(plan.children[0], below));
    if (!taken) return false;
    // More columns split rows that were equal, but for one outer row all of them are fixed.
    for (const ExprPtr& condition : below) {
      const Expr* key = correlated_key(*condition);
      if (key == nullptr || key->kind != Expr::Kind::kColumn) return false;
    }
    plan.columns = plan.children[0]->columns;
    std::move(below.begin(), below.end(), std::back_inserter(out));
    return true;
  }

 public:
  /// Turns conditions over the Aggregate's input into ones over its output. The output is then
  /// old keys ++ new keys ++ aggregates.
  static bool add_keys(PlanNode& plan, Conjuncts& below, Conjuncts& out) {
    for (ExprPtr& condition : below) {
      const Expr* key = correlated_key(*condition);
      if (key == nullptr || has_subquery(*key)) return false;
      const size_t side = condition->children[0].get() == key ? 0 : 1;
      size_t at = 0;
      while (at < plan.group_by.size() && !plan.group_by[at]->equals(*key)) ++at;
      const Type type = key->type;
      if (at == plan.group_by.size()) {
        plan.columns.insert(plan.columns.begin() + static_cast<std::ptrdiff_t>(at),
                            OutputColumn{"key", type, 0, 0});
        plan.group_by.push_back(std::move(condition->children[side]));
      }
      condition->children[side] = Expr::column(static_cast<int>(at), type);
      out.push_back(std::move(condition));
    }
    return true;
  }
};

/// `project` over `child`, with the columns that the conditions (over the child) read after its own;
/// the conditions follow.
PlanPtr project_over(const PlanNode& project, PlanPtr child, Conjuncts& conditions) {
  auto copy = std::make_unique<PlanNode>(PlanNode::Kind::kProject);
  copy->columns = project.columns;
  for (const ExprPtr& expression : project.expressions) {
    copy->expressions.push_back(expression->clone());
  }
  for (ExprPtr& condition : conditions) {
    for_each_column(*condition, [&](Expr& column) {
      copy->expressions.push_back(column_of(*child, column.index));
      copy->columns.push_back(child->columns[static_cast<size_t>(column.index)]);
      column.index = width(*copy) - 1;
    });
  }
  copy->children.push_back(std::move(child));
  return copy;
}

/// What an aggregate gives for no rows.
enum class ForNoRows { kNull, kZero, kOther };
ForNoRows value_for_no_rows(const AggregateFunction& function) {
  static constexpr std::string_view kZero[] = {"count", "regr_count"};
  static constexpr std::string_view kNull[] = {
      "sum", "avg", "min", "max", "bool_and", "bool_or", "every", "string_agg", "array_agg",
      "jsonb_agg", "json_agg", "stddev", "stddev_pop", "stddev_samp", "variance", "var_pop",
      "var_samp", "first", "last", "mode", "percentile_cont", "percentile_disc"};
  const auto is = [&](std::string_view name) { return name == function.name; };
  if (std::any_of(std::begin(kZero), std::end(kZero), is)) return ForNoRows::kZero;
  return std::any_of(std::begin(kNull), std::end(kNull), is) ? ForNoRows::kNull
                                                             : ForNoRows::kOther;
}

/// Column i of the grouped Aggregate as the ungrouped one had it.
ExprPtr aggregate_value(const AggregateCall& call, int index) {
  ExprPtr column = Expr::column(index, call.type);
  if (value_for_no_rows(*call.function) != ForNoRows::kZero) return column;
  auto value = std::make_unique<Expr>();
  value->kind = Expr::Kind::kCoalesce;
  value->type = call.type;
  value->children.push_back(std::move(column));
  value->children.push_back(Expr::constant_of(Datum::int8(0), call.type));
  return value;
}

}  // namespace

Result<Decorrelated> take_correlation(PlanPtr plan) {
  Decorrelated result;
  ASSIGN_OR_RETURN(const bool taken, Taker().take(plan, result.conditions));
  if (taken && !uses_outer(*plan)) result.plan = std::move(plan);
  return result;
}

Result<DecorrelatedAggregate> take_aggregate_correlation(const PlanNode& plan) {
  DecorrelatedAggregate result;
  const PlanNode* top = &plan;
  const bool projects = top->kind == PlanNode::Kind::kProject;
  if (projects) top = top->children[0].get();
  if (top->kind != PlanNode::Kind::kAggregate || !top->group_by.empty() ||
      !top->grouping_sets.empty() || top->aggregates.empty() || any_outer(*top)) {
    return result;
  }
  for (const AggregateCall& call : top->aggregates) {
    const ForNoRows value = value_for_no_rows(*call.function);
    if (value == ForNoRows::kOther) return result;
    if (value == ForNoRows::kZero && call.type.id != oid::kInt8) return result;
  }
  if (projects) {
    for (const ExprPtr& expression : plan.expressions) {
      if (has_outer(*expression) || has_subquery(*expression) || is_volatile(*expression)) {
        return result;
      }
    }
  }
  PlanPtr grouped = top->clone();
  Conjuncts below;
  ASSIGN_OR_RETURN(const bool taken, Taker().take(grouped->children[0], below));
  if (!taken || below.empty() || uses_outer(*grouped)) return result;
  if (!Taker::add_keys(*grouped, below, result.conditions)) return result;
  const int keys = static_cast<int>(grouped->group_by.size());
  std::vector<ExprPtr> aggregates;
  for (size_t i = 0; i < grouped->aggregates.size(); ++i) {
    aggregates.push_back(aggregate_value(grouped->aggregates[i], keys + static_cast<int>(i)));
  }
  if (projects) {
    for (const ExprPtr& expression : plan.expressions) {
      result.values.push_back(expression->clone());
      substitute_columns(result.values.back(), aggregates);
    }
  } else {
    result.values = std::move(aggregates);
  }
  result.plan = std::move(grouped);
  return result;
}

Result<Decorrelated> take_first_correlation(const PlanNode& plan) {
  Decorrelated result;
  if (plan.kind != PlanNode::Kind::kLimit || rows_needed(plan) != 1u || plan.offset != nullptr) {
    return result;
  }
  std::vector<const PlanNode*> projects;
  const PlanNode* node = plan.children[0].get();
  while (node->kind == PlanNode::Kind::kProject) {
    if (any_outer(*node)) return result;
    projects.push_back(node);
    node = node->children[0].get();
  }
  if (node->kind != PlanNode::Kind::kSort || any_outer(*node)) return result;
  const PlanPtr sort = node->clone();
  ASSIGN_OR_RETURN(Decorrelated taken, take_correlation(std::move(sort->children[0])));
  if (taken.plan == nullptr || taken.conditions.empty()) return result;
  auto first = std::make_unique<PlanNode>(PlanNode::Kind::kDistinctOn);
  first->columns = taken.plan->columns;
  for (const ExprPtr& condition : taken.conditions) {
    const Expr* key = correlated_key(*condition);
    if (key == nullptr || key->kind != Expr::Kind::kColumn) return result;
    first->group_by.push_back(key->clone());
    first->sort_keys.push_back({key->clone(), false, false, false});
  }
  std::move(sort->sort_keys.begin(), sort->sort_keys.end(), std::back_inserter(first->sort_keys));
  first->children.push_back(std::move(taken.plan));
  PlanPtr top = std::move(first);
  for (auto project = projects.rbegin(); project != projects.rend(); ++project) {
    PlanPtr copy = project_over(**project, std::move(top), taken.conditions);
    top = std::move(copy);
  }
  result.plan = std::move(top);
  result.conditions = std::move(taken.conditions);
  return result;
}

bool first_rows_pay(const PlanNode& outer) { return estimate_rows(outer) >= kFirstRowsMin; }

PlanPtr make_join(JoinType type, PlanPtr left, PlanPtr right, Conjuncts conditions) {
  auto join = std::make_unique<PlanNode>(PlanNode::Kind::kJoin);
  join->join_type = type;
  join->columns = left->columns;
  if (type != JoinType::kSemi && type != JoinType::kAnti) {
    join->columns.insert(join->columns.end(), right->columns.begin(), right->columns.end());
  }
  join->children.push_back(std::move(left));
  join->children.push_back(std::move(right));
  join->condition = join_conjuncts(std::move(conditions));
  return join;
}

void join_onto(Conjuncts& conditions, int left_columns, const std::vector<ExprPtr>& arguments) {
  for (ExprPtr& condition : conditions) {
    shift_columns(*condition, left_columns);
    substitute_outer(condition, arguments);
  }
}

}  // namespace eventd::engine
