// The memory of one drain cycle: a block and a bump pointer, recycled whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "bytes.h"

namespace eventd::engine {

/// Usual size of a block. An event that does not fit into an empty one gets a block of its size.
inline constexpr size_t kArenaBytes = 256 << 10;

/// Owned by one thread at a time; moves from drain thread to writer with its batch.
class Arena {
 public:
  /// Makes room for at least `capacity_bytes`, forgetting what was in it.
  void prepare(size_t capacity_bytes) {
    if (capacity_bytes < kArenaBytes) capacity_bytes = kArenaBytes;
    // An outsized block is not kept: the handoff counts on blocks of the usual size.
    if (capacity_bytes_ < capacity_bytes || capacity_bytes_ > 2 * capacity_bytes) {
      bytes_ = std::make_unique_for_overwrite<uint8_t[]>(capacity_bytes);
      capacity_bytes_ = capacity_bytes;
    }
    used_bytes_ = 0;
  }

  /// Where the next event goes.
  std::span<uint8_t> free_space() {
    return {bytes_.get() + used_bytes_, capacity_bytes_ - used_bytes_};
  }
  /// Keeps the first `size` bytes of free_space(). REQUIRES: size <= free_space().size().
  void advance(size_t size) {
    used_bytes_ += size;
    // For the next event: a recycled block is no longer in the nearest cache.
    const uint8_t* next = bytes_.get() + used_bytes_;
    for (size_t line = 0; line < kPrefetchLines; ++line) __builtin_prefetch(next + line * 64, 1);
  }

  ByteSpan used() const { return {bytes_.get(), used_bytes_}; }
  size_t used_bytes() const { return used_bytes_; }
  size_t capacity_bytes() const { return capacity_bytes_; }

 private:
  static constexpr size_t kPrefetchLines = 4;

  std::unique_ptr<uint8_t[]> bytes_;
  size_t capacity_bytes_ = 0;
  size_t used_bytes_ = 0;
};

}  // namespace eventd::engine
