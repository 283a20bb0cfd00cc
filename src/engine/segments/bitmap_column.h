// Booleans and validity: all equal, one bit a row, or runs.
#pragma once

#include <cstdint>
#include <string>

#include "engine/segments/column_format.h"
#include "engine/segments/row_bits.h"

namespace eventd::engine {

/// Writes the smallest form.
void append_bitmap_column(const RowBits& bits, std::string& out);

/// XX001 when the bytes are no such column of `rows` bits. The result has its ranks.
Result<RowBits> decode_bitmap_column(ByteSpan column, uint32_t rows);

/// A column with nulls: which rows have a value, then the values of those as a column of their own.
struct NullableColumn {
  RowBits valid;            ///< empty (0 rows) when every row has a value
  ByteSpan values;          ///< the column of values
  uint32_t values_count = 0;
  bool has_nulls() const { return valid.rows() > 0; }
};

/// `append_values` writes the column of the values present: bits.count() rows.
template <class Append>
void append_nullable_column(const RowBits& valid, std::string& out, Append append_values) {
  append_column_header(ColumnEncoding::kNullable, valid.rows(), out);
  append_le(out, valid.count());
  append_child(out, [&] { append_bitmap_column(valid, out); });
  append_child(out, append_values);
}

/// The parts of a column with nulls, or of any other, whose rows then all have values. Borrows `column`.
Result<NullableColumn> open_nullable_column(ByteSpan column, uint32_t rows);

}  // namespace eventd::engine
