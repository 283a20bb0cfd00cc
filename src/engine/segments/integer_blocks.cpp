#include "engine/segments/integer_blocks.h"

#include <algorithm>
#include <array>
#include <limits>

#include "engine/segments/bit_packing.h"

namespace eventd::engine {
namespace {

enum IntegerBlockMode : uint8_t { kFrame = 0, kSteps = 1 };

constexpr size_t kColumnHeaderBytes = 6;
constexpr size_t kEntryBytes = 22;      // mode, width, offset, min, max
constexpr size_t kStepsHeaderBytes = 16;  // first value, least step

/// Packed bytes of a block, without its header in the data.
size_t packed_size(uint8_t mode, uint8_t width, size_t rows) {
  return mode == kFrame ? packed_bytes(rows, width) : kStepsHeaderBytes + packed_bytes(rows - 1, width);
}

uint64_t bits(int64_t value) { return static_cast<uint64_t>(value); }

}  // namespace

// ---- writing

IntegerBlocksPlan::IntegerBlocksPlan(std::span<const int64_t> values) : values_(values) {
  size_ = kColumnHeaderBytes + kPackedPadding;
  for (size_t at = 0; at < values.size(); at += kColumnBlockRows) {
    const size_t rows = std::min<size_t>(kColumnBlockRows, values.size() - at);
    blocks_.push_back(plan_block(values.subspan(at, rows)));
    size_ += kEntryBytes + packed_size(blocks_.back().mode, blocks_.back().width, rows);
  }
}

IntegerBlocksPlan::Block IntegerBlocksPlan::plan_block(std::span<const int64_t> values) {
  Block block;
  block.min = block.max = values[0];
  // Steps wrap around, so that any values have some: decoding wraps back.
  int64_t step_min = std::numeric_limits<int64_t>::max(), step_max = std::numeric_limits<int64_t>::min();
  for (size_t i = 1; i < values.size(); ++i) {
    block.min = std::min(block.min, values[i]);
    block.max = std::max(block.max, values[i]);
    const auto step = static_cast<int64_t>(bits(values[i]) - bits(values[i - 1]));
    step_min = std::min(step_min, step);
    step_max = std::max(step_max, step);
  }
  block.width = static_cast<uint8_t>(bits_of(bits(block.max) - bits(block.min)));
  block.base = bits(block.min);
  if (values.size() < 2) return block;
  const auto steps_width = static_cast<uint8_t>(bits_of(bits(step_max) - bits(step_min)));
  if (packed_size(kSteps, steps_width, values.size()) < packed_size(kFrame, block.width, values.size())) {
    block.mode = kSteps;
    block.width = steps_width;
    block.base = bits(step_min);
  }
  return block;
}

void IntegerBlocksPlan::append(std::string& out) const {
  append_column_header(ColumnEncoding::kIntegerBlocks, static_cast<uint32_t>(values_.size()), out);
  uint32_t offset = 0;
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const Block& block = blocks_[i];
    append_le(out, block.mode);
    append_le(out, block.width);
    append_le(out, offset);
    append_le(out, block.min);
    append_le(out, block.max);
    const size_t rows = std::min<size_t>(kColumnBlockRows, values_.size() - i * kColumnBlockRows);
    offset += static_cast<uint32_t>(packed_size(block.mode, block.width, rows));
  }
  std::array<uint64_t, kColumnBlockRows> packed;
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const Block& block = blocks_[i];
    const auto values = values_.subspan(i * kColumnBlockRows).first(
        std::min<size_t>(kColumnBlockRows, values_.size() - i * kColumnBlockRows));
    size_t count = 0;
    if (block.mode == kFrame) {
      for (const int64_t value : values) packed[count++] = bits(value) - block.base;
    } else {
      append_le(out, values[0]);
      append_le(out, block.base);
      for (size_t v = 1; v < values.size(); ++v) {
        packed[count++] = bits(values[v]) - bits(values[v - 1]) - block.base;
      }
    }
    pack_bits({packed.data(), count}, block.width, out);
  }
  out.append(kPackedPadding, '\0');
}

// ---- reading

struct IntegerBlocks::Entry {
  uint8_t mode, width;
  ByteSpan data;  ///< from the block's first byte to the end of the column
};

IntegerBlocks::Entry IntegerBlocks::entry(uint32_t block) const {
  const uint8_t* at = directory_.data() + block * kEntryBytes;
  return {at[0], at[1], data_.subspan(load_le<uint32_t>(at + 2))};
}

int64_t IntegerBlocks::min(uint32_t block) const {
  return load_le<int64_t>(directory_.data() + block * kEntryBytes + 6);
}
int64_t IntegerBlocks::max(uint32_t block) const {
  return load_le<int64_t>(directory_.data() + block * kEntryBytes + 14);
}

Result<IntegerBlocks> IntegerBlocks::open(ByteSpan column, uint32_t rows) {
  FormatReader reader(column);
  RETURN_IF_ERROR(expect_column_header(reader, ColumnEncoding::kIntegerBlocks, rows));
  IntegerBlocks blocks;
  blocks.rows_ = rows;
  if (!reader.take(column_blocks(rows) * kEntryBytes, blocks.directory_)) {
    return column_damaged("the directory of an integer column is cut off");
  }
  blocks.data_ = reader.rest();
  for (uint32_t i = 0; i < blocks.blocks(); ++i) {
    const uint8_t* at = blocks.directory_.data() + i * kEntryBytes;
    if (at[0] > kSteps || at[1] > kPackedWidthMax) {
      return column_damaged("a block of integers has an unknown form");
    }
    const size_t end = load_le<uint32_t>(at + 2) +
                       packed_size(at[0], at[1], blocks.block_rows(i)) + kPackedPadding;
    if (end > blocks.data_.size()) return column_damaged("a block of integers is cut off");
  }
  return blocks;
}

void IntegerBlocks::decode(uint32_t block, int64_t* out) const {
  const Entry entry = this->entry(block);
  const size_t rows = block_rows(block);
  auto* const values = reinterpret_cast<uint64_t*>(out);
  if (entry.mode == kFrame) {
    const uint64_t base = bits(min(block));
    // Checked when the column was opened.
    [[maybe_unused]] const bool whole = unpack_bits(entry.data, entry.width, rows, values);
    for (size_t i = 0; i < rows; ++i) values[i] += base;
    return;
  }
  const uint64_t step_min = load_le<uint64_t>(entry.data.data() + sizeof(uint64_t));
  uint64_t value = load_le<uint64_t>(entry.data.data());
  values[0] = value;
  [[maybe_unused]] const bool whole =
      unpack_bits(entry.data.subspan(kStepsHeaderBytes), entry.width, rows - 1, values + 1);
  for (size_t i = 1; i < rows; ++i) {
    value += values[i] + step_min;
    values[i] = value;
  }
}

void IntegerBlocks::decode_ids(uint32_t block, uint32_t* out) const {
  const Entry entry = this->entry(block);
  const size_t rows = block_rows(block);
  if (entry.mode == kFrame && entry.width <= 32) {
    const auto base = static_cast<uint32_t>(min(block));
    [[maybe_unused]] const bool whole = unpack_bits(entry.data, entry.width, rows, out);
    for (size_t i = 0; base != 0 && i < rows; ++i) out[i] += base;
    return;
  }
  std::array<int64_t, kColumnBlockRows> values;
  decode(block, values.data());
  for (size_t i = 0; i < rows; ++i) out[i] = static_cast<uint32_t>(values[i]);
}

}  // namespace eventd::engine
