// How many bytes of strings a piece of work makes.
#pragma once

#include <cstddef>

namespace eventd::engine {

/// Counts what string heaps take from the system on this thread while it is the innermost one. What
/// is dropped again counts until settle() says so; what happens under a HeapMeter inside does not
/// count. One thread.
class HeapMeter {
 public:
  HeapMeter();
  HeapMeter(const HeapMeter&) = delete;
  HeapMeter& operator=(const HeapMeter&) = delete;
  ~HeapMeter();

  /// Of the calling thread's innermost meter.
  static size_t bytes();
  /// A heap has taken `bytes`.
  static void add(size_t bytes);
  /// Of what was counted since bytes() was `before`, at most `kept` bytes are still there.
  static void settle(size_t before, size_t kept);

 private:
  const size_t outer_bytes_;
};

}  // namespace eventd::engine
