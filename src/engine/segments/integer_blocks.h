// Integers in blocks of 2,048: packed differences from the block's least value, or from the least step
// between neighbours. Each block has its least and greatest value beside it and can be decoded alone.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/segments/column_format.h"

namespace eventd::engine {

/// How a column of integers would be written: made by `plan`, written by `append`. Borrows the values.
class IntegerBlocksPlan {
 public:
  explicit IntegerBlocksPlan(std::span<const int64_t> values);
  /// Bytes `append` will write.
  size_t size() const { return size_; }
  void append(std::string& out) const;

 private:
  struct Block {
    uint64_t base = 0;  ///< least value or least step
    int64_t min = 0, max = 0;
    uint8_t mode = 0, width = 0;
  };
  static Block plan_block(std::span<const int64_t> values);

  std::span<const int64_t> values_;
  std::vector<Block> blocks_;
  size_t size_ = 0;
};

/// Reads such a column. Borrows its bytes, which were checked as far as reading needs; immutable, any
/// thread may decode.
class IntegerBlocks {
 public:
  /// XX001 when the bytes are no such column of `rows` values.
  static Result<IntegerBlocks> open(ByteSpan column, uint32_t rows);

  uint32_t rows() const { return rows_; }
  uint32_t blocks() const { return column_blocks(rows_); }
  uint32_t block_rows(uint32_t block) const { return column_block_rows(rows_, block); }
  /// Bounds of a block's values, as they were written. REQUIRES: block < blocks().
  int64_t min(uint32_t block) const;
  int64_t max(uint32_t block) const;
  /// Room for block_rows(block) values. REQUIRES: block < blocks().
  void decode(uint32_t block, int64_t* out) const;
  /// As decode, of values in 0 … 2^32-1 (ids); others come out as their low 32 bits.
  void decode_ids(uint32_t block, uint32_t* out) const;

 private:
  struct Entry;
  Entry entry(uint32_t block) const;

  ByteSpan directory_, data_;
  uint32_t rows_ = 0;
};

}  // namespace eventd::engine
