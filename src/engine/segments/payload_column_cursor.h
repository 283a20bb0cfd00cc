// Reads the values of one payload column as the msgpack they were.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/segments/bitmap_column.h"
#include "engine/segments/double_column.h"
#include "engine/segments/payload_shape.h"
#include "engine/segments/text_column.h"

namespace eventd::engine {

/// The column is opened when its first value is asked for: a payload needs only those of its shape.
/// Borrows the bytes; not movable, since its cursors point into it; owned by one thread.
class PayloadColumnCursor {
 public:
  PayloadColumnCursor(PayloadColumnType type, ByteSpan bytes, uint32_t values)
      : bytes_(bytes), values_(values), type_(type) {}
  PayloadColumnCursor(const PayloadColumnCursor&) = delete;
  PayloadColumnCursor& operator=(const PayloadColumnCursor&) = delete;

  /// Appends value `place` as its slot has it. XX001.
  Status append(uint32_t place, const PayloadSlot& slot, std::string& out);
  /// Of a text or raw column; valid until the next call. XX001.
  Status text(uint32_t place, std::string_view& value);

 private:
  Status open();
  Status append_integer(uint32_t place, const PayloadSlot& slot, std::string& out);
  Status append_bool(uint32_t place, std::string& out) const;

  ByteSpan bytes_;
  IntegerColumn integers_;
  DoubleColumn doubles_;
  TextColumn texts_;
  RowBits bits_;
  std::optional<IntegerCursor> integer_cursor_;
  std::optional<DoubleCursor> double_cursor_;
  std::optional<TextCursor> text_cursor_;
  uint32_t values_;
  PayloadColumnType type_;
  bool opened_ = false;
};

}  // namespace eventd::engine
