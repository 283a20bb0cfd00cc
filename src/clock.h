// Time as the server sees it. Tests pass their own Clock.
#pragma once

#include <cstdint>

namespace eventd {

/// Source of time. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  /// CLOCK_REALTIME, nanoseconds since the Unix epoch, UTC. May step back.
  virtual int64_t realtime_ns() const = 0;
  /// CLOCK_MONOTONIC, nanoseconds.
  virtual int64_t monotonic_ns() const = 0;

  /// The machine's clock; lives for ever.
  static const Clock& system();
};

}  // namespace eventd
