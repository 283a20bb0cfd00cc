// The short lock around one user-mode ring.
#pragma once

#include <atomic>
#include <cstdint>

#include "sync.h"

namespace eventd::kmes {

/// A mutex of one word (BasicLockable): one atomic operation in, one out, sleeping only when contended.
/// What it has over std::mutex: unlock() is known to end in a sequentially consistent
/// read-modify-write, so the full barrier that has to follow publishing costs nothing more on x86.
class RingLock {
 public:
  void lock() {
    uint32_t expected = kFree;
    if (!state_.compare_exchange_strong(expected, kTaken, std::memory_order_acquire,
                                        std::memory_order_relaxed)) {
      lock_contended();
    }
  }
  void unlock() {
    // release part pairs with the acquire in lock()
    if (state_.exchange(kFree, std::memory_order_seq_cst) == kContended) state_.notify_one();
  }

 private:
  static constexpr uint32_t kFree = 0, kTaken = 1, kContended = 2;
  static constexpr int kSpinsMax = 100;

  void lock_contended() {
    // A ring is held for some ten nanoseconds: worth a look before sleeping.
    for (int i = 0; i < kSpinsMax; ++i) {
      uint32_t expected = kFree;
      if (state_.load(std::memory_order_relaxed) == kFree &&
          state_.compare_exchange_strong(expected, kTaken, std::memory_order_acquire,
                                         std::memory_order_relaxed)) {
        return;
      }
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
    }
    while (state_.exchange(kContended, std::memory_order_acquire) != kFree) {
      state_.wait(kContended, std::memory_order_relaxed);
    }
  }

  Atomic<uint32_t> state_{kFree};
};

}  // namespace eventd::kmes
