// What all encoded columns have in common; see README.md for the bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bytes.h"
#include "engine/segments/segment_limits.h"
#include "result.h"

namespace eventd::engine {

/// First byte of an encoded column. Numbers are part of the storage format.
enum class ColumnEncoding : uint8_t {
  kIntegerBlocks = 1,
  kRunLength = 2,
  kIntegerDictionary = 3,
  kBitmap = 4,
  kDecimalDoubles = 5,
  kXorDoubles = 6,
  kTextDictionary = 7,
  kTextBlocks = 8,
  kNullable = 9,
};

inline constexpr uint8_t kColumnVersion = 1;

/// Lower-case name for EXPLAIN, benchmarks and messages.
std::string_view encoding_name(ColumnEncoding encoding);

/// XX001 with what is wrong.
Status column_damaged(std::string_view what);

/// Reads little-endian fields, never past the end. Borrows its bytes; one thread.
class FormatReader {
 public:
  explicit FormatReader(ByteSpan bytes) : left_(bytes) {}
  size_t left() const { return left_.size(); }
  ByteSpan rest() const { return left_; }
  /// False when fewer bytes are left; nothing is consumed then.
  template <class T>
  [[nodiscard]] bool read(T& value) {
    if (left_.size() < sizeof(T)) return false;
    value = load_le<T>(left_.data());
    left_ = left_.subspan(sizeof(T));
    return true;
  }
  [[nodiscard]] bool take(size_t size, ByteSpan& bytes) {
    if (left_.size() < size) return false;
    bytes = left_.first(size);
    left_ = left_.subspan(size);
    return true;
  }
  /// A 32-bit size, then the bytes.
  [[nodiscard]] bool take_sized(ByteSpan& bytes) {
    uint32_t size = 0;
    return read(size) && take(size, bytes);
  }

 private:
  ByteSpan left_;
};

template <class T>
void append_le(std::string& to, T value) {
  char bytes[sizeof(T)];
  store_le(bytes, value);
  to.append(bytes, sizeof(T));
}

/// Encoding, version, rows: six bytes before every column's data.
void append_column_header(ColumnEncoding encoding, uint32_t rows, std::string& out);
/// Encoding of a column; XX001 when there is no header or its rows are not `rows`.
Result<ColumnEncoding> read_column_header(FormatReader& reader, uint32_t rows);
/// Same, of a column that must have `encoding`.
Status expect_column_header(FormatReader& reader, ColumnEncoding encoding, uint32_t rows);

/// A column within another: `append` writes it, its size goes before it.
template <class Append>
void append_child(std::string& out, Append append) {
  const size_t at = out.size();
  append_le(out, uint32_t{0});
  append();
  store_le(out.data() + at, static_cast<uint32_t>(out.size() - at - sizeof(uint32_t)));
}

/// Blocks of a column of `rows` values.
constexpr uint32_t column_blocks(uint32_t rows) {
  return (rows + kColumnBlockRows - 1) / kColumnBlockRows;
}
/// Values of one block. REQUIRES: block < column_blocks(rows).
constexpr uint32_t column_block_rows(uint32_t rows, uint32_t block) {
  const uint32_t left = rows - block * kColumnBlockRows;
  return left < kColumnBlockRows ? left : kColumnBlockRows;
}

}  // namespace eventd::engine
