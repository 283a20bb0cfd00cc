#include "engine/segments/row_bits.h"

#include <bit>

namespace eventd::engine {

RowBits::RowBits(uint32_t rows, bool value)
    : RowBits(rows, std::vector<uint64_t>((rows + 63) / 64, value ? ~uint64_t{0} : 0)) {}

RowBits::RowBits(uint32_t rows, std::vector<uint64_t> words) : words_(std::move(words)), rows_(rows) {
  if (rows % 64 != 0) words_.back() &= (uint64_t{1} << rows % 64) - 1;
}

uint32_t RowBits::count() const {
  uint32_t count = 0;
  for (const uint64_t word : words_) count += static_cast<uint32_t>(std::popcount(word));
  return count;
}

void RowBits::build_ranks() {
  ranks_.clear();
  uint32_t before = 0;
  for (const uint64_t word : words_) {
    ranks_.push_back(before);
    before += static_cast<uint32_t>(std::popcount(word));
  }
  ranks_.push_back(before);
}

uint32_t RowBits::rank(uint32_t row) const {
  const uint32_t before = ranks_[row >> 6];
  if ((row & 63) == 0) return before;
  return before + static_cast<uint32_t>(std::popcount(words_[row >> 6] & ((uint64_t{1} << (row & 63)) - 1)));
}

}  // namespace eventd::engine
