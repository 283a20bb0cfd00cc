// Text of many values: the lengths as integers, the bytes in blocks of about 64 kB, each compressed alone.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/segments/byte_codec.h"
#include "engine/segments/integer_column.h"

namespace eventd::engine {

/// REQUIRES: values of at most kSegmentValueBytesMax bytes.
void append_text_blocks(std::span<const std::string_view> values, ByteCodec codec, std::string& out);

/// The values of one block, decompressed.
struct TextBlock {
  std::string bytes;
  std::vector<uint32_t> ends;  ///< of each value in `bytes`
  uint32_t first_row = 0;

  uint32_t rows() const { return static_cast<uint32_t>(ends.size()); }
  /// REQUIRES: first_row ≤ row < first_row + rows().
  std::string_view value(uint32_t row) const {
    const uint32_t i = row - first_row;
    const uint32_t begin = i == 0 ? 0 : ends[i - 1];
    return std::string_view(bytes).substr(begin, ends[i] - begin);
  }
};

/// Reads such a column. Borrows its bytes; immutable, any thread may decode.
class TextBlocks {
 public:
  /// XX001 when the bytes are no such column of `rows` values.
  static Result<TextBlocks> open(ByteSpan column, uint32_t rows);

  uint32_t rows() const { return rows_; }
  uint32_t blocks() const { return static_cast<uint32_t>(directory_.size()); }
  /// The block that holds a row. REQUIRES: row < rows().
  uint32_t block_of(uint32_t row) const;
  /// XX001. REQUIRES: block < blocks().
  Status decode(uint32_t block, TextBlock& out) const;

 private:
  struct Entry {
    uint32_t first_row, raw_bytes;
    ByteSpan stored;
  };
  std::vector<Entry> directory_;
  IntegerColumn lengths_;
  ByteCodec codec_ = ByteCodec::kNone;
  uint32_t rows_ = 0;
};

}  // namespace eventd::engine
