// How old ring events were when they became durable.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

namespace eventd::engine {

/// A histogram of ages in nanoseconds: eight classes to a power of two, so that a quantile is at most
/// an eighth too high. Written by one thread, read by any.
class CommitAges {
 public:
  /// A negative age (the clock stepped back) is not counted.
  void add(int64_t age_ns) {
    if (age_ns < 0) return;
    std::atomic<uint64_t>& count = counts_[class_of(static_cast<uint64_t>(age_ns))];
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  using Counts = std::array<uint64_t, 64 * 8>;
  /// Adds what has been counted so far to `counts`.
  void read(Counts& counts) const {
    for (size_t i = 0; i < counts.size(); ++i) counts[i] += counts_[i].load(std::memory_order_relaxed);
  }
  /// The upper bound of the class in which the `share` (0 … 1) of all ages ends; 0 when there are none.
  static int64_t quantile(const Counts& counts, double share) {
    uint64_t total = 0;
    for (const uint64_t count : counts) total += count;
    if (total == 0) return 0;
    auto left = static_cast<uint64_t>(share * static_cast<double>(total));
    if (left >= total) left = total - 1;
    for (size_t i = 0; i < counts.size(); ++i) {
      if (left < counts[i]) return static_cast<int64_t>(bound_of(i));
      left -= counts[i];
    }
    return 0;
  }

 private:
  static size_t class_of(uint64_t age_ns) {
    if (age_ns < 8) return age_ns;
    const int power = static_cast<int>(std::bit_width(age_ns)) - 1;  // 3 … 62
    return static_cast<size_t>(power - 2) * 8 + ((age_ns >> (power - 3)) & 7);
  }
  /// The greatest age of the class.
  static uint64_t bound_of(size_t index) {
    if (index < 8) return index;
    const int power = static_cast<int>(index / 8) + 2;
    return ((8 + index % 8 + 1) << (power - 3)) - 1;
  }

  std::array<std::atomic<uint64_t>, 64 * 8> counts_{};
};

}  // namespace eventd::engine
