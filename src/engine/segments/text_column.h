// A column of text or bytes in whichever encoding was smallest.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/segments/text_blocks.h"
#include "engine/segments/text_dictionary.h"

namespace eventd::engine {

struct TextColumnOptions {
  ByteCodec codec = ByteCodec::kLz4;
  DictionaryOrder order = DictionaryOrder::kBytes;
};

/// The least and the greatest of some values, borrowed from them.
struct TextBounds {
  std::string_view min, max;
};

/// Writes the values as a dictionary or in blocks, whichever is smaller; returns which, and fills
/// `bounds`, if given and there are values. REQUIRES: at most kSegmentRowsMax values of at most
/// kSegmentValueBytesMax bytes.
ColumnEncoding append_text_column(std::span<const std::string_view> values,
                                  const TextColumnOptions& options, std::string& out,
                                  TextBounds* bounds = nullptr);

/// Reads a column of text. Borrows its bytes; immutable, any thread may read.
class TextColumn {
 public:
  TextColumn() = default;
  /// XX001 when the bytes are no column of `rows` texts.
  static Result<TextColumn> open(ByteSpan column, uint32_t rows);

  uint32_t rows() const { return rows_; }
  /// How the values are kept, for work on encoded data: null unless it is that form.
  const TextBlocks* as_blocks() const { return std::get_if<TextBlocks>(&form_); }
  const TextDictionary* as_dictionary() const { return std::get_if<TextDictionary>(&form_); }

 private:
  std::variant<TextBlocks, TextDictionary> form_;
  uint32_t rows_ = 0;
};

/// Reads single values, keeping the block last decoded. Borrows the column; one thread.
class TextCursor {
 public:
  explicit TextCursor(const TextColumn& column) : column_(&column) {}
  /// XX001. The view is valid until the next call.
  Status value(uint32_t row, std::string_view& out);

 private:
  const TextColumn* column_;
  TextBlock text_;
  std::vector<uint32_t> ids_;
  uint32_t block_ = UINT32_MAX;  // of ids
};

}  // namespace eventd::engine
