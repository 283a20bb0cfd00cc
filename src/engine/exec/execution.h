// One running plan. Private to engine/exec.
#pragma once

#include "engine/exec/executor.h"
#include "engine/exec/physical_plan.h"

namespace eventd::engine {

/// Owned by one thread at a time, may move between calls.
class PlanExecution final : public Execution {
 public:
  static Result<std::unique_ptr<PlanExecution>> start(PlanPtr plan, ExecutionContext context);

  Result<bool> next(Batch& batch) override;
  bool is_short() const override { return is_short_; }
  uint64_t damaged_tails() const override;
  const PhysicalNode& physical() const { return physical_; }
  const EvalContext& eval() const { return context_.eval; }

 private:
  PlanExecution(PlanPtr plan, ExecutionContext context);

  // In this order: operators go before what they refer to.
  ExecutionContext context_;
  CancelToken never_cancelled_;
  OperatorContext operator_context_;
  SubqueryRunner runner_{context_, operator_context_};
  std::atomic<uint64_t> inner_damaged_tails_{0};
  PlanPtr plan_;
  PhysicalNode physical_;
  BatchSourcePtr root_;
  bool is_short_ = false;
  bool may_block_ = false;
};

}  // namespace eventd::engine
