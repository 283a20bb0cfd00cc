#include "engine/ingest/maintenance_queue.h"

#include <utility>

#include "log.h"

namespace eventd::engine {
namespace {

constexpr int64_t kLoadShare = 10;  // one part in …

}  // namespace

Status MaintenanceQueue::step(Shard& shard, const std::atomic<bool>& rows_wait) {
  std::shared_ptr<MaintenanceTask> task = std::move(tasks_.front());
  tasks_.pop_front();
  const int64_t started_ns = clock_.monotonic_ns();
  auto progress = task->step(shard, rows_wait);
  const int64_t ended_ns = clock_.monotonic_ns();
  next_under_load_ns_ = ended_ns + (kLoadShare - 1) * (ended_ns - started_ns);
  if (!progress.ok()) {
    // Whatever the step left open would swallow the next batch.
    shard.rollback();
    log::warning("maintenance of \"" + shard.path() + "\": " + progress.error().message);
    Status failure{Error(progress.error())};
    end(std::move(task), std::move(progress).take_status());
    return failure;
  }
  if (*progress == MaintenanceTask::Progress::kMore) {
    tasks_.push_back(std::move(task));
  } else {
    end(std::move(task), {});
  }
  return {};
}

void MaintenanceQueue::end(std::shared_ptr<MaintenanceTask> task, Status status) {
  cancel();
  task->ended(std::move(status));
}

void MaintenanceQueue::end_all(const Error& why) {
  while (!tasks_.empty()) {
    std::shared_ptr<MaintenanceTask> task = std::move(tasks_.front());
    tasks_.pop_front();
    end(std::move(task), Error(why));
  }
}

}  // namespace eventd::engine
