#include "engine/exec/source_operators.h"

#include <algorithm>

#include "engine/vector/physical_dispatch.h"

namespace eventd::engine {

Result<bool> ScanOperator::produce(Batch& batch) {
  if (cursor_ == nullptr) {
    ASSIGN_OR_RETURN(cursor_, scan_->open_worker());
  }
  return cursor_->next(batch);
}

namespace {

Result<Datum> value_of_constant(const CompiledExpression& expression, const EvalContext& context) {
  Batch one_row;
  one_row.size = 1;
  ASSIGN_OR_RETURN(const Vector value, expression.evaluate(one_row, context));
  return value.datum(0);
}

}  // namespace

Result<BatchSourcePtr> ValuesOperator::create(const OperatorContext& context, OperatorStats* stats,
                                              const PlanNode& node) {
  std::unique_ptr<ValuesOperator> values(new ValuesOperator(context, stats, node));
  for (const auto& row : node.rows) {
    for (const ExprPtr& cell : row) {
      if (cell->kind == Expr::Kind::kConstant) continue;
      ASSIGN_OR_RETURN(auto compiled, CompiledExpression::compile(*cell, *context.eval));
      values->computed_.push_back(std::move(compiled));
    }
  }
  return BatchSourcePtr(std::move(values));
}

Result<bool> ValuesOperator::produce(Batch& batch) {
  const size_t rows = node_.rows.size();
  if (next_row_ >= rows) return false;
  if (node_.columns.empty()) {
    batch.columns.clear();
    batch.size = static_cast<uint32_t>(std::min<size_t>(kBatchRows, rows - next_row_));
    next_row_ += batch.size;
    return true;
  }
  std::vector<Oid> types;
  for (const OutputColumn& column : node_.columns) types.push_back(column.type.id);
  BatchBuilder builder(types);
  for (; next_row_ < rows && !builder.full(); ++next_row_) {
    const uint32_t row = builder.add_row();
    for (size_t c = 0; c < types.size(); ++c) {
      const Expr& cell = *node_.rows[next_row_][c];
      if (cell.kind == Expr::Kind::kConstant) {
        builder.column(c).set_datum(row, cell.constant);
        continue;
      }
      ASSIGN_OR_RETURN(const Datum value, value_of_constant(*computed_[next_computed_++], eval()));
      builder.column(c).set_datum(row, value);
    }
  }
  batch = builder.take();
  return true;
}

Result<BatchSourcePtr> TableFunctionOperator::create(const OperatorContext& context, OperatorStats* stats,
                                                     const PlanNode& node) {
  std::unique_ptr<TableFunctionOperator> call(new TableFunctionOperator(context, stats, node));
  for (const ExprPtr& expression : node.expressions) {
    ASSIGN_OR_RETURN(auto compiled, CompiledExpression::compile(*expression, *context.eval));
    call->arguments_.push_back(std::move(compiled));
  }
  return BatchSourcePtr(std::move(call));
}

Result<bool> TableFunctionOperator::produce(Batch& batch) {
  if (cursor_ == nullptr) {
    std::vector<Datum> arguments;
    for (const auto& argument : arguments_) {
      ASSIGN_OR_RETURN(Datum value, value_of_constant(*argument, eval()));
      arguments.push_back(std::move(value));
    }
    ASSIGN_OR_RETURN(cursor_, node_.table_function->open(eval(), arguments));
  }
  ASSIGN_OR_RETURN(const bool more, cursor_->next(batch));
  if (!more || !node_.ordinality) return more;
  Vector ordinals = Vector::flat(oid::kInt8, batch.size);
  for (uint32_t i = 0; i < batch.size; ++i) ordinals.data<int64_t>()[i] = ++ordinal_;
  batch.columns.push_back(std::move(ordinals));
  return true;
}

}  // namespace eventd::engine
