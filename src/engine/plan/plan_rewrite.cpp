#include "engine/plan/plan_rewrite.h"

#include <algorithm>

namespace eventd::engine {
namespace {

using Kind = Expr::Kind;

/// NULL when all columns in [first, end) are.
bool null_for_nulls(const Expr& expression, int first, int end) {
  const auto child = [&](size_t i) { return null_for_nulls(*expression.children[i], first, end); };
  switch (expression.kind) {
    case Kind::kColumn: return expression.index >= first && expression.index < end;
    case Kind::kConstant: return expression.constant.is_null();
    case Kind::kCall:
      if (!expression.function->strict) return false;
      for (size_t i = 0; i < expression.children.size(); ++i) {
        if (child(i)) return true;
      }
      return false;
    case Kind::kRelabel:
    case Kind::kNot:
    case Kind::kNullIf:
    case Kind::kInList:
    case Kind::kPayloadPath: return child(0);
    case Kind::kAnd:
    case Kind::kOr:
      for (size_t i = 0; i < expression.children.size(); ++i) {
        if (!child(i)) return false;
      }
      return true;
    default: return false;
  }
}

}  // namespace

void split_conjuncts(ExprPtr condition, Conjuncts& out) {
  if (condition == nullptr) return;
  if (condition->kind != Kind::kAnd) {
    out.push_back(std::move(condition));
    return;
  }
  for (ExprPtr& child : condition->children) split_conjuncts(std::move(child), out);
}

ExprPtr join_conjuncts(Conjuncts conjuncts) {
  if (conjuncts.empty()) return nullptr;
  if (conjuncts.size() == 1) return std::move(conjuncts[0]);
  std::stable_partition(conjuncts.begin(), conjuncts.end(),
                        [](const ExprPtr& conjunct) { return !has_subquery(*conjunct); });
  auto result = std::make_unique<Expr>();
  result->kind = Kind::kAnd;
  result->type = {oid::kBool, -1};
  result->children = std::move(conjuncts);
  return result;
}

PlanPtr filtered(PlanPtr plan, Conjuncts conjuncts) {
  if (conjuncts.empty()) return plan;
  auto filter = std::make_unique<PlanNode>(PlanNode::Kind::kFilter);
  filter->columns = plan->columns;
  filter->condition = join_conjuncts(std::move(conjuncts));
  filter->children.push_back(std::move(plan));
  return filter;
}

PlanPtr empty_like(const PlanNode& plan) {
  auto values = std::make_unique<PlanNode>(PlanNode::Kind::kValues);
  values->columns = plan.columns;
  return values;
}

bool is_empty(const PlanNode& plan) {
  return plan.kind == PlanNode::Kind::kValues && plan.rows.empty();
}

ExprPtr column_of(const PlanNode& plan, int index) {
  return Expr::column(index, plan.columns[static_cast<size_t>(index)].type);
}

PlanPtr project_columns(PlanPtr plan, const std::vector<int>& indexes) {
  auto project = std::make_unique<PlanNode>(PlanNode::Kind::kProject);
  for (const int index : indexes) {
    project->columns.push_back(plan->columns[static_cast<size_t>(index)]);
    project->expressions.push_back(column_of(*plan, index));
  }
  project->children.push_back(std::move(plan));
  return project;
}

void substitute_columns(ExprPtr& expression, const std::vector<ExprPtr>& expressions) {
  if (expression->kind == Kind::kColumn) {
    expression = expressions[static_cast<size_t>(expression->index)]->clone();
    return;
  }
  for (ExprPtr& child : expression->children) substitute_columns(child, expressions);
}

void substitute_outer(ExprPtr& expression, const std::vector<ExprPtr>& arguments) {
  if (expression->kind == Kind::kOuter) {
    expression = arguments[static_cast<size_t>(expression->index)]->clone();
    return;
  }
  for (ExprPtr& child : expression->children) substitute_outer(child, arguments);
}

void shift_columns(Expr& expression, int by) {
  for_each_column(expression, [by](Expr& column) { column.index += by; });
}

void remap_columns(Expr& expression, const std::vector<int>& mapping) {
  for_each_column(expression, [&](Expr& column) {
    column.index = mapping[static_cast<size_t>(column.index)];
  });
}

bool has_subquery(const Expr& expression) {
  return expression.subquery != nullptr ||
         std::any_of(expression.children.begin(), expression.children.end(),
                     [](const ExprPtr& child) { return has_subquery(*child); });
}

bool has_outer(const Expr& expression) {
  return expression.kind == Kind::kOuter ||
         std::any_of(expression.children.begin(), expression.children.end(),
                     [](const ExprPtr& child) { return has_outer(*child); });
}

bool is_volatile(const Expr& expression) {
  return expression.volatility() == Volatility::kVolatile;
}

bool reads_columns(const Expr& expression, int first, int end) {
  if (expression.kind == Kind::kColumn) return expression.index >= first && expression.index < end;
  return std::any_of(expression.children.begin(), expression.children.end(),
                     [&](const ExprPtr& child) { return reads_columns(*child, first, end); });
}

bool reads_only_columns(const Expr& expression, int first, int end) {
  if (expression.kind == Kind::kColumn) return expression.index >= first && expression.index < end;
  return std::all_of(expression.children.begin(), expression.children.end(),
                     [&](const ExprPtr& child) { return reads_only_columns(*child, first, end); });
}

bool is_true(const Expr& expression) {
  return expression.kind == Kind::kConstant && !expression.constant.is_null() &&
         expression.constant.as<bool>();
}

bool is_false_or_null(const Expr& expression) {
  return expression.kind == Kind::kConstant &&
         (expression.constant.is_null() || !expression.constant.as<bool>());
}

bool uses_outer(const PlanNode& plan) {
  bool found = false;
  // The visitors take a mutable node for rules; nothing is changed here.
  for_each_frame_expression(const_cast<PlanNode&>(plan), [&](const ExprPtr& expression) {
    found = found || has_outer(*expression);
  });
  return found;
}

namespace {

bool expression_contains(const Expr& expression, PlanNode::Kind kind) {
  if (expression.subquery != nullptr && contains_node(*expression.subquery->plan, kind)) {
    return true;
  }
  return std::any_of(expression.children.begin(), expression.children.end(),
                     [&](const ExprPtr& child) { return expression_contains(*child, kind); });
}

}  // namespace

bool contains_node(const PlanNode& plan, PlanNode::Kind kind) {
  bool found = plan.kind == kind;
  for_each_expression(const_cast<PlanNode&>(plan), [&](const ExprPtr& expression) {
    found = found || expression_contains(*expression, kind);
  });
  return found || std::any_of(plan.children.begin(), plan.children.end(),
                              [&](const PlanPtr& child) { return contains_node(*child, kind); });
}

bool is_equality(const Expr& expression) {
  if (expression.kind != Kind::kCall || expression.children.size() != 2) return false;
  const Operator* op = FunctionCatalog::instance().find_operator(
      "=", expression.children[0]->type.id, expression.children[1]->type.id);
  if (op != nullptr) return op->function == expression.function;
  // Operands under a relabelling (varchar as text) compare as what the function takes.
  if (expression.function->arguments.size() != 2) return false;
  op = FunctionCatalog::instance().find_operator("=", expression.function->arguments[0],
                                                 expression.function->arguments[1]);
  return op != nullptr && op->function == expression.function;
}

bool rejects_nulls(const Expr& condition, int first, int end) {
  const auto rejects = [&](const ExprPtr& child) { return rejects_nulls(*child, first, end); };
  const std::vector<ExprPtr>& children = condition.children;
  switch (condition.kind) {
    case Kind::kAnd: return std::any_of(children.begin(), children.end(), rejects);
    case Kind::kOr: return std::all_of(children.begin(), children.end(), rejects);
    case Kind::kIsTrue: return rejects(children[0]);
    case Kind::kIsNotNull:
    case Kind::kIsFalse:
    case Kind::kIsNotUnknown: return null_for_nulls(*children[0], first, end);
    default: return null_for_nulls(condition, first, end);
  }
}

}  // namespace eventd::engine
