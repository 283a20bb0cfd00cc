#include "engine/segments/xor_doubles.h"

#include <algorithm>
#include <array>
#include <bit>

#include "engine/segments/bit_packing.h"

namespace eventd::engine {
namespace {

constexpr size_t kXorEntryBytes = 14;  // first value, shift, width, offset

uint64_t bits_of_double(double value) { return std::bit_cast<uint64_t>(value); }

}  // namespace

void append_xor_doubles(std::span<const double> values, std::string& out) {
  append_column_header(ColumnEncoding::kXorDoubles, static_cast<uint32_t>(values.size()), out);
  std::string data;
  std::array<uint64_t, kColumnBlockRows> packed;
  for (size_t at = 0; at < values.size(); at += kColumnBlockRows) {
    const size_t rows = std::min<size_t>(kColumnBlockRows, values.size() - at);
    uint64_t differ = 0;
    for (size_t i = 0; i < rows; ++i) {
      packed[i] = bits_of_double(values[at + i]) ^ bits_of_double(values[at]);
      differ |= packed[i];
    }
    const auto shift = static_cast<uint8_t>(differ == 0 ? 0 : std::countr_zero(differ));
    const auto width = static_cast<uint8_t>(bits_of(differ >> shift));
    for (size_t i = 0; i < rows; ++i) packed[i] >>= shift;
    append_le(out, values[at]);
    append_le(out, shift);
    append_le(out, width);
    append_le(out, static_cast<uint32_t>(data.size()));
    pack_bits({packed.data(), rows}, width, data);
  }
  out += data;
  out.append(kPackedPadding, '\0');
}

Result<XorDoubles> XorDoubles::open(ByteSpan column, uint32_t rows) {
  FormatReader reader(column);
  RETURN_IF_ERROR(expect_column_header(reader, ColumnEncoding::kXorDoubles, rows));
  XorDoubles doubles;
  doubles.rows_ = rows;
  if (!reader.take(column_blocks(rows) * kXorEntryBytes, doubles.directory_)) {
    return column_damaged("the directory of a column of doubles is cut off");
  }
  doubles.data_ = reader.rest();
  for (uint32_t i = 0; i < column_blocks(rows); ++i) {
    const uint8_t* at = doubles.directory_.data() + i * kXorEntryBytes;
    if (at[8] > 63 || at[9] > kPackedWidthMax) return column_damaged("a block of doubles");
    const size_t end = load_le<uint32_t>(at + 10) + packed_bytes(column_block_rows(rows, i), at[9]) +
                       kPackedPadding;
    if (end > doubles.data_.size()) return column_damaged("a block of doubles is cut off");
  }
  return doubles;
}

void XorDoubles::decode(uint32_t block, double* out) const {
  const uint8_t* at = directory_.data() + block * kXorEntryBytes;
  const auto first = load_le<uint64_t>(at);
  const unsigned shift = at[8];
  const uint32_t rows = column_block_rows(rows_, block);
  std::array<uint64_t, kColumnBlockRows> packed;
  // Checked when the column was opened.
  [[maybe_unused]] const bool whole =
      unpack_bits(data_.subspan(load_le<uint32_t>(at + 10)), at[9], rows, packed.data());
  for (uint32_t i = 0; i < rows; ++i) out[i] = std::bit_cast<double>(packed[i] << shift ^ first);
}

}  // namespace eventd::engine
