#include "engine/exec/scan_pool.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace eventd::engine {

namespace {
/// Threads that may stand in for blocked ones, a pool.
constexpr size_t kStandInsMax = 64;
}  // namespace

/// Shared with the threads. Everything is guarded by `mutex`.
struct ScanPool::State : std::enable_shared_from_this<ScanPool::State> {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::function<void()>> queue;
  std::vector<std::thread> threads;
  std::vector<std::thread> finished;  ///< have left run(), to be joined
  size_t thread_count = 0;            ///< as asked for
  size_t stand_ins = 0;               ///< wanted besides
  size_t live = 0;
  bool stopping = false;

  void start_thread();
  void run();
};

namespace {
thread_local void* current_pool = nullptr;
}  // namespace

// REQUIRES: mutex held.
void ScanPool::State::start_thread() {
  ++live;
  threads.emplace_back([this] { run(); });
}

void ScanPool::State::run() {
  current_pool = this;
  std::unique_lock lock(mutex);
  for (;;) {
    wake.wait(lock, [this] { return stopping || !queue.empty() || live > thread_count + stand_ins; });
    if (live > thread_count + stand_ins && !stopping) break;
    if (queue.empty()) {
      if (stopping) break;
      continue;
    }
    std::function<void()> task = std::move(queue.front());
    queue.pop_front();
    lock.unlock();
    task();
    task = nullptr;  // what it captured goes before the lock is taken again
    lock.lock();
  }
  --live;
  if (!stopping) {
    const auto own = std::find_if(threads.begin(), threads.end(), [](const std::thread& thread) {
      return thread.get_id() == std::this_thread::get_id();
    });
    finished.push_back(std::move(*own));
    threads.erase(own);
  }
}

ScanPool::ScanPool(size_t thread_count) : state_(std::make_shared<State>()) {
  const std::lock_guard lock(state_->mutex);
  state_->thread_count = std::max<size_t>(thread_count, 1);
  for (size_t i = 0; i < state_->thread_count; ++i) state_->start_thread();
}

ScanPool::~ScanPool() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    threads = std::move(state_->threads);
    for (std::thread& thread : state_->finished) threads.push_back(std::move(thread));
    state_->finished.clear();
  }
  state_->wake.notify_all();
  for (std::thread& thread : threads) thread.join();
}

void ScanPool::submit(std::function<void()> task) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->queue.push_back(std::move(task));
  }
  state_->wake.notify_one();
}

size_t ScanPool::thread_count() const {
  const std::lock_guard lock(state_->mutex);
  return state_->thread_count;
}

bool ScanPool::is_pool_thread() const { return current_pool == state_.get(); }

ScanPool::BlockingScope::BlockingScope() : pool_(nullptr) {
  if (current_pool == nullptr) return;
  State* state = static_cast<State*>(current_pool);
  std::vector<std::thread> finished;
  {
    const std::lock_guard lock(state->mutex);
    if (state->stopping || state->stand_ins >= kStandInsMax) return;
    ++state->stand_ins;
    pool_ = state;
    if (state->live < state->thread_count + state->stand_ins) state->start_thread();
    finished.swap(state->finished);
  }
  for (std::thread& thread : finished) thread.join();
}

ScanPool::BlockingScope::~BlockingScope() {
  if (pool_ == nullptr) return;
  State* state = static_cast<State*>(pool_);
  {
    const std::lock_guard lock(state->mutex);
    --state->stand_ins;
  }
  state->wake.notify_one();
}

}  // namespace eventd::engine
