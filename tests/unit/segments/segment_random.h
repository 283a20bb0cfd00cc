// Seeded random columns for the tests of encodings.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "engine/segments/segment_limits.h"

namespace eventd::engine::segment_tests {

/// Printed by a failing test through SCOPED_TRACE.
class SegmentRandom {
 public:
  explicit SegmentRandom(uint64_t seed) : random_(seed) {}
  uint64_t next() { return random_(); }
  uint64_t below(uint64_t bound) { return random_() % bound; }
  /// Evenly over the number of bits, so that small and large both come.
  uint64_t any_width() {
    const unsigned width = static_cast<unsigned>(below(65));
    return width == 0 ? 0 : random_() >> (64 - width);
  }
  std::string bytes(size_t size) {
    std::string text(size, '\0');
    for (char& c : text) c = static_cast<char>(random_());
    return text;
  }

 private:
  std::mt19937_64 random_;
};

/// Row counts at the edges of blocks.
inline constexpr uint32_t kRowCounts[] = {0, 1, 2, 63, 64, 65, 2047, 2048, 2049, 5000};

/// Every truncation, and flips of single bits, of an encoded column, each handed to `open`, which must
/// not fail in any other way than by a Status.
template <class Open>
void damage_everywhere(const std::string& column, SegmentRandom& random, Open open) {
  const size_t step = column.size() / 200 + 1;
  for (size_t size = 0; size < column.size(); size += step) {
    // Exactly as large, so that AddressSanitizer sees a read past it.
    const std::vector<char> cut(column.begin(), column.begin() + static_cast<ptrdiff_t>(size));
    open(std::string_view(cut.data(), cut.size()));
  }
  for (int i = 0; i < 400; ++i) {
    std::vector<char> changed(column.begin(), column.end());
    const uint64_t at = i < 200 ? random.below(std::min<size_t>(changed.size(), 64)) : random.below(changed.size());
    changed[at] = static_cast<char>(i % 2 == 0 ? changed[at] ^ (1 << random.below(8)) : random.next());
    open(std::string_view(changed.data(), changed.size()));
  }
}

}  // namespace eventd::engine::segment_tests
