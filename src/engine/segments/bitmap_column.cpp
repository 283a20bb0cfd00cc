#include "engine/segments/bitmap_column.h"

#include <cstring>

#include "engine/segments/run_length.h"

namespace eventd::engine {
namespace {

enum BitmapForm : uint8_t { kAllZero = 0, kAllOne = 1, kWords = 2, kBitRuns = 3 };

/// Runs are written when a column of them surely is smaller than the words.
constexpr size_t kBitRunBytes = 6;

std::vector<int64_t> as_integers(const RowBits& bits) {
  std::vector<int64_t> values(bits.rows());
  for (uint32_t i = 0; i < bits.rows(); ++i) values[i] = bits.test(i) ? 1 : 0;
  return values;
}

size_t changes(const RowBits& bits) {
  size_t count = 0;
  uint64_t last = bits.words()[0] & 1;
  for (const uint64_t word : bits.words()) {
    count += static_cast<size_t>(__builtin_popcountll(word ^ (word << 1 | last)));
    last = word >> 63;
  }
  return count;
}

Result<RowBits> decode_bit_runs(ByteSpan bytes, uint32_t rows) {
  ASSIGN_OR_RETURN(const RunLength runs, RunLength::open(bytes, rows));
  RowBits bits(rows, false);
  uint32_t first = 0;
  for (size_t run = 0; run < runs.runs(); ++run) {
    if (runs.run_value(run) < 0 || runs.run_value(run) > 1) return column_damaged("a bit is not 0 or 1");
    for (uint32_t row = first; runs.run_value(run) == 1 && row < runs.run_end(run); ++row) bits.set(row);
    first = runs.run_end(run);
  }
  return bits;
}

Result<RowBits> decode_bits(BitmapForm form, ByteSpan data, uint32_t rows) {
  if (form == kAllZero || form == kAllOne) return RowBits(rows, form == kAllOne);
  if (form == kBitRuns) return decode_bit_runs(data, rows);
  if (form != kWords) return column_damaged("a bitmap has an unknown form");
  std::vector<uint64_t> words((rows + 63) / 64);
  if (data.size() < words.size() * sizeof(uint64_t)) return column_damaged("a bitmap is cut off");
  if (!words.empty()) std::memcpy(words.data(), data.data(), words.size() * sizeof(uint64_t));
  return RowBits(rows, std::move(words));
}

}  // namespace

void append_bitmap_column(const RowBits& bits, std::string& out) {
  append_column_header(ColumnEncoding::kBitmap, bits.rows(), out);
  const uint32_t count = bits.count();
  if (count == 0 || count == bits.rows()) return append_le(out, count == 0 ? kAllZero : kAllOne);
  if (changes(bits) * kBitRunBytes < bits.words().size() * sizeof(uint64_t)) {
    append_le(out, kBitRuns);
    return append_run_length(as_integers(bits), out);
  }
  append_le(out, kWords);
  out.append(reinterpret_cast<const char*>(bits.words().data()), bits.words().size() * sizeof(uint64_t));
}

Result<RowBits> decode_bitmap_column(ByteSpan column, uint32_t rows) {
  FormatReader reader(column);
  RETURN_IF_ERROR(expect_column_header(reader, ColumnEncoding::kBitmap, rows));
  uint8_t form = 0;
  if (!reader.read(form)) return column_damaged("a bitmap is cut off");
  ASSIGN_OR_RETURN(RowBits bits, decode_bits(static_cast<BitmapForm>(form), reader.rest(), rows));
  bits.build_ranks();
  return bits;
}

Result<NullableColumn> open_nullable_column(ByteSpan column, uint32_t rows) {
  FormatReader reader(column);
  ASSIGN_OR_RETURN(const ColumnEncoding encoding, read_column_header(reader, rows));
  NullableColumn result;
  if (encoding != ColumnEncoding::kNullable) {
    result.values = column;
    result.values_count = rows;
    return result;
  }
  ByteSpan valid;
  if (!reader.read(result.values_count) || !reader.take_sized(valid) ||
      !reader.take_sized(result.values)) {
    return column_damaged("a column with nulls is cut off");
  }
  ASSIGN_OR_RETURN(result.valid, decode_bitmap_column(valid, rows));
  if (result.valid.count() != result.values_count) {
    return column_damaged("a column with nulls has another number of values");
  }
  return result;
}

}  // namespace eventd::engine
