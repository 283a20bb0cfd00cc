#include "engine/segments/text_blocks.h"

#include <algorithm>

namespace eventd::engine {
namespace {

struct WrittenBlock {
  uint32_t first_row = 0, raw_bytes = 0, stored_bytes = 0;
};

/// Values from `first` until a block is full; the row after the last.
size_t gather_block(std::span<const std::string_view> values, size_t first, std::string& raw) {
  raw.clear();
  size_t row = first;
  while (row < values.size() && raw.size() < kTextBlockBytes) raw += values[row++];
  return row;
}

}  // namespace

void append_text_blocks(std::span<const std::string_view> values, ByteCodec codec, std::string& out) {
  std::vector<int64_t> lengths;
  lengths.reserve(values.size());
  for (const auto& value : values) lengths.push_back(static_cast<int64_t>(value.size()));
  std::vector<WrittenBlock> blocks;
  std::string raw, stored;
  for (size_t row = 0; row < values.size();) {
    WrittenBlock block{.first_row = static_cast<uint32_t>(row)};
    row = gather_block(values, row, raw);
    block.raw_bytes = static_cast<uint32_t>(raw.size());
    block.stored_bytes = static_cast<uint32_t>(append_compressed(codec, as_bytes(raw), stored));
    blocks.push_back(block);
  }
  append_column_header(ColumnEncoding::kTextBlocks, static_cast<uint32_t>(values.size()), out);
  append_le(out, static_cast<uint8_t>(codec));
  append_le(out, static_cast<uint32_t>(blocks.size()));
  append_child(out, [&] { append_integer_column(lengths, out); });
  for (const WrittenBlock& block : blocks) {
    append_le(out, block.first_row);
    append_le(out, block.raw_bytes);
    append_le(out, block.stored_bytes);
  }
  out += stored;
}

Result<TextBlocks> TextBlocks::open(ByteSpan column, uint32_t rows) {
  FormatReader reader(column);
  RETURN_IF_ERROR(expect_column_header(reader, ColumnEncoding::kTextBlocks, rows));
  uint8_t codec = 0;
  uint32_t count = 0;
  ByteSpan lengths, directory;
  if (!reader.read(codec) || !reader.read(count) || count > rows || !reader.take_sized(lengths) ||
      !reader.take(size_t{count} * sizeof(WrittenBlock), directory)) {
    return column_damaged("the directory of a text column is cut off");
  }
  TextBlocks text;
  text.rows_ = rows;
  text.codec_ = static_cast<ByteCodec>(codec);
  ASSIGN_OR_RETURN(text.lengths_, IntegerColumn::open(lengths, rows));
  text.directory_.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    const auto block = load_le<WrittenBlock>(directory.data() + i * sizeof(WrittenBlock));
    Entry entry{block.first_row, block.raw_bytes, {}};
    const uint32_t first_min = i == 0 ? 0 : text.directory_.back().first_row + 1;
    if (block.first_row < first_min || block.first_row >= rows || (i == 0 && block.first_row != 0) ||
        block.raw_bytes > kSegmentValueBytesMax + kTextBlockBytes ||
        block.raw_bytes > decompressed_bytes_max(text.codec_, block.stored_bytes) ||
        !reader.take(block.stored_bytes, entry.stored)) {
      return column_damaged("a block of text is cut off or out of order");
    }
    text.directory_.push_back(entry);
  }
  if (count == 0 && rows > 0) return column_damaged("a text column has no blocks");
  return text;
}

uint32_t TextBlocks::block_of(uint32_t row) const {
  const auto after = std::upper_bound(directory_.begin(), directory_.end(), row,
                                      [](uint32_t r, const Entry& entry) { return r < entry.first_row; });
  return static_cast<uint32_t>(after - directory_.begin()) - 1;
}

Status TextBlocks::decode(uint32_t block, TextBlock& out) const {
  const Entry& entry = directory_[block];
  const uint32_t end_row = block + 1 < blocks() ? directory_[block + 1].first_row : rows_;
  out.first_row = entry.first_row;
  out.ends.clear();
  out.ends.reserve(end_row - entry.first_row);
  IntegerCursor lengths(lengths_);
  uint64_t end = 0;
  for (uint32_t row = entry.first_row; row < end_row; ++row) {
    int64_t length = 0;
    RETURN_IF_ERROR(lengths.value(row, length));
    if (length < 0 || static_cast<uint64_t>(length) > entry.raw_bytes - end) {
      return column_damaged("lengths of text do not add up to their block");
    }
    end += static_cast<uint64_t>(length);
    out.ends.push_back(static_cast<uint32_t>(end));
  }
  if (end != entry.raw_bytes) return column_damaged("lengths of text do not add up to their block");
  out.bytes.resize(entry.raw_bytes);
  return decompress(codec_, entry.stored, out.bytes);
}

}  // namespace eventd::engine
