// Lets code that is handed no context notice that nobody wants its result any more.
#pragma once

#include <cstdint>

#include "result.h"

namespace eventd {

/// Whom a thread asks. Borrowed by the scopes that name it.
struct InterruptSource {
  using Check = Status (*)(const void* who);
  Check check = nullptr;  ///< null: nobody is to be asked
  const void* who = nullptr;
};

/// While it lives, check_interrupt() asks `source` on the thread that made it. Nests; the innermost
/// one counts.
class InterruptScope {
 public:
  explicit InterruptScope(InterruptSource source);
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;
  ~InterruptScope();
  /// The calling thread's source, to be handed to threads that work for it.
  static InterruptSource current();

 private:
  const InterruptSource outer_;
};

/// OK, or the source's error once the calling thread's work is no longer wanted. For loops in
/// parsers, printers and arithmetic whose input may be a gigabyte: every some 10,000 steps.
Status check_interrupt();
/// The same for functions that return no error: they may then stop with whatever they have, as
/// their caller finds the error itself, and throws the result away.
inline bool is_interrupted() { return !check_interrupt().ok(); }

/// Counts what a loop does, so that it asks about every millisecond. One loop's, or that of several
/// loops inside each other.
class InterruptPacer {
 public:
  /// True once interrupted. `work` in nanoseconds, roughly.
  bool step(uint64_t work) {
    done_ += work;
    return done_ >= kWorkBetweenLooks && look();
  }
  bool interrupted() const { return interrupted_; }

 private:
  static constexpr uint64_t kWorkBetweenLooks = 1'000'000;
  bool look() {
    if (interrupted_) return true;
    done_ = 0;
    interrupted_ = is_interrupted();
    if (interrupted_) done_ = kWorkBetweenLooks;  // so that it stays so
    return interrupted_;
  }

  uint64_t done_ = 0;
  bool interrupted_ = false;
};

}  // namespace eventd
