#include "engine/segments/payload_rows.h"

#include <algorithm>
#include <array>

#include "engine/segments/id_column.h"

namespace eventd::engine {

Result<PayloadRows> PayloadRows::open(ByteSpan shape_column, uint32_t rows,
                                      const std::vector<PayloadShape>& shapes, size_t columns) {
  ASSIGN_OR_RETURN(const IdColumn ids,
                   IdColumn::open(shape_column, rows, static_cast<uint32_t>(shapes.size())));
  PayloadRows result;
  result.values_.resize(columns + 1);
  result.has_.resize(shapes.size() * (columns + 1));
  std::vector<std::vector<uint16_t>> columns_of(shapes.size());
  for (size_t shape = 0; shape < shapes.size(); ++shape) {
    for (const PayloadSlot& slot : shapes[shape].slots) {
      const auto column = static_cast<uint16_t>(slot.column == kRestColumn ? columns : slot.column);
      std::vector<bool>::reference has = result.has_[shape * (columns + 1) + column];
      if (!has) columns_of[shape].push_back(column);
      has = true;
    }
  }
  result.shape_ids_.resize(rows);
  std::array<uint32_t, kColumnBlockRows> block_ids;
  std::vector<uint32_t> in_block(shapes.size());
  for (uint32_t block = 0; block < ids.blocks(); ++block) {
    RETURN_IF_ERROR(ids.decode(block, block_ids.data()));
    const uint32_t block_rows = column_block_rows(rows, block);
    std::fill(in_block.begin(), in_block.end(), 0u);
    for (uint32_t i = 0; i < block_rows; ++i) {
      ++in_block[block_ids[i]];
      result.shape_ids_[block * kColumnBlockRows + i] = static_cast<uint16_t>(block_ids[i]);
    }
    result.before_.insert(result.before_.end(), result.values_.begin(), result.values_.end());
    for (size_t shape = 0; shape < shapes.size(); ++shape) {
      for (const uint16_t column : columns_of[shape]) result.values_[column] += in_block[shape];
    }
  }
  return result;
}

RowBits PayloadRows::bits(size_t column) const {
  std::vector<uint64_t> words((shape_ids_.size() + 63) / 64);
  for (size_t row = 0; row < shape_ids_.size(); ++row) {
    words[row / 64] |= uint64_t{has(shape_ids_[row], column)} << (row & 63);
  }
  RowBits bits(rows(), std::move(words));
  bits.build_ranks();
  return bits;
}

}  // namespace eventd::engine
