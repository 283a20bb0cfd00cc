#include <algorithm>

#include "engine/plan/rules.h"
#include "engine/plan/stack_guard.h"

namespace eventd::engine {
namespace {

using Conjuncts = std::vector<ExprPtr>;

/// ANDs within ANDs too; their depth is bounded by the binders.
void split(ExprPtr condition, Conjuncts& out) {
  if (condition->kind != Expr::Kind::kAnd) {
    out.push_back(std::move(condition));
    return;
  }
  for (ExprPtr& child : condition->children) split(std::move(child), out);
}

ExprPtr join(Conjuncts conjuncts) {
  if (conjuncts.size() == 1) return std::move(conjuncts[0]);
  auto result = std::make_unique<Expr>();
  result->kind = Expr::Kind::kAnd;
  result->type = {oid::kBool, -1};
  result->children = std::move(conjuncts);
  return result;
}

PlanPtr filtered(PlanPtr plan, Conjuncts conjuncts) {
  if (conjuncts.empty()) return plan;
  auto filter = std::make_unique<PlanNode>(PlanNode::Kind::kFilter);
  filter->columns = plan->columns;
  filter->condition = join(std::move(conjuncts));
  filter->children.push_back(std::move(plan));
  return filter;
}

/// Column i becomes a copy of expressions[i].
void substitute(ExprPtr& expression, const std::vector<ExprPtr>& expressions) {
  if (expression->kind == Expr::Kind::kColumn) {
    expression = expressions[static_cast<size_t>(expression->index)]->clone();
    return;
  }
  for (ExprPtr& child : expression->children) substitute(child, expressions);
}

bool reads_only(Expr& expression, const std::vector<ExprPtr>& expressions) {
  bool movable = expression.volatility() != Volatility::kVolatile;
  for_each_column(expression, [&](const Expr& column) {
    const size_t index = static_cast<size_t>(column.index);
    movable = movable && index < expressions.size() &&
              expressions[index]->volatility() != Volatility::kVolatile;
  });
  return movable;
}

Status push(PlanPtr& plan, Conjuncts conjuncts);

/// Those that can be expressed over the node's input go below, the others stay above.
Status push_through(PlanPtr& plan, const std::vector<ExprPtr>& expressions, Conjuncts conjuncts) {
  Conjuncts below, above;
  for (ExprPtr& conjunct : conjuncts) {
    if (reads_only(*conjunct, expressions)) {
      substitute(conjunct, expressions);
      below.push_back(std::move(conjunct));
    } else {
      above.push_back(std::move(conjunct));
    }
  }
  RETURN_IF_ERROR(push(plan->children[0], std::move(below)));
  plan = filtered(std::move(plan), std::move(above));
  return {};
}

Status push(PlanPtr& plan, Conjuncts conjuncts) {
  RETURN_IF_ERROR(check_stack_depth());
  switch (plan->kind) {
    case PlanNode::Kind::kFilter:
      split(std::move(plan->condition), conjuncts);
      plan = std::move(plan->children[0]);
      return push(plan, std::move(conjuncts));
    case PlanNode::Kind::kProject:
      return push_through(plan, plan->expressions, std::move(conjuncts));
    case PlanNode::Kind::kAggregate:
      // Without GROUP BY there is a row even for no input.
      if (plan->group_by.empty() || !plan->grouping_sets.empty()) break;
      return push_through(plan, plan->group_by, std::move(conjuncts));
    case PlanNode::Kind::kSort:
    case PlanNode::Kind::kDistinct:
      return push(plan->children[0], std::move(conjuncts));
    case PlanNode::Kind::kAppend:
      for (PlanPtr& child : plan->children) {
        Conjuncts copies;
        for (const ExprPtr& conjunct : conjuncts) copies.push_back(conjunct->clone());
        RETURN_IF_ERROR(push(child, std::move(copies)));
      }
      return {};
    default:
      break;
  }
  for (PlanPtr& child : plan->children) RETURN_IF_ERROR(push(child, {}));
  plan = filtered(std::move(plan), std::move(conjuncts));
  return {};
}

}  // namespace

Status push_filters(PlanPtr& plan) { return push(plan, {}); }

}  // namespace eventd::engine
