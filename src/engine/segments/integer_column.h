// A column of integers in whichever encoding was smallest.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "engine/segments/integer_blocks.h"
#include "engine/segments/integer_dictionary.h"
#include "engine/segments/run_length.h"

namespace eventd::engine {

/// Writes the values in the smallest of blocks, runs and dictionary; returns which. REQUIRES: at most
/// kSegmentRowsMax values.
ColumnEncoding append_integer_column(std::span<const int64_t> values, std::string& out);

/// Reads a column of integers. Borrows its bytes; immutable, any thread may decode.
class IntegerColumn {
 public:
  IntegerColumn() = default;
  /// XX001 when the bytes are no column of `rows` integers.
  static Result<IntegerColumn> open(ByteSpan column, uint32_t rows);

  uint32_t rows() const { return rows_; }
  uint32_t blocks() const { return column_blocks(rows_); }
  /// Room for kColumnBlockRows values. XX001. REQUIRES: block < blocks().
  Status decode(uint32_t block, int64_t* out) const;
  Result<std::vector<int64_t>> decode_all() const;

  /// How the values are kept, for work on encoded data: null unless it is that form.
  const IntegerBlocks* as_blocks() const { return std::get_if<IntegerBlocks>(&form_); }
  const RunLength* as_runs() const { return std::get_if<RunLength>(&form_); }
  const IntegerDictionary* as_dictionary() const { return std::get_if<IntegerDictionary>(&form_); }

 private:
  std::variant<IntegerBlocks, RunLength, IntegerDictionary> form_;
  uint32_t rows_ = 0;
};

/// Reads single values, keeping the block last decoded. Borrows the column; one thread.
class IntegerCursor {
 public:
  explicit IntegerCursor(const IntegerColumn& column) : column_(&column) {}
  /// XX001 when there is no such row or its block is damaged.
  Status value(uint32_t row, int64_t& out);

 private:
  const IntegerColumn* column_;
  std::vector<int64_t> values_;
  uint32_t block_ = UINT32_MAX;
};

}  // namespace eventd::engine
