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
      ASSIGN_OR_RETURN(Datum value, evaluate_constant(*node_.rows[next_row_][c], eval()));
      builder.column(c).set_datum(row, value);
    }
  }
  batch = builder.take();
  return true;
}

Result<bool> TableFunctionOperator::produce(Batch& batch) {
  if (cursor_ == nullptr) {
    std::vector<Datum> arguments;
    for (const ExprPtr& expression : node_.expressions) {
      ASSIGN_OR_RETURN(Datum value, evaluate_constant(*expression, eval()));
      arguments.push_back(std::move(value));
    }
    ASSIGN_OR_RETURN(cursor_, node_.table_function->open(eval(), arguments));
  }
  return cursor_->next(batch);
}

}  // namespace eventd::engine
