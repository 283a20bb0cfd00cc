#include "engine/plan/gap_range.h"

#include <limits>

#include "engine/plan/coercion.h"
#include "engine/plan/plan_rewrite.h"
#include "engine/plan/stack_guard.h"

namespace eventd::engine {
namespace {

constexpr std::string_view kTimeComparisons[] = {"<", "<=", ">", ">="};

/// The comparison that a call is; empty = none.
std::string_view comparison_of(const Expr& expression) {
  if (expression.kind != Expr::Kind::kCall || expression.children.size() != 2) return {};
  for (const std::string_view name : kTimeComparisons) {
    const Operator* op = FunctionCatalog::instance().find_operator(
        name, expression.children[0]->type.id, expression.children[1]->type.id);
    if (op != nullptr && op->function == expression.function) return name;
  }
  return {};
}

std::string_view mirrored(std::string_view comparison) {
  if (comparison == "<") return ">";
  if (comparison == "<=") return ">=";
  return comparison == ">" ? "<" : "<=";
}

bool is_bound(const Expr& expression) {
  return !reads_columns(expression, 0, std::numeric_limits<int>::max()) &&
         !is_volatile(expression) && !has_subquery(expression);
}

class RangeFinder {
 public:
  RangeFinder(ExpressionBinder& binder, ParameterTypes& parameters)
      : binder_(binder), parameters_(parameters) {}

  Status look(const PlanNode& plan, int index) {
    RETURN_IF_ERROR(check_stack_depth());
    switch (plan.kind) {
      case PlanNode::Kind::kFilter:
        RETURN_IF_ERROR(look_at(*plan.condition, index));
        return look(*plan.children[0], index);
      case PlanNode::Kind::kProject: {
        const Expr& source = *plan.expressions[static_cast<size_t>(index)];
        return source.kind == Expr::Kind::kColumn ? look(*plan.children[0], source.index)
                                                  : Status();
      }
      case PlanNode::Kind::kJoin: return look_at_join(plan, index);
      default: return {};
    }
  }

  GapRange range;

 private:
  Status look_at_join(const PlanNode& join, int index) {
    const bool inner = join.join_type == JoinType::kInner;
    if (inner && join.condition != nullptr) RETURN_IF_ERROR(look_at(*join.condition, index));
    const int left = static_cast<int>(join.children[0]->columns.size());
    if (index < left) {
      return inner || join.join_type == JoinType::kLeft ? look(*join.children[0], index) : Status();
    }
    return inner || join.join_type == JoinType::kRight ? look(*join.children[1], index - left)
                                                       : Status();
  }

  Status look_at(const Expr& condition, int index) {
    RETURN_IF_ERROR(check_stack_depth());
    if (condition.kind == Expr::Kind::kAnd) {
      for (const ExprPtr& child : condition.children) RETURN_IF_ERROR(look_at(*child, index));
      return {};
    }
    std::string_view comparison = comparison_of(condition);
    if (comparison.empty()) return {};
    const Expr* column = condition.children[0].get();
    const Expr* bound = condition.children[1].get();
    if (column->kind != Expr::Kind::kColumn) {
      std::swap(column, bound);
      comparison = mirrored(comparison);
    }
    if (column->kind != Expr::Kind::kColumn || column->index != index || !is_bound(*bound)) return {};
    ASSIGN_OR_RETURN(ExprPtr value, coerce(bound->clone(), {column->type.id, -1},
                                           CastContext::kAssignment, parameters_));
    // The range has its first time and not its last.
    if (comparison == ">" || comparison == "<=") {
      ASSIGN_OR_RETURN(value, next_after(std::move(value)));
    }
    (comparison[0] == '>' ? range.lower : range.upper).push_back(std::move(value));
    return {};
  }

  Result<ExprPtr> next_after(ExprPtr value) {
    const Type type = value->type;
    const bool is_time = type.id == oid::kTimestamp || type.id == oid::kTimestamptz;
    IntervalValue microsecond;
    microsecond.microseconds = 1;
    ExprPtr step = is_time ? Expr::constant_of(Datum(oid::kInterval, microsecond), {oid::kInterval, -1})
                           : Expr::constant_of(Datum::int4(1), {oid::kInt4, -1});
    ASSIGN_OR_RETURN(value, binder_.bind_operator("+", std::move(value), std::move(step), 0));
    return coerce(std::move(value), type, CastContext::kAssignment, parameters_);
  }

  ExpressionBinder& binder_;
  ParameterTypes& parameters_;
};

}  // namespace

Result<GapRange> find_gap_range(const PlanNode& plan, int index, ExpressionBinder& binder,
                                ParameterTypes& parameters) {
  RangeFinder finder(binder, parameters);
  RETURN_IF_ERROR(finder.look(plan, index));
  return std::move(finder.range);
}

}  // namespace eventd::engine
