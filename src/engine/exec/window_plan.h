// A kWindow node made ready to run.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/exec/compiled_expression.h"
#include "engine/exec/sort_order.h"
#include "engine/plan/logical_plan.h"
#include "result.h"

namespace eventd::engine {

/// Compiled expressions of a window node and where their values lie. Immutable once compiled.
///
/// Rows travel as the child's columns followed by the computed ones.
struct WindowPlan {
  /// An expression over the child's columns; with `filter` (a computed bool column) only evaluated
  /// for rows where that is true, NULL for the others.
  struct Computed {
    std::shared_ptr<const CompiledExpression> expression;
    Oid type;
    int filter = -1;
  };
  struct Order {
    int column;
    bool descending, nulls_first;
  };
  struct Call {
    const WindowCall* call = nullptr;
    std::vector<int> arguments;  ///< columns
    int filter = -1;             ///< column
  };

  size_t child_columns = 0;
  std::vector<Oid> child_types;
  std::vector<Computed> computed;
  std::vector<int> partition_by;  ///< columns
  std::vector<Order> order_by;
  std::vector<Call> calls;
  /// Whether anything asks which rows are equal in the order.
  bool needs_peers = false;

  /// `node` must outlive the result.
  static Result<std::shared_ptr<const WindowPlan>> compile(const PlanNode& node,
                                                           const EvalContext& context);
  Oid type_of(int column) const;
  /// Appends the computed columns.
  Status compute(Batch& batch, const EvalContext& context) const;

 private:
  Result<int> column_of(const Expr& expr, int filter, const EvalContext& context);
};

/// The offsets of a frame, known when execution starts. NULL where the frame has none.
struct FrameOffsets {
  Datum start, end;
};

/// Evaluates them. 22004 for NULL, 22013 for negative ones (of ROWS and GROUPS).
Result<FrameOffsets> evaluate_offsets(const WindowFrame& frame, const EvalContext& context);

}  // namespace eventd::engine
