// Lets the writer have a moment without readers, so that a checkpoint can restart the WAL.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace eventd::engine {

/// Readers pass through for each slice (≤ kScanSliceNs); the writer closes it. Thread-safe.
class ReaderGate {
 public:
  /// Waits while the gate is closed.
  void enter() {
    std::unique_lock lock(mutex_);
    opened_.wait(lock, [this] { return !closed_; });
    ++inside_;
  }
  void leave() {
    std::lock_guard lock(mutex_);
    if (--inside_ == 0 && closed_) emptied_.notify_all();
  }

  /// Keeps new readers out and waits for those inside. False when some are still inside after
  /// `timeout`; the gate is closed in either case. One closer at a time.
  bool close(std::chrono::nanoseconds timeout) {
    std::unique_lock lock(mutex_);
    closed_ = true;
    return emptied_.wait_for(lock, timeout, [this] { return inside_ == 0; });
  }
  void open() {
    std::lock_guard lock(mutex_);
    closed_ = false;
    opened_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_, emptied_;
  uint32_t inside_ = 0;   // guarded by mutex_
  bool closed_ = false;   // guarded by mutex_
};

}  // namespace eventd::engine
