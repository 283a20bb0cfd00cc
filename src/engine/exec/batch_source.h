// A step of a running query: an operator that pulls batches from below and gives them above.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "engine/functions/eval_context.h"
#include "engine/scan/memory_account.h"
#include "engine/vector/vector.h"
#include "result.h"

namespace eventd::engine {

class TempSpace;

/// What operators of one execution share. The pointees outlive them.
struct OperatorContext {
  const EvalContext* eval = nullptr;
  MemoryAccount* memory = nullptr;  ///< null = unaccounted
  TempSpace* temp = nullptr;        ///< null = nothing can be spilled: 53200 past the memory
  const CancelToken* cancel = nullptr;
  bool instrument = false;  ///< measure time and rows
};

/// What EXPLAIN ANALYZE shows of one plan node: the sum over its operators on all threads.
/// Thread-safe.
struct OperatorStats {
  std::atomic<uint64_t> rows{0};
  std::atomic<uint64_t> rows_removed{0};
  std::atomic<uint64_t> time_ns{0};
  std::atomic<uint64_t> first_ns{0};
  std::atomic<uint64_t> loops{0};
  std::atomic<uint64_t> memory_bytes{0};
  std::atomic<uint64_t> disk_bytes{0};  ///< spilled
};

/// Owned by one thread at a time, may move between threads between calls. Holds no lock between
/// calls.
class BatchSource {
 public:
  BatchSource(const OperatorContext& context, OperatorStats* stats) : context_(context), stats_(stats) {}
  virtual ~BatchSource() = default;
  BatchSource(const BatchSource&) = delete;
  BatchSource& operator=(const BatchSource&) = delete;

  /// The next batch (at least one row, at most kBatchRows), or false at the end; not called again
  /// after the end or an error. Checks for cancellation.
  Result<bool> next(Batch& batch);

 protected:
  virtual Result<bool> produce(Batch& batch) = 0;
  const OperatorContext& context() const { return context_; }
  const EvalContext& eval() const { return *context_.eval; }
  /// Null unless the execution is measured.
  OperatorStats* stats() { return stats_; }

 private:
  const OperatorContext context_;
  OperatorStats* const stats_;
  bool started_ = false;
};
using BatchSourcePtr = std::unique_ptr<BatchSource>;

/// What one operator holds of the query's account; gives it back when destroyed. One thread.
class MemoryGrant {
 public:
  explicit MemoryGrant(MemoryAccount* account) : account_(account) {}
  ~MemoryGrant() { reset(); }
  MemoryGrant(const MemoryGrant&) = delete;
  MemoryGrant& operator=(const MemoryGrant&) = delete;

  /// Makes the grant at least `bytes`, in steps, so that the account is touched rarely. 53200.
  Status ensure(size_t bytes);
  /// The same for an operator that can spill: false when it should, at three quarters of
  /// query_buffer (MemoryAccount::try_grow), so that operators which cannot spill find room.
  bool try_ensure(size_t bytes);
  /// Takes over what `other` (of the same account) holds.
  void take(MemoryGrant& other);
  void reset();
  size_t peak_bytes() const { return peak_bytes_; }

 private:
  MemoryAccount* account_;
  size_t held_bytes_ = 0;
  size_t peak_bytes_ = 0;
};

}  // namespace eventd::engine
