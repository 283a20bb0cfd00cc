#include "engine/exec/worker_group.h"

#include <condition_variable>
#include <memory>
#include <mutex>

#include "interrupt.h"

namespace eventd::engine {

namespace {

using Work = std::function<Status(size_t, const std::atomic<bool>&)>;

/// Outlives the call: a task may find it closed long after.
struct Group {
  std::mutex mutex;
  std::condition_variable done;
  // Guarded by mutex.
  const Work* work = nullptr;  // null = closed
  size_t running = 0;
  size_t next_worker = 1;
  Status status;

  std::atomic<bool> stop{false};
  const InterruptSource interrupt = InterruptScope::current();  ///< the caller's, for its helpers

  void record(Status result) {
    if (result.ok()) return;
    stop.store(true, std::memory_order_relaxed);
    if (status.ok()) status = std::move(result);
  }

  void help() {
    std::unique_lock lock(mutex);
    if (work == nullptr || stop.load(std::memory_order_relaxed)) return;
    const Work& mine = *work;
    const size_t worker = next_worker++;
    ++running;
    lock.unlock();
    const InterruptScope scope(interrupt);
    Status result = mine(worker, stop);
    lock.lock();
    record(std::move(result));
    if (--running == 0) done.notify_all();
  }
};

}  // namespace

Status run_workers(ScanPool& pool, size_t helpers, const Work& work) {
  const auto group = std::make_shared<Group>();
  group->work = &work;
  for (size_t i = 0; i < helpers; ++i) {
    pool.submit([group] { group->help(); });
  }
  Status own = work(0, group->stop);
  std::unique_lock lock(group->mutex);
  group->work = nullptr;
  group->record(std::move(own));
  group->done.wait(lock, [&] { return group->running == 0; });
  return std::move(group->status);
}

}  // namespace eventd::engine
