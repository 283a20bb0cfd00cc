// A join as its operators see it: one side is built, the other probes.
#pragma once

#include <memory>
#include <vector>

#include "engine/exec/compiled_expression.h"
#include "engine/exec/join_keys.h"
#include "engine/exec/join_table.h"
#include "engine/plan/logical_plan.h"

namespace eventd::engine {

/// Immutable, shared by threads. Without keys it is a nested loop over the kept rows.
struct JoinPlan {
  /// What is given for a row of the probe side.
  enum class Output : uint8_t {
    kPairs,  ///< it beside each match
    kSemi,   ///< itself, if there is a match
    kAnti,   ///< itself, if there is none
  };
  Output output = Output::kPairs;
  bool probe_outer = false;  ///< kPairs: probe rows without a match too, beside NULLs
  bool build_outer = false;  ///< kPairs: build rows without a match too, at the end
  bool build_left = false;   ///< the build side's columns come first
  JoinTableLayout layout;
  std::vector<Oid> probe_types;
  JoinCondition condition;   ///< owns what is compiled below
  std::vector<std::shared_ptr<const CompiledExpression>> build_keys, probe_keys;
  std::shared_ptr<const CompiledExpression> residual;

  /// `node` is a kJoin.
  static Result<std::shared_ptr<const JoinPlan>> compile(const PlanNode& node, bool build_left,
                                                         const EvalContext& context);
};

/// The values of `expressions` over `batch`.
Result<std::vector<Vector>> evaluate_all(
    const std::vector<std::shared_ptr<const CompiledExpression>>& expressions, const Batch& batch,
    const EvalContext& context);

}  // namespace eventd::engine
