// An expression made ready to run over batches.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/functions/eval_context.h"
#include "engine/plan/expr.h"
#include "engine/vector/vector.h"
#include "result.h"

namespace eventd::engine {

struct ExprNode;

/// Prepared calls (regular expressions, paths), sets of IN lists and column lists of one
/// expression. Immutable: any number of threads may evaluate it at once.
///
/// Rows of an AND, OR, CASE or COALESCE that an earlier operand has decided are not evaluated by
/// later ones, so they raise no errors, as in PostgreSQL.
class CompiledExpression {
 public:
  /// `expr` must outlive the result. Errors: those of preparing constant arguments (2201B …),
  /// 0A000 for a kind that isn't supported.
  static Result<std::shared_ptr<const CompiledExpression>> compile(const Expr& expr,
                                                                   const EvalContext& context);
  ~CompiledExpression();

  /// One value for each row of `input` (`input.size` ≥ 1). Where what is computed on the way is too
  /// large for one batch, over fewer rows at a time.
  Result<Vector> evaluate(const Batch& input, const EvalContext& context) const;
  /// All rows at once, or values_too_large(). For callers that can go on with less of `input`.
  Result<Vector> evaluate_whole(const Batch& input, const EvalContext& context) const;
  /// For a bool expression: writes the rows that are true, ascending, to `rows` (room for
  /// input.size) and returns their number. Terms of a top-level AND narrow the rows one by one.
  Result<uint32_t> filter(const Batch& input, const EvalContext& context, uint32_t* rows) const;
  const Expr& expr() const { return expr_; }

 private:
  explicit CompiledExpression(const Expr& expr);
  Result<Vector> evaluate_in_parts(const Batch& input, const EvalContext& context) const;
  Result<uint32_t> filter_whole(const Batch& input, const EvalContext& context, uint32_t* rows) const;
  const Expr& expr_;
  std::unique_ptr<ExprNode> root_;
};

/// Rows [first, first + count) of `batch`; columns that aren't filled stay so.
Batch slice(const Batch& batch, uint32_t first, uint32_t count);

/// The one value of an expression without columns.
Result<Datum> evaluate_constant(const Expr& expr, const EvalContext& context);

}  // namespace eventd::engine
