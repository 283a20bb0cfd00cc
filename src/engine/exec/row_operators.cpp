#include "engine/exec/row_operators.h"

#include <algorithm>
#include <numeric>

#include "engine/exec/batch_bytes.h"

namespace eventd::engine {

Result<bool> FilterOperator::produce(Batch& batch) {
  uint32_t* rows = rows_.get();
  for (;;) {
    // child_->next() checks for cancellation, so that a condition no row meets can be stopped.
    ASSIGN_OR_RETURN(const bool more, child_->next(batch));
    if (!more) return false;
    ASSIGN_OR_RETURN(const uint32_t count, condition_->filter(batch, eval(), rows));
    if (stats() != nullptr) {
      stats()->rows_removed.fetch_add(batch.size - count, std::memory_order_relaxed);
    }
    if (count == batch.size) return true;
    if (count == 0) continue;
    batch = batch.select(rows, count);
    return true;
  }
}

Result<bool> ProjectOperator::produce(Batch& batch) {
  if (parts_.empty()) {
    Batch input;
    ASSIGN_OR_RETURN(const bool more, child_->next(input));
    if (!more) return false;
    parts_.push_back(std::move(input));
  }
  for (;;) {
    const Batch input = std::move(parts_.back());
    parts_.pop_back();
    const HeapMeter meter;
    Status status = project(input, batch);
    bool too_large = !status.ok() && is_values_too_large(status.error());
    if (status.ok()) {
      status = grant(HeapMeter::bytes());
      too_large = !status.ok();
    }
    if (status.ok()) return true;
    if (input.size == 1 || !too_large) return status.error();
    batch.columns.clear();
    // The values of so many rows are too large to hold at once: fewer rows a batch.
    const uint32_t half = input.size / 2;
    parts_.push_back(slice(input, half, input.size - half));
    parts_.push_back(slice(input, 0, half));
  }
}

Status ProjectOperator::project(const Batch& input, Batch& batch) {
  batch.columns.clear();
  batch.size = input.size;
  for (const ExpressionPtr& expression : expressions_) {
    const size_t before = HeapMeter::bytes();
    ASSIGN_OR_RETURN(Vector column, expression->evaluate_whole(input, eval()));
    HeapMeter::settle(before, column.memory_bytes());
    batch.columns.push_back(std::move(column));
    RETURN_IF_ERROR(check_batch_bytes(eval(), input.size));
  }
  return {};
}

Status ProjectOperator::grant(size_t bytes) {
  // Ordinary batches are within what a query has anyway; whoever keeps rows accounts for them.
  constexpr size_t kUnaccountedBytes = 4 << 20;
  if (bytes > kUnaccountedBytes) return grant_.ensure(bytes);
  grant_.reset();
  return {};
}

Result<uint32_t> LimitOperator::count_ties(const Batch& batch, uint32_t first) {
  ASSIGN_OR_RETURN(const std::vector<Vector> keys, ties_->keys(batch, eval()));
  uint32_t count = 0;
  while (first + count < batch.size && ties_->compare(last_keys_, 0, keys, first + count) == 0) ++count;
  return count;
}

Result<bool> LimitOperator::produce(Batch& batch) {
  if (done_ || limit_ == uint64_t{0}) return false;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, child_->next(batch));
    if (!more) return false;
    if (offset_ >= batch.size) {
      offset_ -= batch.size;
      continue;
    }
    const uint32_t first = static_cast<uint32_t>(offset_);
    offset_ = 0;
    uint32_t count = batch.size - first;
    if (limit_ && count >= *limit_ - passed_) {
      const uint32_t within = static_cast<uint32_t>(*limit_ - passed_);
      count = within;
      done_ = ties_ == nullptr;
      if (ties_ != nullptr) {
        if (within > 0) {
          ASSIGN_OR_RETURN(const std::vector<Vector> keys, ties_->keys(batch, eval()));
          last_keys_.clear();
          for (const Vector& key : keys) {
            last_keys_.push_back(Vector::repeat(key, first + within - 1, 1));
          }
        }
        ASSIGN_OR_RETURN(const uint32_t tied, count_ties(batch, first + within));
        count += tied;
        done_ = first + count < batch.size;
      }
      passed_ += within;
      if (count == 0) return false;
    } else {
      passed_ += count;
    }
    if (first == 0 && count == batch.size) return true;
    std::vector<uint32_t> rows(count);
    std::iota(rows.begin(), rows.end(), first);
    batch = batch.select(rows.data(), count);
    return true;
  }
}

Result<bool> AppendOperator::produce(Batch& batch) {
  for (; current_ < children_.size(); ++current_) {
    ASSIGN_OR_RETURN(const bool more, children_[current_]->next(batch));
    if (more) return true;
    children_[current_].reset();
  }
  return false;
}

}  // namespace eventd::engine
