// How many bytes of strings a piece of work makes.
#pragma once

#include <cstddef>

namespace eventd::engine {

/// Counts what string heaps take from the system on this thread while it is the innermost one: what
/// is made and dropped again counts, what happens under a HeapMeter inside does not. One thread.
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

 private:
  const size_t outer_bytes_;
};

}  // namespace eventd::engine
