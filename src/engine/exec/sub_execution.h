// One run of a plan inside a running plan: a subquery, the right side of an Apply.
#pragma once

#include <memory>
#include <span>

#include "engine/exec/executor.h"
#include "engine/exec/physical_plan.h"
#include "engine/exec/query_scope.h"
#include "engine/exec/subquery_runner.h"

namespace eventd::engine {

/// What runs of inner plans take from the execution around. The pointees outlive them.
struct InnerContext {
  const ExecutionContext* execution = nullptr;
  OperatorContext operators;
  std::shared_ptr<const QueryScope> scope;
};

/// Owned by one thread at a time, may move between calls.
class SubExecution {
 public:
  /// Runs a copy of `plan` with kOuter `i` replaced by arguments[i]. With `alone`, on the calling
  /// thread only. Errors: those of PhysicalPlanner::build.
  static Result<std::unique_ptr<SubExecution>> start(const PlanNode& plan, std::span<const Datum> arguments,
                                                     const InnerContext& inner, bool alone);
  /// Runs `plan` itself.
  static Result<std::unique_ptr<SubExecution>> start(PlanPtr plan, std::span<const Datum> arguments,
                                                     const InnerContext& inner, bool alone);
  ~SubExecution();

  /// The next batch, or false at the end.
  Result<bool> next(Batch& batch);
  /// Operators and what they hold go; the description stays.
  void close();
  /// What it is made of, with its plan; outlives the execution.
  std::shared_ptr<const PhysicalNode> physical() const { return {described_, &described_->node}; }
  double time_us() const { return described_->node.time_us + runner_.time_us(); }
  bool may_block() const { return may_block_; }

 private:
  struct Described {
    PlanPtr plan;
    PhysicalNode node;
  };
  SubExecution(const InnerContext& inner, bool alone);

  // In this order: operators go before what they refer to.
  ExecutionContext context_;
  OperatorContext operator_context_;
  SubqueryRunner runner_;
  std::shared_ptr<Described> described_ = std::make_shared<Described>();
  BatchSourcePtr root_;
  bool may_block_ = false;
};

}  // namespace eventd::engine
