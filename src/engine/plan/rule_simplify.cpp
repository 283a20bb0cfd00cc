// What can be left out: inputs without rows, sorts nobody sees, projections over projections.
#include <algorithm>
#include <map>

#include "engine/plan/plan_rewrite.h"
#include "engine/plan/stack_guard.h"

namespace eventd::engine {
namespace {

using NodeKind = PlanNode::Kind;

void replace_by_child(PlanPtr& plan, size_t child = 0) {
  PlanPtr kept = std::move(plan->children[child]);
  plan = std::move(kept);
}

bool is_zero(const ExprPtr& count) {
  return count != nullptr && count->kind == Expr::Kind::kConstant && !count->constant.is_null() &&
         count->constant.as<int64_t>() == 0;
}

bool is_identity(const PlanNode& project) {
  if (project.expressions.size() != project.children[0]->columns.size()) return false;
  for (size_t i = 0; i < project.expressions.size(); ++i) {
    const Expr& expression = *project.expressions[i];
    if (expression.kind != Expr::Kind::kColumn || expression.index != static_cast<int>(i)) {
      return false;
    }
  }
  return true;
}

/// Project over Project as one, unless something would be computed twice.
void merge_projects(PlanNode& upper) {
  PlanNode& lower = *upper.children[0];
  std::vector<int> uses(lower.expressions.size(), 0);
  for (ExprPtr& expression : upper.expressions) {
    for_each_column(*expression, [&](const Expr& column) {
      ++uses[static_cast<size_t>(column.index)];
    });
  }
  for (size_t i = 0; i < uses.size(); ++i) {
    const Expr& expression = *lower.expressions[i];
    const bool simple = expression.kind == Expr::Kind::kColumn ||
                        expression.kind == Expr::Kind::kConstant ||
                        expression.kind == Expr::Kind::kOuter;
    if (is_volatile(expression) || (!simple && uses[i] > 1)) return;
  }
  for (ExprPtr& expression : upper.expressions) substitute_columns(expression, lower.expressions);
  PlanPtr below = std::move(lower.children[0]);
  upper.children[0] = std::move(below);
}

/// left's columns and NULLs for those of the right side.
void null_extend(PlanPtr& join) {
  auto project = std::make_unique<PlanNode>(NodeKind::kProject);
  const size_t left = join->children[0]->columns.size();
  for (size_t i = 0; i < join->columns.size(); ++i) {
    const Type type = join->columns[i].type;
    project->expressions.push_back(i < left ? Expr::column(static_cast<int>(i), type)
                                            : Expr::constant_of(Datum::null(type.id), type));
  }
  project->columns = std::move(join->columns);
  project->children.push_back(std::move(join->children[0]));
  join = std::move(project);
}

void simplify_join(PlanPtr& plan) {
  const bool left_empty = is_empty(*plan->children[0]);
  const bool right_empty = is_empty(*plan->children[1]);
  if (!left_empty && !right_empty) return;
  switch (plan->join_type) {
    case JoinType::kInner:
    case JoinType::kSemi: plan = empty_like(*plan); break;
    case JoinType::kLeft:
      if (left_empty) {
        plan = empty_like(*plan);
      } else {
        null_extend(plan);
      }
      break;
    case JoinType::kAnti:
      if (left_empty) {
        plan = empty_like(*plan);
      } else {
        replace_by_child(plan);
      }
      break;
    case JoinType::kRight:
      if (right_empty) plan = empty_like(*plan);
      break;
    case JoinType::kFull:
      if (left_empty && right_empty) {
        plan = empty_like(*plan);
      } else if (right_empty) {
        null_extend(plan);
      }
      break;
  }
}

void simplify_append(PlanPtr& plan) {
  std::erase_if(plan->children, [](const PlanPtr& child) { return is_empty(*child); });
  if (plan->children.empty()) {
    plan = empty_like(*plan);
  } else if (plan->children.size() == 1) {
    replace_by_child(plan);
  }
}

/// Whether no two rows are equal.
bool is_unique(const PlanNode& plan) {
  switch (plan.kind) {
    case NodeKind::kDistinct: return true;
    case NodeKind::kSetOperation: return !plan.set_all;
    case NodeKind::kAggregate: return plan.grouping_sets.empty();
    case NodeKind::kFilter:
    case NodeKind::kSort:
    case NodeKind::kLimit: return is_unique(*plan.children[0]);
    case NodeKind::kProject: {
      const PlanNode& child = *plan.children[0];
      const bool grouped = child.kind == NodeKind::kAggregate && child.grouping_sets.empty();
      if (!grouped && !(child.kind == NodeKind::kDistinct)) return false;
      const size_t keys = grouped ? child.group_by.size() : child.columns.size();
      for (size_t key = 0; key < keys; ++key) {
        const bool kept = std::any_of(
            plan.expressions.begin(), plan.expressions.end(), [&](const ExprPtr& expression) {
              return expression->kind == Expr::Kind::kColumn &&
                     expression->index == static_cast<int>(key);
            });
        if (!kept) return false;
      }
      return true;
    }
    default: return false;
  }
}

/// Whether the order of its input is seen in the result of a call.
bool sees_order(const AggregateCall& call) {
  static constexpr std::string_view kBlind[] = {
      "count", "sum", "avg", "min", "max", "bool_and", "bool_or", "every", "stddev", "stddev_pop",
      "stddev_samp", "variance", "var_pop", "var_samp", "bit_and", "bit_or"};
  return call.order.empty() &&
         std::none_of(std::begin(kBlind), std::end(kBlind),
                      [&](std::string_view name) { return name == call.function->name; });
}

/// Whether the order of a child's rows shows, when that of the node's rows shows (or not).
bool shows_order(const PlanNode& node, size_t child, bool shown) {
  switch (node.kind) {
    case NodeKind::kSort:
    case NodeKind::kDistinct:
    case NodeKind::kDistinctOn:
    case NodeKind::kGapFill:
    case NodeKind::kSetOperation: return false;
    case NodeKind::kAggregate:
      return std::any_of(node.aggregates.begin(), node.aggregates.end(), sees_order);
    case NodeKind::kWindow: return node.sort_keys.empty();
    case NodeKind::kJoin: return child == 0 && shown;
    case NodeKind::kFilter:
    case NodeKind::kProject:
    case NodeKind::kAppend:
    case NodeKind::kProjectSet: return shown;
    case NodeKind::kApply: return child == 1 || shown;
    case NodeKind::kWith: return child + 1 < node.children.size() || shown;
    default: return true;
  }
}

class Simplifier {
 public:
  Status run(PlanPtr& plan, bool order_shows) {
    RETURN_IF_ERROR(check_stack_depth());
    while (plan->kind == NodeKind::kSort && !order_shows) replace_by_child(plan);
    for (size_t i = 0; i < plan->children.size(); ++i) {
      RETURN_IF_ERROR(run(plan->children[i], shows_order(*plan, i, order_shows)));
    }
    Status status;
    for_each_expression(*plan, [&](ExprPtr& expression) {
      if (status.ok()) status = run_queries(*expression);
    });
    if (!status.ok()) return status;
    node(plan);
    return {};
  }

 private:
  Status run_queries(Expr& expression) {
    RETURN_IF_ERROR(check_stack_depth());
    for (ExprPtr& child : expression.children) RETURN_IF_ERROR(run_queries(*child));
    if (expression.subquery == nullptr) return {};
    const bool order_shows = expression.subquery->kind == Subquery::Kind::kArray ||
                             expression.subquery->kind == Subquery::Kind::kScalar;
    return run(expression.subquery->plan, order_shows);
  }

  static void node(PlanPtr& plan) {
    switch (plan->kind) {
      case NodeKind::kFilter:
        if (is_true(*plan->condition)) {
          replace_by_child(plan);
        } else if (is_false_or_null(*plan->condition) || is_empty(*plan->children[0])) {
          plan = empty_like(*plan);
        }
        return;
      case NodeKind::kProject:
        if (is_empty(*plan->children[0])) {
          plan = empty_like(*plan);
          return;
        }
        while (plan->children[0]->kind == NodeKind::kProject) {
          const PlanNode* below = plan->children[0].get();
          merge_projects(*plan);
          if (plan->children[0].get() == below) break;
        }
        if (is_identity(*plan)) replace_by_child(plan);
        return;
      case NodeKind::kLimit:
        if (is_zero(plan->limit) || is_empty(*plan->children[0])) plan = empty_like(*plan);
        return;
      case NodeKind::kSort:
      case NodeKind::kDistinctOn:
      case NodeKind::kWindow:
      case NodeKind::kProjectSet:
        if (is_empty(*plan->children[0])) plan = empty_like(*plan);
        return;
      case NodeKind::kAggregate:
        if (is_empty(*plan->children[0]) && !plan->group_by.empty() &&
            plan->grouping_sets.empty()) {
          plan = empty_like(*plan);
        }
        return;
      case NodeKind::kGapFill:
        if (is_empty(*plan->children[0]) && !plan->group_by.empty()) plan = empty_like(*plan);
        return;
      case NodeKind::kDistinct:
        if (is_empty(*plan->children[0])) {
          plan = empty_like(*plan);
        } else if (is_unique(*plan->children[0])) {
          replace_by_child(plan);
        }
        return;
      case NodeKind::kJoin: simplify_join(plan); return;
      case NodeKind::kApply:
        if (is_empty(*plan->children[0]) ||
            (plan->join_type == JoinType::kInner && is_empty(*plan->children[1]))) {
          plan = empty_like(*plan);
        }
        return;
      case NodeKind::kAppend: simplify_append(plan); return;
      case NodeKind::kSetOperation:
        if (is_empty(*plan->children[0]) ||
            (plan->set_operation == SetOperation::kIntersect && is_empty(*plan->children[1]))) {
          plan = empty_like(*plan);
        }
        return;
      default: return;
    }
  }
};

}  // namespace

Status simplify(PlanPtr& plan) { return Simplifier().run(plan, true); }

}  // namespace eventd::engine
