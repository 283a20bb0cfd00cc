#include "engine/exec/sub_execution.h"

#include "engine/exec/outer_arguments.h"
#include "engine/plan/stack_guard.h"

namespace eventd::engine {

SubExecution::SubExecution(const InnerContext& inner, bool alone)
    : context_(*inner.execution), operator_context_(inner.operators), runner_(context_, operator_context_) {
  context_.eval = *inner.operators.eval;
  context_.eval.subqueries = &runner_;
  if (alone) context_.pool = nullptr;
  operator_context_.eval = &context_.eval;
  runner_.set_scope(inner.scope);
}

SubExecution::~SubExecution() { close(); }

Result<std::unique_ptr<SubExecution>> SubExecution::start(const PlanNode& plan, std::span<const Datum> arguments,
                                                          const InnerContext& inner, bool alone) {
  return start(plan.clone(), arguments, inner, alone);
}

Result<std::unique_ptr<SubExecution>> SubExecution::start(PlanPtr plan, std::span<const Datum> arguments,
                                                          const InnerContext& inner, bool alone) {
  RETURN_IF_ERROR(check_stack_depth());
  std::unique_ptr<SubExecution> run(new SubExecution(inner, alone));
  Described& described = *run->described_;
  described.plan = std::move(plan);
  if (!arguments.empty()) RETURN_IF_ERROR(bind_outer(described.plan, arguments, run->context_.eval));
  PhysicalPlanner planner(run->context_, run->operator_context_, run->runner_);
  ASSIGN_OR_RETURN(run->root_, planner.build(*described.plan, described.node));
  run->may_block_ = planner.may_block();
  return run;
}

Result<bool> SubExecution::next(Batch& batch) {
  if (root_ == nullptr) return false;
  Result<bool> more = root_->next(batch);
  if (!more.ok() || !*more) root_.reset();
  return more;
}

void SubExecution::close() {
  root_.reset();
  if (context_.inner_damaged_tails != nullptr && described_ != nullptr) {
    context_.inner_damaged_tails->fetch_add(take_damaged_tails(described_->node), std::memory_order_relaxed);
  }
}

}  // namespace eventd::engine
