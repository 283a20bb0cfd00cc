// Rows of a common table expression, computed as far as somebody has read.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>

#include "engine/exec/batch_source.h"
#include "engine/exec/kept_rows.h"

namespace eventd::engine {

/// Thread-safe: any number of readers, each with its own position.
class CteBuffer {
 public:
  CteBuffer(std::vector<Oid> types, MemoryAccount* memory) : rows_(std::move(types), memory) {}

  /// Where the rows come from. Once, before the first read.
  void set_source(BatchSourcePtr source) { source_ = std::move(source); }
  /// Batch number `index`, or false when there are fewer. Errors: those of computing it, 53200.
  Result<bool> read(size_t index, Batch& batch);

 private:
  std::mutex mutex_;
  // Guarded by mutex_.
  BatchSourcePtr source_;  // null at the end
  KeptRows rows_;
  Status status_;
};

/// A reader. Threads: see BatchSource.
class CteScanOperator : public BatchSource {
 public:
  CteScanOperator(const OperatorContext& context, OperatorStats* stats, std::shared_ptr<CteBuffer> cte)
      : BatchSource(context, stats), cte_(std::move(cte)) {}

 protected:
  Result<bool> produce(Batch& batch) override { return cte_->read(next_++, batch); }

 private:
  std::shared_ptr<CteBuffer> cte_;
  size_t next_ = 0;
};

/// The rows of complete buffers (what a round of a recursive query reads). Threads: see BatchSource.
class BufferScanOperator : public BatchSource {
 public:
  BufferScanOperator(const OperatorContext& context, OperatorStats* stats, std::shared_ptr<const KeptRows> rows)
      : BatchSource(context, stats), rows_(std::move(rows)) {}

 protected:
  Result<bool> produce(Batch& batch) override {
    if (rows_ == nullptr || next_ == rows_->batch_count()) return false;
    batch = rows_->batch(next_++);
    return true;
  }

 private:
  std::shared_ptr<const KeptRows> rows_;
  size_t next_ = 0;
};

}  // namespace eventd::engine
