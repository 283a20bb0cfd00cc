// The evaluator's own tree. Private to engine/exec.
#pragma once

#include <memory>
#include <vector>

#include "engine/exec/value_set.h"
#include "engine/functions/eval_context.h"
#include "engine/plan/expr.h"
#include "engine/vector/vector.h"
#include "result.h"

namespace eventd::engine {

class CompiledSubquery;

/// One node. Immutable once compiled.
struct ExprNode {
  const Expr* expr = nullptr;
  std::vector<ExprNode> children;
  const ScalarFunction* function = nullptr;
  std::shared_ptr<const CallState> state;
  Vector constant;                ///< kConstant, and the path of kPayloadPath: one row
  std::unique_ptr<ValueSet> set;  ///< kInList, kAnyArray over constants
  bool set_has_null = false;      ///< the constants include NULL
  std::shared_ptr<CompiledSubquery> subquery;
  std::vector<int> columns;       ///< columns read below, ascending; for operands of lazy nodes
};

/// What an evaluation reads.
struct EvalInput {
  const Batch& batch;
  const EvalContext& context;
};

// Evaluation recurses once a nesting level (at most kExpressionDepthMax): these functions keep
// vectors on the heap, so that a level costs few hundred bytes of stack, also under sanitizers.

/// Any node: `out` gets input.batch.size rows.
Status evaluate_node(const ExprNode& node, const EvalInput& input, Vector& out);
/// The node over some rows of the batch only: `out` gets `count` rows.
Status evaluate_rows(const ExprNode& node, const EvalInput& input, const uint32_t* rows,
                     uint32_t count, Vector& out);
/// function(arguments…) over `rows` rows; constants once, dictionaries by distinct value.
Status call_function(const ExprNode& node, const std::vector<Vector>& arguments, Type type,
                     uint32_t rows, const EvalContext& context, Vector& out);

Status evaluate_and_or(const ExprNode& node, const EvalInput& input, Vector& out);
Status evaluate_truth_test(const ExprNode& node, const EvalInput& input, Vector& out);
Status evaluate_distinct(const ExprNode& node, const EvalInput& input, Vector& out);
Status evaluate_case(const ExprNode& node, const EvalInput& input, Vector& out);
Status evaluate_coalesce(const ExprNode& node, const EvalInput& input, Vector& out);
Status evaluate_null_if(const ExprNode& node, const EvalInput& input, Vector& out);
Status evaluate_greatest_least(const ExprNode& node, const EvalInput& input, Vector& out);
Status evaluate_in_list(const ExprNode& node, const EvalInput& input, Vector& out);
Status evaluate_any_all(const ExprNode& node, const EvalInput& input, Vector& out);
Status evaluate_array(const ExprNode& node, const EvalInput& input, Vector& out);
Status evaluate_subquery(const ExprNode& node, const EvalInput& input, Vector& out);
Status evaluate_row(const ExprNode& node, const EvalInput& input, Vector& out);
Status evaluate_field(const ExprNode& node, const EvalInput& input, Vector& out);

}  // namespace eventd::engine
