// Copies active shards while their writers go on, so that the copies show all shards at one moment.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "engine/ingest/maintenance_task.h"
#include "engine/maintenance/database_copy.h"
#include "result.h"

namespace eventd::engine {

/// What the tasks of one backup share. A ring may be striped over several shards, and a shard's
/// receipts may speak for the others (collapsed ranges): copies of different moments would call events
/// covered that none of them has. So every task copies all but the last pages, and then all writers
/// stand still, between two commits, while each takes its last step. Thread-safe.
class ShardCopies {
 public:
  explicit ShardCopies(uint32_t shard_count) : running_(shard_count), shard_count_(shard_count) {}

  /// Ends all copies at their next steps, with 57014.
  void cancel();
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }
  const std::atomic<bool>& cancel_flag() const { return cancelled_; }
  /// Waits until every task has ended. The first error of any.
  Status wait();

  // For the tasks.
  void task_ended(Status status);
  /// This task has only the last pages to go; true once that is so of all. Counted once a task.
  bool ready(bool& counted);
  /// Waits for the other writers, a bounded time. True: all are here, and none commits before its last
  /// step is done. False: some did not come; try again.
  bool meet();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  // GUARDED_BY(mutex_)
  uint32_t running_;
  uint32_t ready_ = 0, present_ = 0;
  uint32_t failed_meetings_ = 0;
  bool met_ = false;
  Status first_error_;

  const uint32_t shard_count_;
  std::atomic<bool> cancelled_{false};
};

/// One shard's copy. Posted to its writer.
class ShardCopyTask final : public MaintenanceTask {
 public:
  /// `target`: a file that does not exist yet.
  ShardCopyTask(std::shared_ptr<ShardCopies> copies, std::string target)
      : copies_(std::move(copies)), target_(std::move(target)) {}

  Result<Progress> step(Shard& shard, const std::atomic<bool>& rows_wait) override;
  void ended(Status status) override;

 private:
  Result<Progress> finish_together();

  const std::shared_ptr<ShardCopies> copies_;
  const std::string target_;
  sqlite3* source_ = nullptr;
  std::unique_ptr<DatabaseCopy> copy_;
  bool ready_ = false;
};

}  // namespace eventd::engine
