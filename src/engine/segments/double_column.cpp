#include "engine/segments/double_column.h"

#include <algorithm>
#include <array>
#include <bit>

namespace eventd::engine {

ColumnEncoding append_double_column(std::span<const double> values, std::string& out) {
  std::string best;
  ColumnEncoding encoding = ColumnEncoding::kXorDoubles;
  append_xor_doubles(values, best);
  if (const auto plan = plan_decimal_doubles(values)) {
    std::string decimals;
    append_decimal_doubles(*plan, values, decimals);
    if (decimals.size() <= best.size()) {
      best = std::move(decimals);
      encoding = ColumnEncoding::kDecimalDoubles;
    }
  }
  // Runs and dictionaries know nothing of doubles: the bits are integers to them.
  std::vector<int64_t> bits;
  bits.reserve(values.size());
  for (const double value : values) bits.push_back(std::bit_cast<int64_t>(value));
  std::string integers;
  const ColumnEncoding integer_encoding = append_integer_column(bits, integers);
  if (integer_encoding != ColumnEncoding::kIntegerBlocks && integers.size() < best.size()) {
    best = std::move(integers);
    encoding = integer_encoding;
  }
  out += best;
  return encoding;
}

Result<DoubleColumn> DoubleColumn::open(ByteSpan column, uint32_t rows) {
  FormatReader reader(column);
  ASSIGN_OR_RETURN(const ColumnEncoding encoding, read_column_header(reader, rows));
  DoubleColumn doubles;
  doubles.rows_ = rows;
  if (encoding == ColumnEncoding::kXorDoubles) {
    ASSIGN_OR_RETURN(doubles.form_, XorDoubles::open(column, rows));
  } else if (encoding == ColumnEncoding::kDecimalDoubles) {
    ASSIGN_OR_RETURN(doubles.form_, DecimalDoubles::open(column, rows));
  } else {
    ASSIGN_OR_RETURN(doubles.form_, IntegerColumn::open(column, rows));
  }
  return doubles;
}

Status DoubleColumn::decode(uint32_t block, double* out) const {
  if (const auto* xored = std::get_if<XorDoubles>(&form_)) {
    xored->decode(block, out);
    return {};
  }
  if (const auto* decimals = std::get_if<DecimalDoubles>(&form_)) return decimals->decode(block, out);
  std::array<int64_t, kColumnBlockRows> bits;
  RETURN_IF_ERROR(std::get<IntegerColumn>(form_).decode(block, bits.data()));
  const uint32_t rows = column_block_rows(rows_, block);
  for (uint32_t i = 0; i < rows; ++i) out[i] = std::bit_cast<double>(bits[i]);
  return {};
}

Status DoubleCursor::value(uint32_t row, double& out) {
  if (row >= column_->rows()) return column_damaged("a column ends before its rows");
  const uint32_t block = row / kColumnBlockRows;
  if (block != block_) {
    values_.resize(kColumnBlockRows);
    block_ = UINT32_MAX;
    RETURN_IF_ERROR(column_->decode(block, values_.data()));
    block_ = block;
  }
  out = values_[row % kColumnBlockRows];
  return {};
}

}  // namespace eventd::engine
