#include "engine/exec/execution.h"

#include "engine/scan/cancel_scope.h"

namespace eventd::engine {

PlanExecution::PlanExecution(PlanPtr plan, ExecutionContext context)
    : context_(std::move(context)), plan_(std::move(plan)) {
  const CancelToken* cancel = context_.cancel != nullptr ? context_.cancel : &never_cancelled_;
  if (context_.eval.cancel == nullptr) context_.eval.cancel = cancel;
  context_.eval.subqueries = &runner_;
  context_.inner_damaged_tails = &inner_damaged_tails_;
  operator_context_ = {.eval = &context_.eval, .memory = context_.memory, .temp = context_.temp, .cancel = cancel,
                       .instrument = context_.instrument};
}

Result<std::unique_ptr<PlanExecution>> PlanExecution::start(PlanPtr plan, ExecutionContext context) {
  std::unique_ptr<PlanExecution> execution(new PlanExecution(std::move(plan), std::move(context)));
  const CancelScope cancel(execution->operator_context_.cancel);
  PhysicalPlanner planner(execution->context_, execution->operator_context_, execution->runner_);
  ASSIGN_OR_RETURN(execution->root_, planner.build(*execution->plan_, execution->physical_));
  execution->may_block_ = planner.may_block();
  execution->is_short_ = !execution->may_block_ && execution->physical_.time_us + execution->runner_.time_us() < kShortTimeUsMax;
  return execution;
}

namespace {

uint64_t damaged_tails_of(const PhysicalNode& node) {
  uint64_t tails = node.scan ? node.scan->counters().damaged_tails : 0;
  for (const auto& child : node.children) tails += damaged_tails_of(*child);
  return tails;
}

}  // namespace

uint64_t PlanExecution::damaged_tails() const { return damaged_tails_of(physical_) + inner_damaged_tails_.load(); }

Result<bool> PlanExecution::next(Batch& batch) {
  if (root_ == nullptr) return false;
  const CancelScope cancel(operator_context_.cancel);
  Result<bool> result = [&] {
    if (!may_block_) return root_->next(batch);
    const ScanPool::BlockingScope blocking;
    return root_->next(batch);
  }();
  // What was interrupted may have failed for want of a sound value.
  if (!result.ok() && operator_context_.cancel->cancelled()) result = operator_context_.cancel->check();
  // At the end and after an error everything held goes at once: memory, cursors.
  if (!result.ok() || !*result) root_.reset();
  return result;
}

Result<std::unique_ptr<Execution>> start_execution(PlanPtr plan, ExecutionContext context) {
  ASSIGN_OR_RETURN(std::unique_ptr<PlanExecution> execution,
                   PlanExecution::start(std::move(plan), std::move(context)));
  return std::unique_ptr<Execution>(std::move(execution));
}

}  // namespace eventd::engine
