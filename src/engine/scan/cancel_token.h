// Tells running work that its client no longer wants it.
#pragma once

#include <atomic>
#include <cstdint>

#include "result.h"

namespace eventd::engine {

/// One per statement. `cancel` may be called from any thread; the rest polls. Polling costs one
/// relaxed load plus, when a deadline is set, a clock read every few calls.
class CancelToken {
 public:
  enum class Reason : uint8_t { kNone, kUserRequest, kStatementTimeout, kShutdown, kConnectionLost };

  void cancel(Reason reason) {
    Reason none = Reason::kNone;
    reason_.compare_exchange_strong(none, reason, std::memory_order_relaxed);
  }
  /// CLOCK_MONOTONIC ns after which the statement times out; 0 = never.
  void set_deadline(int64_t monotonic_ns) { deadline_ns_.store(monotonic_ns, std::memory_order_relaxed); }
  /// True once cancelled or past the deadline.
  bool cancelled() const;
  /// OK, or 57014 / 57P01 with PostgreSQL's words.
  Status check() const;
  /// For the next statement of the session. REQUIRES: nothing of the last one still runs.
  void reset() {
    reason_.store(Reason::kNone, std::memory_order_relaxed);
    deadline_ns_.store(0, std::memory_order_relaxed);
  }

 private:
  mutable std::atomic<Reason> reason_{Reason::kNone};
  std::atomic<int64_t> deadline_ns_{0};
};

}  // namespace eventd::engine
