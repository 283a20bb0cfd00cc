// How far all shards of one ring have committed, so that each may collapse its receipts.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "engine/ingest/coverage.h"

namespace eventd::engine {

/// A ring whose events go to several shards in turn leaves each with a receipt a stripe. A receipt
/// means covered, not stored here: once all shards have committed through S, one range 1–S says the
/// same. Thread-safe; used once a batch.
class RingProgress {
 public:
  /// `covered_through`: by earlier runs, without holes that are not told as gaps.
  RingProgress(uint16_t cpu_id, uint64_t covered_through)
      : cpu_id_(cpu_id), assigned_through_(covered_through) {}

  /// Drain thread, before the batch is handed off: a shard is now to cover these.
  void assign(uint64_t first, uint64_t last) {
    const std::lock_guard lock(mutex_);
    outstanding_.add(cpu_id_, first, last);
    assigned_through_ = std::max(assigned_through_, last);
  }
  /// Writer, after its commit.
  void committed(uint64_t first, uint64_t last) {
    const std::lock_guard lock(mutex_);
    outstanding_.remove(cpu_id_, first, last);
  }
  /// Everything up to here is covered durably; 0 = nothing.
  uint64_t covered_through() const {
    const std::lock_guard lock(mutex_);
    uint64_t through = assigned_through_;
    for (const Coverage::Range& range : outstanding_.ranges())
      through = std::min(through, range.first - 1);
    return through;
  }

 private:
  mutable std::mutex mutex_;
  Coverage outstanding_;  // GUARDED_BY(mutex_)
  const uint16_t cpu_id_;
  uint64_t assigned_through_;  // GUARDED_BY(mutex_)
};

}  // namespace eventd::engine
