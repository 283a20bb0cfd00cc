#include "engine/plan/fold_constants.h"
#include "engine/plan/query_planner.h"
#include "engine/plan/rules.h"
#include "engine/plan/stack_guard.h"
#include "engine/scan/cancel_scope.h"

namespace eventd::engine {
namespace {

/// What a statement has, found in one walk: rules that cannot apply are left out.
class PlanContents {
 public:
  bool has(PlanNode::Kind kind) const { return (kinds_ & bit(kind)) != 0; }
  bool has_queries() const { return queries_; }
  /// Rows computed from nothing: SELECT 1.
  bool is_trivial() const {
    return !queries_ && (kinds_ & ~(bit(PlanNode::Kind::kValues) | bit(PlanNode::Kind::kProject))) == 0;
  }

  /// 54001; 2201W and 2201X for a negative LIMIT or OFFSET.
  Status look_at(PlanNode& plan) {
    RETURN_IF_ERROR(check_stack_depth());
    kinds_ |= bit(plan.kind);
    Status status = check_limits(plan);
    for_each_expression(plan, [&](ExprPtr& expression) {
      if (status.ok()) status = look_at(*expression);
    });
    if (!status.ok()) return status;
    for (PlanPtr& child : plan.children) RETURN_IF_ERROR(look_at(*child));
    return {};
  }

 private:
  static uint32_t bit(PlanNode::Kind kind) { return uint32_t{1} << static_cast<uint32_t>(kind); }

  Status look_at(Expr& expression) {
    RETURN_IF_ERROR(check_stack_depth());
    for (ExprPtr& child : expression.children) RETURN_IF_ERROR(look_at(*child));
    if (expression.subquery == nullptr) return {};
    queries_ = true;
    return look_at(*expression.subquery->plan);
  }

  static Status check_limits(const PlanNode& plan) {
    const auto negative = [](const ExprPtr& count) {
      return count != nullptr && count->kind == Expr::Kind::kConstant &&
             !count->constant.is_null() && count->constant.as<int64_t>() < 0;
    };
    if (negative(plan.limit)) {
      return {sqlstate::kInvalidRowCountInLimit, "LIMIT must not be negative"};
    }
    if (negative(plan.offset)) {
      return {sqlstate::kInvalidRowCountInOffset, "OFFSET must not be negative"};
    }
    return {};
  }

  uint32_t kinds_ = 0;
  bool queries_ = false;
};

class Optimizer {
 public:
  Optimizer(const PlanContents& contents, const EvalContext& context)
      : contents_(contents), context_(context) {}

  /// Rules that look at one frame's plan; then those of the queries in its expressions.
  Status run(PlanPtr& plan) {
    RETURN_IF_ERROR(check_stack_depth());
    RETURN_IF_ERROR(push_filters(plan));
    if (contents_.has(PlanNode::Kind::kScan)) {
      extract_payload_paths(plan);
      RETURN_IF_ERROR(push_into_scans(plan, context_));
    }
    if (contents_.has(PlanNode::Kind::kJoin) || contents_.has(PlanNode::Kind::kApply)) {
      RETURN_IF_ERROR(order_joins(plan));
    }
    if (contents_.has_queries()) return run_queries(*plan);
    return {};
  }

 private:
  Status run_queries(PlanNode& plan) {
    RETURN_IF_ERROR(check_stack_depth());
    Status status;
    for_each_expression(plan, [&](ExprPtr& expression) {
      if (status.ok()) status = run_queries(*expression);
    });
    if (!status.ok()) return status;
    for (PlanPtr& child : plan.children) RETURN_IF_ERROR(run_queries(*child));
    return {};
  }
  Status run_queries(Expr& expression) {
    RETURN_IF_ERROR(check_stack_depth());
    for (ExprPtr& child : expression.children) RETURN_IF_ERROR(run_queries(*child));
    return expression.subquery == nullptr ? Status() : run(expression.subquery->plan);
  }

  const PlanContents& contents_;
  const EvalContext& context_;
};

/// The rules of LIMIT, in one frame's plan and those of the queries in its expressions.
class Bounder {
 public:
  explicit Bounder(const PlanContents& contents) : contents_(contents) {}

  void run(PlanPtr& plan) {
    const bool limits = contents_.has(PlanNode::Kind::kLimit);
    const bool extremes = contents_.has(PlanNode::Kind::kAggregate);
    if (limits || extremes) push_limits(plan);
    if (limits || extremes) order_scans(*plan);
    if (contents_.has_queries()) run_queries(*plan);
  }

 private:
  void run_queries(PlanNode& plan) {
    for_each_expression(plan, [&](ExprPtr& expression) { run_expression(*expression); });
    for (PlanPtr& child : plan.children) run_queries(*child);
  }
  void run_expression(Expr& expression) {
    for (ExprPtr& child : expression.children) run_expression(*child);
    if (expression.subquery != nullptr) run(expression.subquery->plan);
  }

  const PlanContents& contents_;
};

}  // namespace

Result<PlanPtr> optimize(PlanPtr plan, std::span<const Datum> parameters,
                         const EvalContext& context) {
  const CancelScope cancel(context.cancel);
  RETURN_IF_ERROR(fold_plan(*plan, parameters, context));
  PlanContents contents;
  RETURN_IF_ERROR(contents.look_at(*plan));
  if (contents.is_trivial()) return plan;
  if (contents.has_queries() || contents.has(PlanNode::Kind::kApply)) {
    RETURN_IF_ERROR(decorrelate(plan));
    RETURN_IF_ERROR(contents.look_at(*plan));
  }
  if (contents.has(PlanNode::Kind::kWith)) inline_ctes(plan);
  RETURN_IF_ERROR(Optimizer(contents, context).run(plan));
  RETURN_IF_ERROR(check_interrupt());
  prune_columns(plan);
  RETURN_IF_ERROR(simplify(plan));
  Bounder(contents).run(plan);
  RETURN_IF_ERROR(check_interrupt());
  return plan;
}

}  // namespace eventd::engine
