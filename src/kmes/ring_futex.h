// Sleeping on futex_counter.
#pragma once

#ifdef EVENTD_SCHEDULED_FUTEX
#include EVENTD_SCHEDULED_FUTEX
#else

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdint>
#include <ctime>

namespace eventd::kmes {

// Not FUTEX_PRIVATE: the word is known under several addresses.

/// Sleeps while *word is `expected`. 0 when woken (perhaps for no reason), else the errno: ETIMEDOUT,
/// EAGAIN when *word was different, EINTR. REQUIRES: timeout_ns >= 0.
inline int futex_wait(uint32_t* word, uint32_t expected, int64_t timeout_ns) {
  constexpr int64_t kNsPerSecond = 1'000'000'000;
  timespec timeout{};
  timeout.tv_sec = static_cast<time_t>(timeout_ns / kNsPerSecond);
  timeout.tv_nsec = static_cast<long>(timeout_ns % kNsPerSecond);
  if (syscall(SYS_futex, word, FUTEX_WAIT, expected, &timeout, nullptr, 0) == 0) return 0;
  return errno;
}

inline void futex_wake_all(uint32_t* word) {
  syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace eventd::kmes

#endif
