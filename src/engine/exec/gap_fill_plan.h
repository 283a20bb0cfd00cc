// A kGapFill node made ready to run.
#pragma once

#include <memory>
#include <vector>

#include "engine/exec/compiled_expression.h"
#include "engine/plan/logical_plan.h"
#include "result.h"

namespace eventd::engine {

/// Compiled expressions of a GapFill and where their values lie. Immutable once compiled.
///
/// Rows travel as the child's columns followed by the value of each call.
struct GapFillPlan {
  struct Call {
    const GapCall* call = nullptr;
    std::shared_ptr<const CompiledExpression> value, before, after;  ///< the last two may be null
  };

  const GapFill* fill = nullptr;
  size_t child_columns = 0;
  std::vector<Oid> types;   ///< of the child's columns, then of the calls
  std::vector<int> keys;    ///< columns
  std::vector<bool> is_key; ///< of each child's column
  size_t bucket = 0;        ///< column
  std::vector<Call> calls;

  /// `node` must outlive the result.
  static Result<std::shared_ptr<const GapFillPlan>> compile(const PlanNode& node,
                                                            const EvalContext& context);
  /// Appends the values of the calls.
  Status compute(Batch& batch, const EvalContext& context) const;
};

}  // namespace eventd::engine
