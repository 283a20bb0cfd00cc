// Applies that are something simpler: joins, projections, set-returning calls.
#include <algorithm>

#include "engine/plan/decorrelation.h"

namespace eventd::engine {
namespace {

using NodeKind = PlanNode::Kind;

int column_count(const PlanNode& plan) { return static_cast<int>(plan.columns.size()); }

/// The right side of an Apply: projections and filters over one leaf, which is `leaf`.
bool is_chain_over(const PlanNode& plan, NodeKind leaf, bool& filters) {
  const PlanNode* node = &plan;
  while (node->kind == NodeKind::kProject || node->kind == NodeKind::kFilter) {
    filters = filters || node->kind == NodeKind::kFilter;
    node = node->children[0].get();
  }
  return node->kind == leaf;
}

bool projects_columns_only(const PlanNode& plan) {
  for (const PlanNode* node = &plan; node->kind == NodeKind::kProject; node = node->children[0].get()) {
    for (const ExprPtr& expression : node->expressions) {
      if (expression->kind != Expr::Kind::kColumn) return false;
    }
  }
  return true;
}

/// Expressions of the right side, now over left ++ right.
void lift(ExprPtr& expression, int left, const std::vector<ExprPtr>& arguments) {
  shift_columns(*expression, left);
  substitute_outer(expression, arguments);
}

/// The chain's nodes over `base`, whose columns are left's and then those of the leaf.
PlanPtr rebuild(PlanPtr chain, PlanPtr base, int left, const std::vector<ExprPtr>& arguments) {
  if (chain->kind != NodeKind::kProject && chain->kind != NodeKind::kFilter) return base;
  PlanPtr below = rebuild(std::move(chain->children[0]), std::move(base), left, arguments);
  if (chain->kind == NodeKind::kFilter) {
    lift(chain->condition, left, arguments);
    Conjuncts conjuncts;
    split_conjuncts(std::move(chain->condition), conjuncts);
    return filtered(std::move(below), std::move(conjuncts));
  }
  auto project = std::make_unique<PlanNode>(NodeKind::kProject);
  for (int i = 0; i < left; ++i) {
    project->columns.push_back(below->columns[static_cast<size_t>(i)]);
    project->expressions.push_back(column_of(*below, i));
  }
  for (size_t i = 0; i < chain->expressions.size(); ++i) {
    lift(chain->expressions[i], left, arguments);
    project->columns.push_back(std::move(chain->columns[i]));
    project->expressions.push_back(std::move(chain->expressions[i]));
  }
  project->children.push_back(std::move(below));
  return project;
}

void filter_by_own_condition(PlanPtr& plan, ExprPtr condition) {
  Conjuncts conjuncts;
  split_conjuncts(std::move(condition), conjuncts);
  plan = filtered(std::move(plan), std::move(conjuncts));
}

/// f(left's columns) in FROM.
void make_project_set(PlanPtr& plan) {
  PlanPtr chain = std::move(plan->children[1]);
  PlanNode* leaf = chain.get();
  while (leaf->kind != NodeKind::kTableFunction) leaf = leaf->children[0].get();
  auto set = std::make_unique<PlanNode>(NodeKind::kProjectSet);
  const int left = column_count(*plan->children[0]);
  set->columns = plan->children[0]->columns;
  set->columns.insert(set->columns.end(), leaf->columns.begin(), leaf->columns.end());
  set->children.push_back(std::move(plan->children[0]));
  set->ordinality = leaf->ordinality;
  set->join_type = plan->join_type;
  set->alias = leaf->alias;
  SetCall call;
  call.function = leaf->table_function;
  call.column_count = leaf->columns.size() - (leaf->ordinality ? 1 : 0);
  for (ExprPtr& argument : leaf->expressions) {
    lift(argument, left, plan->expressions);
    call.arguments.push_back(std::move(argument));
  }
  set->set_calls.push_back(std::move(call));
  PlanPtr result = rebuild(std::move(chain), std::move(set), left, plan->expressions);
  filter_by_own_condition(result, std::move(plan->condition));
  plan = std::move(result);
}

/// LATERAL (SELECT expressions): one row for each.
void make_project(PlanPtr& plan) {
  const int left = column_count(*plan->children[0]);
  PlanPtr result = rebuild(std::move(plan->children[1]), std::move(plan->children[0]), left,
                           plan->expressions);
  filter_by_own_condition(result, std::move(plan->condition));
  plan = std::move(result);
}

/// LATERAL (SELECT aggregates … WHERE key = outer): always one row.
Result<bool> make_grouped_join(PlanPtr& plan) {
  if (plan->condition != nullptr && plan->join_type != JoinType::kInner) return false;
  ASSIGN_OR_RETURN(DecorrelatedAggregate taken, take_aggregate_correlation(*plan->children[1]));
  if (taken.plan == nullptr) return false;
  const int left = column_count(*plan->children[0]);
  join_onto(taken.conditions, left, plan->expressions);
  PlanPtr join = make_join(JoinType::kLeft, std::move(plan->children[0]), std::move(taken.plan),
                           std::move(taken.conditions));
  auto project = std::make_unique<PlanNode>(NodeKind::kProject);
  project->columns = plan->columns;
  for (int i = 0; i < left; ++i) project->expressions.push_back(column_of(*join, i));
  for (ExprPtr& value : taken.values) {
    shift_columns(*value, left);
    project->expressions.push_back(std::move(value));
  }
  project->children.push_back(std::move(join));
  ExprPtr condition = std::move(plan->condition);
  plan = std::move(project);
  filter_by_own_condition(plan, std::move(condition));
  return true;
}

Result<bool> make_join_of_apply(PlanPtr& plan) {
  ASSIGN_OR_RETURN(Decorrelated taken, take_correlation(plan->children[1]->clone()));
  if (taken.plan == nullptr && first_rows_pay(*plan->children[0])) {
    ASSIGN_OR_RETURN(taken, take_first_correlation(*plan->children[1]));
  }
  if (taken.plan == nullptr) return false;
  const int left = column_count(*plan->children[0]), all = column_count(*plan);
  join_onto(taken.conditions, left, plan->expressions);
  split_conjuncts(std::move(plan->condition), taken.conditions);
  PlanPtr join = make_join(plan->join_type, std::move(plan->children[0]), std::move(taken.plan),
                           std::move(taken.conditions));
  if (column_count(*join) != all) {
    std::vector<int> first(static_cast<size_t>(all));
    for (size_t i = 0; i < first.size(); ++i) first[i] = static_cast<int>(i);
    join = project_columns(std::move(join), first);
  }
  plan = std::move(join);
  return true;
}

}  // namespace

Status simplify_apply(PlanPtr& plan) {
  const PlanNode& right = *plan->children[1];
  const bool inner = plan->join_type == JoinType::kInner;
  const bool repeatable = plan_volatility(right) != Volatility::kVolatile &&
                          std::none_of(plan->expressions.begin(), plan->expressions.end(),
                                       [](const ExprPtr& argument) { return is_volatile(*argument); });
  if (!repeatable) return {};
  bool filters = false;
  if (uses_outer(right) && is_chain_over(right, NodeKind::kTableFunction, filters) &&
      (inner || (!filters && plan->condition == nullptr && projects_columns_only(right)))) {
    make_project_set(plan);
    return {};
  }
  filters = false;
  if (is_chain_over(right, NodeKind::kValues, filters) && (inner || (!filters && plan->condition == nullptr))) {
    const PlanNode* leaf = &right;
    while (leaf->kind != NodeKind::kValues) leaf = leaf->children[0].get();
    if (leaf->columns.empty() && leaf->rows.size() == 1 && right.kind == NodeKind::kProject) {
      make_project(plan);
      return {};
    }
  }
  ASSIGN_OR_RETURN(bool done, make_join_of_apply(plan));
  if (!done) {
    ASSIGN_OR_RETURN(done, make_grouped_join(plan));
  }
  return {};
}

}  // namespace eventd::engine
