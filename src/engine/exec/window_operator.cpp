#include "engine/exec/window_operator.h"

#include <algorithm>

#include "engine/exec/window_aggregate.h"
#include "engine/exec/window_functions.h"

namespace eventd::engine {

namespace {

/// Short partitions are computed together, this many rows at least.
constexpr uint64_t kBlockRowsMin = uint64_t{8} * kBatchRows;
/// Rows of a partition; more don't fit the row numbers.
constexpr uint64_t kPartitionRowsMax = 1U << 31;

}  // namespace

Result<bool> WindowOperator::produce(Batch& batch) {
  if (!started_) RETURN_IF_ERROR(start());
  while (block_ == nullptr || next_row_ >= block_->rows()) {
    block_.reset();
    results_.clear();
    ASSIGN_OR_RETURN(const bool more, fill());
    if (!more) return false;
  }
  give(batch);
  return true;
}

Status WindowOperator::start() {
  started_ = true;
  for (const WindowPlan::Call& call : plan_->calls) {
    ASSIGN_OR_RETURN(FrameOffsets offsets, evaluate_offsets(call.call->frame, eval()));
    offsets_.push_back(std::move(offsets));
  }
  return {};
}

bool WindowOperator::starts_partition(const Batch& batch, uint32_t row) const {
  if (row > 0) return !same_values(plan_->partition_by, batch, row - 1, batch, row);
  if (segments_.empty()) return false;
  const WindowSegment& last = segments_.back();
  return !same_values(plan_->partition_by, last.batch, last.first + last.count - 1, batch, 0);
}

uint32_t WindowOperator::last_partition_start(const Batch& batch) const {
  uint32_t row = batch.size - 1;
  while (row > 0 && !starts_partition(batch, row)) --row;
  return row;
}

size_t WindowOperator::bytes_of(const Batch& batch) {
  size_t bytes = 0;
  identities_.resize(batch.columns.size());
  for (size_t c = 0; c < batch.columns.size(); ++c) {
    const Vector& column = batch.columns[c];
    const bool shared = column.form() == Vector::Form::kDictionary &&
                        identities_[c] == column.values_identity();
    bytes += shared ? column.size() * sizeof(uint32_t) : column.memory_bytes();
    identities_[c] = column.values_identity();
  }
  return bytes;
}

Status WindowOperator::take(Batch batch, bool& block_is_full) {
  RETURN_IF_ERROR(plan_->compute(batch, eval()));
  pending_bytes_ += bytes_of(batch);
  RETURN_IF_ERROR(grant_.ensure(pending_bytes_));
  const uint32_t size = batch.size;
  if (!plan_->partition_by.empty()) {
    const uint32_t cut = last_partition_start(batch);
    if (pending_rows_ + cut >= kBlockRowsMin && starts_partition(batch, cut)) {
      carried_.push_back({batch, cut, size - cut});
      if (cut > 0) segments_.push_back({std::move(batch), 0, cut});
      block_is_full = true;
      return {};
    }
  }
  segments_.push_back({std::move(batch), 0, size});
  pending_rows_ += size;
  if (pending_rows_ > kPartitionRowsMax) {
    return {sqlstate::kProgramLimitExceeded, "window partition has too many rows"};
  }
  return {};
}

Result<bool> WindowOperator::fill() {
  bool full = false;
  while (child_ != nullptr && !full) {
    Batch input;
    ASSIGN_OR_RETURN(const bool more, child_->next(input));
    if (more) {
      RETURN_IF_ERROR(take(std::move(input), full));
    } else {
      child_.reset();
    }
  }
  if (segments_.empty()) return false;
  RETURN_IF_ERROR(make_block());
  return true;
}

Status WindowOperator::make_block() {
  block_ = std::make_unique<WindowBlock>(*plan_, std::move(segments_));
  segments_ = std::move(carried_);
  carried_.clear();
  pending_rows_ = 0;
  pending_bytes_ = 0;
  identities_.clear();
  for (const WindowSegment& segment : segments_) {
    pending_rows_ += segment.count;
    pending_bytes_ += bytes_of(segment.batch);
  }
  next_row_ = 0;
  return compute_calls();
}

Status WindowOperator::compute_calls() {
  size_t held = pending_bytes_ + block_->memory_bytes();
  RETURN_IF_ERROR(grant_.ensure(held));
  FrameBounds bounds;
  results_.reserve(plan_->calls.size());
  for (size_t i = 0; i < plan_->calls.size(); ++i) {
    const WindowPlan::Call& call = plan_->calls[i];
    const WindowFunction* function = call.call->function;
    if (function == nullptr || reads_frame(function->kind)) {
      RETURN_IF_ERROR(find_frame_bounds(*plan_, *block_, call.call->frame, offsets_[i], context(), bounds));
    }
    WindowColumn result(call.call->type.id, block_->rows());
    RETURN_IF_ERROR(grant_.ensure(held + bounds.memory_bytes() + result.memory_bytes()));
    if (function != nullptr) {
      RETURN_IF_ERROR(run_window_function(call, *block_, bounds, context(), result));
    } else {
      WindowAggregate aggregate(call, *block_, bounds, context(), grant_, held + bounds.memory_bytes());
      RETURN_IF_ERROR(aggregate.run(result));
    }
    held += result.memory_bytes();
    results_.push_back(std::move(result));
  }
  if (stats() != nullptr) stats()->memory_bytes.store(grant_.peak_bytes());
  return grant_.ensure(held);
}

void WindowOperator::give(Batch& batch) {
  const uint32_t count = std::min(kBatchRows, block_->rows() - next_row_);
  batch.columns.clear();
  batch.size = count;
  for (size_t c = 0; c < plan_->child_columns; ++c) {
    batch.columns.push_back(block_->column(static_cast<int>(c)).slice(next_row_, count));
  }
  for (const WindowColumn& result : results_) {
    batch.columns.push_back(result.chunks()[next_row_ / kBatchRows]);
  }
  next_row_ += count;
}

}  // namespace eventd::engine
