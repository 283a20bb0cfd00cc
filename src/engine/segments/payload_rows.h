// Which rows of a segment have a value in a payload column, and where among the column's values it is:
// both follow from the rows' shapes, so nothing of it is stored.
//
// A column of one path for the executor starts here: `bits(column)` are its rows, the column's reader
// gives the values in the order of those rows.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/segments/payload_shape.h"
#include "engine/segments/row_bits.h"

namespace eventd::engine {

/// Immutable; any thread may read.
class PayloadRows {
 public:
  PayloadRows() = default;
  /// `shape_column` holds the shape of each row. XX001 when it doesn't. `columns` are the payload
  /// columns of the segment; kRestColumn has the place after the last.
  static Result<PayloadRows> open(ByteSpan shape_column, uint32_t rows,
                                  const std::vector<PayloadShape>& shapes, size_t columns);

  uint32_t rows() const { return static_cast<uint32_t>(shape_ids_.size()); }
  uint32_t shape(uint32_t row) const { return shape_ids_[row]; }
  /// Values in a column. `column` ≤ columns: the last is the rest.
  uint32_t values(size_t column) const { return values_[column]; }
  /// Rows that have a value, with ranks. Made anew at each call: O(rows).
  RowBits bits(size_t column) const;
  /// Values of a column before the first row of a block of kColumnBlockRows.
  uint32_t values_before(size_t column, uint32_t block) const {
    return before_[size_t{block} * values_.size() + column];
  }
  /// Whether a shape has a value in a column.
  bool has(uint32_t shape, size_t column) const { return has_[shape * values_.size() + column]; }

 private:
  std::vector<uint16_t> shape_ids_;
  std::vector<bool> has_;         // by shape, column
  std::vector<uint32_t> before_;  // by block, column
  std::vector<uint32_t> values_;
};

}  // namespace eventd::engine
