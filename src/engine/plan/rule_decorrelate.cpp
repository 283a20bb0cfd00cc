// Queries in conditions and targets become joins, where one join gives what many runs would.
#include <algorithm>

#include "engine/plan/decorrelation.h"
#include "engine/plan/raises_nothing.h"
#include "engine/plan/stack_guard.h"

namespace eventd::engine {
namespace {

using NodeKind = PlanNode::Kind;

int outer_width(const PlanNode& plan) { return static_cast<int>(plan.columns.size()); }

bool any_volatile(const std::vector<ExprPtr>& expressions) {
  return std::any_of(expressions.begin(), expressions.end(),
                     [](const ExprPtr& expression) { return is_volatile(*expression); });
}

bool is_at_least_one(const ExprPtr& count) {
  if (count == nullptr) return true;
  if (count->kind != Expr::Kind::kConstant) return false;
  return count->constant.is_null() || count->constant.as<int64_t>() > 0;
}

/// Whether there is a row does not change by what these do.
PlanPtr strip_for_exists(PlanPtr plan) {
  for (;;) {
    bool strips = plan->kind == NodeKind::kSort || plan->kind == NodeKind::kDistinct ||
                  plan->kind == NodeKind::kDistinctOn;
    if (plan->kind == NodeKind::kProject) strips = !any_volatile(plan->expressions);
    if (plan->kind == NodeKind::kLimit) strips = is_at_least_one(plan->limit) && plan->offset == nullptr;
    if (plan->kind == NodeKind::kAggregate) {
      strips = !plan->group_by.empty() && plan->grouping_sets.empty();
    }
    if (!strips) return plan;
    PlanPtr child = std::move(plan->children[0]);
    plan = std::move(child);
  }
}

/// Columns that a NULL never comes from: NOT NULL ones of a relation, through what passes on.
bool never_null(const PlanNode& plan, const Expr& expression) {
  if (expression.kind == Expr::Kind::kConstant) return !expression.constant.is_null();
  if (expression.kind == Expr::Kind::kRelabel) return never_null(plan, *expression.children[0]);
  if (expression.kind != Expr::Kind::kColumn) return false;
  const size_t index = static_cast<size_t>(expression.index);
  switch (plan.kind) {
    case NodeKind::kScan: {
      const ScanColumn& column = plan.scan_columns[index];
      return column.extract == ScanColumn::Extract::kNone &&
             plan.relation->columns()[static_cast<size_t>(column.column)].not_null;
    }
    case NodeKind::kProject: return never_null(*plan.children[0], *plan.expressions[index]);
    case NodeKind::kFilter:
    case NodeKind::kSort:
    case NodeKind::kLimit:
    case NodeKind::kDistinct:
    case NodeKind::kDistinctOn: return never_null(*plan.children[0], expression);
    case NodeKind::kJoin: {
      const size_t left = plan.children[0]->columns.size();
      const bool from_left = index < left;
      const JoinType type = plan.join_type;
      const bool extended = type == JoinType::kFull ||
                            (from_left ? type == JoinType::kRight : type == JoinType::kLeft);
      if (extended) return false;
      if (from_left) return never_null(*plan.children[0], expression);
      return never_null(*plan.children[1],
                        *Expr::column(expression.index - static_cast<int>(left), expression.type));
    }
    default: return false;
  }
}

/// NOT IN is an anti join only if `=` cannot be NULL.
bool comparison_never_null(const Expr& comparison, const PlanNode& inner, const PlanNode& outer,
                           const std::vector<ExprPtr>& arguments) {
  if (comparison.kind == Expr::Kind::kAnd) {
    return std::all_of(comparison.children.begin(), comparison.children.end(),
                       [&](const ExprPtr& child) {
                         return comparison_never_null(*child, inner, outer, arguments);
                       });
  }
  if (!is_equality(comparison)) return false;
  return std::all_of(
      comparison.children.begin(), comparison.children.end(), [&](const ExprPtr& operand) {
        if (operand->kind == Expr::Kind::kOuter) {
          return never_null(outer, *arguments[static_cast<size_t>(operand->index)]);
        }
        return never_null(inner, *operand);
      });
}

/// EXISTS, IN and their negations as a join of `input`. False: it stays as it is.
Result<bool> join_condition(PlanPtr& input, const Expr& conjunct) {
  const bool negated = conjunct.kind == Expr::Kind::kNot;
  const Expr& test = negated ? *conjunct.children[0] : conjunct;
  if (test.kind != Expr::Kind::kSubquery || any_volatile(test.children)) return false;
  const Subquery& subquery = *test.subquery;
  const bool exists = subquery.kind == Subquery::Kind::kExists;
  if (!exists && subquery.kind != Subquery::Kind::kAny) return false;
  // Without arguments EXISTS is the same for all rows: it runs once.
  if (exists && test.children.empty()) return false;
  if (plan_volatility(*subquery.plan) == Volatility::kVolatile) return false;
  PlanPtr plan = subquery.plan->clone();
  if (exists) {
    plan = strip_for_exists(std::move(plan));
  } else if (subquery.comparison == nullptr || is_volatile(*subquery.comparison) ||
             has_subquery(*subquery.comparison)) {
    return false;
  } else if (negated && !comparison_never_null(*subquery.comparison, *plan, *input,
                                               test.children)) {
    return false;
  }
  ASSIGN_OR_RETURN(Decorrelated taken, take_correlation(std::move(plan)));
  if (taken.plan == nullptr) return false;
  if (exists && taken.conditions.empty()) return false;
  if (!exists) taken.conditions.push_back(subquery.comparison->clone());
  join_onto(taken.conditions, outer_width(*input), test.children);
  input = make_join(negated ? JoinType::kAnti : JoinType::kSemi, std::move(input),
                    std::move(taken.plan), std::move(taken.conditions));
  return true;
}

/// True when a row may be done with the expression before it comes to that child.
bool skips_child(const Expr& expression, size_t child) {
  return child > 0 &&
         (expression.kind == Expr::Kind::kCase || expression.kind == Expr::Kind::kCoalesce);
}

/// Nothing to see of it where its value is not asked for.
bool may_run_for_all(const Expr& subquery) {
  return std::all_of(subquery.children.begin(), subquery.children.end(),
                     [](const ExprPtr& argument) { return raises_nothing(*argument); }) &&
         raises_nothing(*subquery.subquery->plan);
}

/// Replaces scalar aggregates of correlated rows by columns of a left join, which widens `input`.
/// `skipped`: not every row asks for the value.
Status join_scalars(ExprPtr& expression, PlanPtr& input, bool skipped = false) {
  RETURN_IF_ERROR(check_stack_depth());
  for (size_t i = 0; i < expression->children.size(); ++i) {
    RETURN_IF_ERROR(join_scalars(expression->children[i], input,
                                 skipped || skips_child(*expression, i)));
  }
  if (expression->kind != Expr::Kind::kSubquery ||
      expression->subquery->kind != Subquery::Kind::kScalar || expression->children.empty() ||
      any_volatile(expression->children)) {
    return {};
  }
  const PlanNode& plan = *expression->subquery->plan;
  if (plan_volatility(plan) == Volatility::kVolatile) return {};
  if (skipped && !may_run_for_all(*expression)) return {};
  ASSIGN_OR_RETURN(DecorrelatedAggregate taken, take_aggregate_correlation(plan));
  if (taken.plan == nullptr && first_rows_pay(*input)) {
    ASSIGN_OR_RETURN(Decorrelated first, take_first_correlation(plan));
    taken.plan = std::move(first.plan);
    taken.conditions = std::move(first.conditions);
    if (taken.plan != nullptr) taken.values.push_back(column_of(*taken.plan, 0));
  }
  if (taken.plan == nullptr) return {};
  const int left = outer_width(*input);
  join_onto(taken.conditions, left, expression->children);
  input = make_join(JoinType::kLeft, std::move(input), std::move(taken.plan),
                    std::move(taken.conditions));
  const int position = expression->position;
  expression = std::move(taken.values[0]);
  shift_columns(*expression, left);
  expression->position = position;
  return {};
}

Status join_all_scalars(std::vector<ExprPtr>& expressions, PlanPtr& input) {
  for (ExprPtr& expression : expressions) {
    if (has_subquery(*expression)) RETURN_IF_ERROR(join_scalars(expression, input));
  }
  return {};
}

Status decorrelate_filter(PlanPtr& plan) {
  Conjuncts conjuncts, kept;
  split_conjuncts(std::move(plan->condition), conjuncts);
  PlanPtr input = std::move(plan->children[0]);
  const int columns = outer_width(*input);
  // Cheap conditions below the joins: push_filters() takes them further.
  for (ExprPtr& conjunct : conjuncts) {
    bool joined = false;
    if (has_subquery(*conjunct)) {
      ASSIGN_OR_RETURN(joined, join_condition(input, *conjunct));
    }
    if (!joined) kept.push_back(std::move(conjunct));
  }
  RETURN_IF_ERROR(join_all_scalars(kept, input));
  const bool widened = outer_width(*input) != columns;
  plan = filtered(std::move(input), std::move(kept));
  if (!widened) return {};
  std::vector<int> first(static_cast<size_t>(columns));
  for (size_t i = 0; i < first.size(); ++i) first[i] = static_cast<int>(i);
  plan = project_columns(std::move(plan), first);
  return {};
}

Status decorrelate_aggregate(PlanNode& plan) {
  RETURN_IF_ERROR(join_all_scalars(plan.group_by, plan.children[0]));
  for (AggregateCall& call : plan.aggregates) {
    RETURN_IF_ERROR(join_all_scalars(call.arguments, plan.children[0]));
  }
  return {};
}

Status decorrelate_expression(Expr& expression) {
  RETURN_IF_ERROR(check_stack_depth());
  for (ExprPtr& child : expression.children) RETURN_IF_ERROR(decorrelate_expression(*child));
  if (expression.subquery == nullptr) return {};
  return decorrelate(expression.subquery->plan);
}

}  // namespace

Status decorrelate(PlanPtr& plan) {
  RETURN_IF_ERROR(check_stack_depth());
  for (PlanPtr& child : plan->children) RETURN_IF_ERROR(decorrelate(child));
  bool queries = false;
  Status status;
  for_each_expression(*plan, [&](ExprPtr& expression) {
    if (!status.ok() || !has_subquery(*expression)) return;
    queries = true;
    status = decorrelate_expression(*expression);
  });
  if (!status.ok()) return status;
  if (plan->kind == NodeKind::kApply) return simplify_apply(plan);
  if (!queries) return {};
  switch (plan->kind) {
    case NodeKind::kFilter: return decorrelate_filter(plan);
    case NodeKind::kProject: return join_all_scalars(plan->expressions, plan->children[0]);
    case NodeKind::kAggregate: return decorrelate_aggregate(*plan);
    default: return {};
  }
}

}  // namespace eventd::engine
