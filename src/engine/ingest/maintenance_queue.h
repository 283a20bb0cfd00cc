// What waits to be done to one shard's file between batches.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>

#include "clock.h"
#include "engine/ingest/maintenance_task.h"
#include "engine/storage/shard.h"
#include "result.h"

namespace eventd::engine {

/// Tasks a shard takes on at once; more are refused.
inline constexpr uint32_t kMaintenanceTasksMax = 16;

/// Tasks take turns, step by step: a backup of an hour does not hold up retention. Owned by the
/// writer thread; reserve() and cancel() may be called from any.
class MaintenanceQueue {
 public:
  explicit MaintenanceQueue(const Clock& clock) : clock_(clock) {}

  /// Any thread: true if one more task may be posted, which must then be added or given up with
  /// cancel().
  bool reserve() {
    if (reserved_.fetch_add(1, std::memory_order_relaxed) < kMaintenanceTasksMax) return true;
    cancel();
    return false;
  }
  void cancel() { reserved_.fetch_sub(1, std::memory_order_relaxed); }

  /// REQUIRES: reserved.
  void add(std::shared_ptr<MaintenanceTask> task) { tasks_.push_back(std::move(task)); }
  bool empty() const { return tasks_.empty(); }
  /// While rows wait, steps get a tenth of the time: after one of t, nothing for 9 t.
  bool due_under_load() const { return clock_.monotonic_ns() >= next_under_load_ns_; }

  /// One step of the task whose turn it is. An error has ended that task (which was told) and says
  /// what the writer should know. REQUIRES: not empty, no transaction open on `shard`.
  Status step(Shard& shard, const std::atomic<bool>& rows_wait);
  /// Ends all tasks.
  void end_all(const Error& why);

 private:
  void end(std::shared_ptr<MaintenanceTask> task, Status status);

  const Clock& clock_;
  std::deque<std::shared_ptr<MaintenanceTask>> tasks_;
  int64_t next_under_load_ns_ = 0;
  std::atomic<uint32_t> reserved_{0};  // posted and not ended
};

}  // namespace eventd::engine
