// Threads for work too long for an I/O thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace eventd::engine {

/// `thread_count` workers and one queue. Thread-safe. A task never waits for another task that may
/// still be queued (Gather runs what nobody has started itself), so it cannot deadlock.
class ScanPool {
 public:
  explicit ScanPool(size_t thread_count);
  /// Runs what is queued to its end and joins.
  ~ScanPool();
  ScanPool(const ScanPool&) = delete;
  ScanPool& operator=(const ScanPool&) = delete;

  void submit(std::function<void()> task);
  size_t thread_count() const;
  /// Whether the calling thread is one of this pool's.
  bool is_pool_thread() const;

  /// While it lives, the calling pool thread is blocked on something that isn't CPU (pg_sleep):
  /// the pool starts one more thread in its place, up to a bound. No effect on other threads.
  class BlockingScope {
   public:
    BlockingScope();
    ~BlockingScope();
    BlockingScope(const BlockingScope&) = delete;
    BlockingScope& operator=(const BlockingScope&) = delete;

   private:
    void* pool_;
  };

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace eventd::engine
