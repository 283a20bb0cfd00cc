// One bit a row, with quick counts of the bits before a row.
#pragma once

#include <cstdint>
#include <vector>

namespace eventd::engine {

/// Which rows have something. Built by one thread; then any may read.
class RowBits {
 public:
  RowBits() = default;
  /// All bits `value`.
  RowBits(uint32_t rows, bool value);
  /// REQUIRES: words has (rows + 63) / 64 words. Bits past the rows are cleared.
  RowBits(uint32_t rows, std::vector<uint64_t> words);

  uint32_t rows() const { return rows_; }
  bool test(uint32_t row) const { return (words_[row >> 6] >> (row & 63) & 1) != 0; }
  void set(uint32_t row) { words_[row >> 6] |= uint64_t{1} << (row & 63); }
  uint32_t count() const;
  /// Set bits before `row` (≤ rows()): the place of a row's value among those present.
  /// REQUIRES: build_ranks() after the last set().
  uint32_t rank(uint32_t row) const;
  void build_ranks();
  const std::vector<uint64_t>& words() const { return words_; }

 private:
  std::vector<uint64_t> words_;
  std::vector<uint32_t> ranks_;  // before each word
  uint32_t rows_ = 0;
};

}  // namespace eventd::engine
