#include "engine/maintenance/shard_copy_task.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "clock.h"

namespace eventd::engine {
namespace {

/// A step copies at least as much, whoever waits: a busy writer's copy ends too.
constexpr int kPagesAtLeast = 64;
/// So few are left for the moment when all writers stand still.
constexpr int kLastPages = 8;
/// The others' batches end in between. Grows when they don't.
constexpr std::chrono::milliseconds kMeetingWait{200};
constexpr uint32_t kMeetingWaitsMax = 25;
/// While other shards are still being copied, steps of this one would follow each other at once.
constexpr std::chrono::milliseconds kReadyPause{1};

}  // namespace

void ShardCopies::cancel() {
  cancelled_.store(true, std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  changed_.notify_all();
}

Status ShardCopies::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return running_ == 0; });
  return std::move(first_error_);
}

void ShardCopies::task_ended(Status status) {
  const std::lock_guard lock(mutex_);
  --running_;
  if (!status.ok()) {
    if (first_error_.ok()) first_error_ = std::move(status);
    cancelled_.store(true, std::memory_order_relaxed);  // one missing makes the others worthless
  }
  changed_.notify_all();
}

bool ShardCopies::ready(bool& counted) {
  const std::lock_guard lock(mutex_);
  if (!counted) ++ready_;
  counted = true;
  return ready_ == shard_count_;
}

bool ShardCopies::meet() {
  std::unique_lock lock(mutex_);
  if (++present_ == shard_count_) {
    met_ = true;
    changed_.notify_all();
    return true;
  }
  const auto wait = kMeetingWait * (1 + std::min(failed_meetings_ / shard_count_, kMeetingWaitsMax - 1));
  changed_.wait_for(lock, wait, [this] { return met_ || cancelled(); });
  if (met_) return true;
  --present_;
  ++failed_meetings_;
  return false;
}

Result<MaintenanceTask::Progress> ShardCopyTask::step(Shard& shard,
                                                      const std::atomic<bool>& rows_wait) {
  if (copies_->cancelled()) {
    return Status(sqlstate::kQueryCanceled, "canceling statement due to user request");
  }
  sqlite3* const source = shard.connection().raw();
  if (copy_ == nullptr) {
    source_ = source;
    auto begun = DatabaseCopy::begin(source, target_);
    // XX001 would say that the shard is damaged, and have it set aside: here it is the target.
    if (!begun.ok() && begun.error().code == sqlstate::kDataCorrupted)
      begun.error().code = sqlstate::kIoError;
    ASSIGN_OR_RETURN(copy_, std::move(begun));
  } else if (source != source_) {
    return Status(sqlstate::kObjectNotInPrerequisiteState,
                  "\"" + shard.path() + "\" was set aside as damaged during the backup");
  }
  const int64_t end_ns = Clock::system().monotonic_ns() + kMaintenanceStepNs / 2;
  do {
    ASSIGN_OR_RETURN(const int remaining, copy_->remaining());
    if (remaining <= kLastPages) return finish_together();
    ASSIGN_OR_RETURN(const bool complete, copy_->copy(std::min(remaining - 1, kPagesAtLeast)));
    if (complete) return Status(sqlstate::kInternalError, "a shard shrank during its backup");
  } while (!rows_wait.load(std::memory_order_relaxed) && Clock::system().monotonic_ns() < end_ns);
  return Progress::kMore;
}

Result<MaintenanceTask::Progress> ShardCopyTask::finish_together() {
  if (!copies_->ready(ready_)) {
    std::this_thread::sleep_for(kReadyPause);
    return Progress::kMore;
  }
  if (!copies_->meet()) return Progress::kMore;
  ASSIGN_OR_RETURN(const bool complete, copy_->copy(-1));
  if (!complete) return Status(sqlstate::kLockNotAvailable, "a shard is locked by another process");
  copy_.reset();
  return Progress::kFinished;
}

void ShardCopyTask::ended(Status status) {
  copy_.reset();  // here, on the thread of its source
  copies_->task_ended(std::move(status));
}

}  // namespace eventd::engine
