// Rows kept to be read again, batch by batch.
#pragma once

#include <memory>
#include <vector>

#include "engine/exec/batch_source.h"
#include "engine/vector/vector.h"
#include "result.h"

namespace eventd::engine {

/// Batches in the order they came; small ones are put together. One writer; any number of readers
/// once it is complete (batches given out stay valid by themselves).
class KeptRows {
 public:
  KeptRows(std::vector<Oid> types, MemoryAccount* memory) : types_(std::move(types)), grant_(memory) {}

  /// 53200 when it doesn't fit the query's memory.
  Status add(Batch batch);
  /// The same without putting small batches together: it can be read at once.
  Status keep(Batch batch);
  /// Ends what small batches have begun; called before reading.
  Status flush();
  size_t batch_count() const { return batches_.size(); }
  const Batch& batch(size_t i) const { return batches_[i]; }
  uint64_t row_count() const { return row_count_ + (small_ == nullptr ? 0 : small_->size()); }
  size_t memory_bytes() const { return bytes_; }

 private:
  std::vector<Oid> types_;
  std::vector<Batch> batches_;
  std::unique_ptr<BatchBuilder> small_;
  std::vector<const void*> identities_;  // values of each column of the batch kept last
  uint64_t row_count_ = 0;
  size_t bytes_ = 0;
  MemoryGrant grant_;
};

}  // namespace eventd::engine
