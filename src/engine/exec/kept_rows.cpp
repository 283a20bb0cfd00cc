#include "engine/exec/kept_rows.h"

namespace eventd::engine {

namespace {

/// Batches with fewer rows are copied together.
constexpr uint32_t kSmallRows = kBatchRows / 8;

}  // namespace

Status KeptRows::add(Batch batch) {
  if (batch.size == 0) return {};
  const bool small = batch.size < kSmallRows && !types_.empty();
  if (!small) {
    RETURN_IF_ERROR(flush());
    return keep(std::move(batch));
  }
  if (small_ == nullptr) small_ = std::make_unique<BatchBuilder>(types_);
  for (uint32_t i = 0; i < batch.size; ++i) {
    if (small_->full()) RETURN_IF_ERROR(flush());
    small_->append(batch, i);
  }
  return {};
}

Status KeptRows::flush() {
  if (small_ == nullptr || small_->size() == 0) return {};
  Batch batch = small_->take();
  // A few rows don't keep the room of a full batch.
  if (batch.size < kSmallRows) {
    small_.reset();
    for (Vector& column : batch.columns) {
      Vector tight = Vector::flat(column.type(), batch.size);
      for (uint32_t i = 0; i < batch.size; ++i) tight.set_datum(i, column.datum(i));
      column = std::move(tight);
    }
  }
  return keep(std::move(batch));
}

Status KeptRows::keep(Batch batch) {
  row_count_ += batch.size;
  identities_.resize(batch.columns.size(), nullptr);
  for (size_t c = 0; c < batch.columns.size(); ++c) {
    const Vector& column = batch.columns[c];
    // Batches that share a dictionary hold it once.
    const bool shared = column.form() == Vector::Form::kDictionary &&
                        column.values_identity() == identities_[c];
    bytes_ += shared ? size_t{column.size()} * sizeof(uint32_t) : column.memory_bytes();
    identities_[c] = column.values_identity();
  }
  bytes_ += sizeof(Batch) + batch.columns.size() * sizeof(Vector);
  RETURN_IF_ERROR(grant_.ensure(bytes_));
  batches_.push_back(std::move(batch));
  return {};
}

}  // namespace eventd::engine
