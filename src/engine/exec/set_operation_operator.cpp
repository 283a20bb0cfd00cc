#include "engine/exec/set_operation_operator.h"

#include <algorithm>

namespace eventd::engine {

namespace {

std::vector<Oid> row_types(const PlanNode& plan) {
  std::vector<Oid> types;
  for (const OutputColumn& column : plan.columns) types.push_back(column.type.id);
  return types;
}

}  // namespace

SetOperationOperator::SetOperationOperator(const OperatorContext& context, OperatorStats* stats,
                                           const PlanNode& node, BatchSourcePtr left, BatchSourcePtr right)
    : BatchSource(context, stats), operation_(node.set_operation), all_(node.set_all), left_(std::move(left)),
      right_(std::move(right)), rows_(row_types(node)), grant_(context.memory) {}

Status SetOperationOperator::count(BatchSource& source, std::vector<uint64_t>& counts) {
  std::vector<uint32_t> groups(kBatchRows);
  for (;;) {
    Batch batch;
    ASSIGN_OR_RETURN(const bool more, source.next(batch));
    if (!more) return {};
    rows_.find_or_add(batch.columns, batch.size, groups.data());
    counts.resize(rows_.group_count());
    for (uint32_t i = 0; i < batch.size; ++i) ++counts[groups[i]];
    const size_t bytes = (left_counts_.capacity() + right_counts_.capacity()) * sizeof(uint64_t);
    RETURN_IF_ERROR(grant_.ensure(rows_.memory_bytes() + bytes));
  }
}

uint64_t SetOperationOperator::copies(size_t group) const {
  const uint64_t left = left_counts_[group];
  const uint64_t right = right_counts_[group];
  if (operation_ == SetOperation::kIntersect) {
    const uint64_t both = std::min(left, right);
    return all_ ? both : std::min<uint64_t>(both, 1);
  }
  if (all_) return left > right ? left - right : 0;
  return left > 0 && right == 0 ? 1 : 0;
}

Result<bool> SetOperationOperator::produce(Batch& batch) {
  if (!counted_) {
    RETURN_IF_ERROR(count(*left_, left_counts_));
    left_.reset();
    // Nothing on the left: nothing at all.
    if (!left_counts_.empty()) RETURN_IF_ERROR(count(*right_, right_counts_));
    right_.reset();
    left_counts_.resize(rows_.group_count());
    right_counts_.resize(rows_.group_count());
    counted_ = true;
    if (stats() != nullptr) stats()->memory_bytes.store(grant_.peak_bytes());
  }
  std::vector<uint32_t> ids;
  for (; next_chunk_ < rows_.chunk_count(); ++next_chunk_, next_row_ = 0) {
    if (context().cancel != nullptr) RETURN_IF_ERROR(context().cancel->check());
    const uint32_t first = next_chunk_ * kBatchRows;
    const uint32_t rows = std::min(kBatchRows, rows_.group_count() - first);
    while (next_row_ < rows && ids.size() < kBatchRows) {
      const uint64_t left = copies(first + next_row_) - given_;
      const uint64_t now = std::min<uint64_t>(left, kBatchRows - ids.size());
      ids.insert(ids.end(), now, next_row_);
      given_ = now < left ? given_ + now : 0;
      if (now == left) ++next_row_;
    }
    if (ids.empty()) continue;
    Batch chunk;
    chunk.columns = rows_.keys_of_chunk(next_chunk_);
    chunk.size = rows;
    batch = chunk.select(ids.data(), static_cast<uint32_t>(ids.size()));
    return true;
  }
  return false;
}

}  // namespace eventd::engine
