// A column of doubles, bit for bit: decimals as integers, packed differences in bits, or the bits as
// integers when they repeat.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "engine/segments/decimal_doubles.h"
#include "engine/segments/integer_column.h"
#include "engine/segments/xor_doubles.h"

namespace eventd::engine {

/// Writes the values in the smallest encoding; returns it. REQUIRES: at most kSegmentRowsMax values.
ColumnEncoding append_double_column(std::span<const double> values, std::string& out);

/// Reads a column of doubles. Borrows its bytes; immutable, any thread may decode.
class DoubleColumn {
 public:
  DoubleColumn() = default;
  /// XX001 when the bytes are no column of `rows` doubles.
  static Result<DoubleColumn> open(ByteSpan column, uint32_t rows);

  uint32_t rows() const { return rows_; }
  uint32_t blocks() const { return column_blocks(rows_); }
  /// Room for kColumnBlockRows values. XX001. REQUIRES: block < blocks().
  Status decode(uint32_t block, double* out) const;

 private:
  std::variant<XorDoubles, DecimalDoubles, IntegerColumn> form_;
  uint32_t rows_ = 0;
};

/// Reads single values, keeping the block last decoded. Borrows the column; one thread.
class DoubleCursor {
 public:
  explicit DoubleCursor(const DoubleColumn& column) : column_(&column) {}
  /// XX001.
  Status value(uint32_t row, double& out);

 private:
  const DoubleColumn* column_;
  std::vector<double> values_;
  uint32_t block_ = UINT32_MAX;
};

}  // namespace eventd::engine
