// Set-returning functions over the rows of a child.
#pragma once

#include <memory>
#include <vector>

#include "engine/exec/compiled_expression.h"
#include "engine/exec/row_operators.h"
#include "engine/plan/logical_plan.h"

namespace eventd::engine {

/// The calls of one kProjectSet, compiled. Immutable, shared by threads.
struct ProjectSetPlan {
  struct Call {
    const TableFunction* function = nullptr;  ///< null: one row of the first argument
    std::vector<ExpressionPtr> arguments;
    size_t first_column = 0, column_count = 1;
  };
  std::vector<Call> calls;
  std::vector<Oid> types;  ///< of the columns after the child's
  bool ordinality = false;
  bool left = false;       ///< a row at least for each row of the child

  /// `node` outlives the result.
  static Result<std::shared_ptr<const ProjectSetPlan>> compile(const PlanNode& node, const EvalContext& context);
};

/// Threads: see BatchSource.
class ProjectSetOperator : public BatchSource {
 public:
  ProjectSetOperator(const OperatorContext& context, OperatorStats* stats, BatchSourcePtr child,
                     std::shared_ptr<const ProjectSetPlan> plan);

 protected:
  Result<bool> produce(Batch& batch) override;

 private:
  /// What one call has for the row.
  struct Rows {
    std::unique_ptr<TableFunctionCursor> cursor;
    Batch batch;
    uint32_t next = 0;
    bool ended = true;
    uint32_t left() const { return batch.size - next; }
  };
  Result<bool> take_batch();
  Status open_row();
  /// Makes sure the call has a row, or has ended.
  Status refill(Rows& rows);
  /// Adds rows of the child's row until it or the output ends.
  Status add_rows();
  void add_column(size_t call, uint32_t first, uint32_t count);
  Batch take_output();

  BatchSourcePtr child_;
  const std::shared_ptr<const ProjectSetPlan> plan_;
  Batch input_;
  std::vector<std::vector<Vector>> arguments_;
  std::vector<Rows> rows_;
  uint32_t row_ = 0;
  bool row_open_ = false;
  int64_t ordinal_ = 0;

  std::vector<uint32_t> output_rows_;  // of input_
  std::vector<Vector> output_;         // Flat, kBatchRows
  uint32_t output_size_ = 0;
};

}  // namespace eventd::engine
