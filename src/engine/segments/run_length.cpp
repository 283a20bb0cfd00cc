#include "engine/segments/run_length.h"

#include <algorithm>

#include "engine/segments/integer_blocks.h"

namespace eventd::engine {
namespace {

/// Most that the length of a run takes, about.
constexpr size_t kRunLengthBytes = 2;

Result<std::vector<int64_t>> decode_run_part(FormatReader& reader, uint32_t runs) {
  ByteSpan bytes;
  if (!reader.take_sized(bytes)) return column_damaged("runs are cut off");
  ASSIGN_OR_RETURN(const IntegerBlocks blocks, IntegerBlocks::open(bytes, runs));
  std::vector<int64_t> values(runs);
  for (uint32_t i = 0; i < blocks.blocks(); ++i) blocks.decode(i, values.data() + i * kColumnBlockRows);
  return values;
}

}  // namespace

size_t count_runs(std::span<const int64_t> values, size_t limit) {
  size_t runs = values.empty() ? 0 : 1;
  for (size_t i = 1; i < values.size() && runs <= limit; ++i) runs += values[i] != values[i - 1];
  return runs;
}

size_t runs_size_if_less(std::span<const int64_t> values, size_t blocks_size) {
  if (values.empty()) return blocks_size;
  // A run takes what a value takes, and its length.
  const size_t run_bytes = blocks_size / values.size() + kRunLengthBytes;
  const size_t limit = blocks_size / run_bytes;
  const size_t runs = count_runs(values, limit);
  return runs < limit ? runs * run_bytes : blocks_size;
}

void append_run_length(std::span<const int64_t> values, std::string& out) {
  std::vector<int64_t> run_values, lengths;
  for (size_t i = 0; i < values.size();) {
    size_t end = i + 1;
    while (end < values.size() && values[end] == values[i]) ++end;
    run_values.push_back(values[i]);
    lengths.push_back(static_cast<int64_t>(end - i));
    i = end;
  }
  append_column_header(ColumnEncoding::kRunLength, static_cast<uint32_t>(values.size()), out);
  append_le(out, static_cast<uint32_t>(run_values.size()));
  append_child(out, [&] { IntegerBlocksPlan(run_values).append(out); });
  append_child(out, [&] { IntegerBlocksPlan(lengths).append(out); });
}

Result<RunLength> RunLength::open(ByteSpan column, uint32_t rows) {
  FormatReader reader(column);
  RETURN_IF_ERROR(expect_column_header(reader, ColumnEncoding::kRunLength, rows));
  uint32_t runs = 0;
  if (!reader.read(runs) || runs > rows) return column_damaged("a column has more runs than rows");
  RunLength result;
  result.rows_ = rows;
  ASSIGN_OR_RETURN(result.values_, decode_run_part(reader, runs));
  ASSIGN_OR_RETURN(const std::vector<int64_t> lengths, decode_run_part(reader, runs));
  result.ends_.reserve(runs);
  uint32_t end = 0;
  for (const int64_t length : lengths) {
    if (length < 1 || length > static_cast<int64_t>(rows - end)) {
      return column_damaged("runs do not add up to the rows of their column");
    }
    end += static_cast<uint32_t>(length);
    result.ends_.push_back(end);
  }
  if (end != rows) return column_damaged("runs do not add up to the rows of their column");
  return result;
}

size_t RunLength::run_of(uint32_t row) const {
  return static_cast<size_t>(std::upper_bound(ends_.begin(), ends_.end(), row) - ends_.begin());
}

template <class T>
void RunLength::decode(uint32_t first, uint32_t count, T* out) const {
  const uint32_t end = first + count;
  for (size_t run = count == 0 ? 0 : run_of(first); first < end; ++run) {
    const uint32_t next = std::min(ends_[run], end);
    out = std::fill_n(out, next - first, static_cast<T>(values_[run]));
    first = next;
  }
}
template void RunLength::decode(uint32_t, uint32_t, int64_t*) const;
template void RunLength::decode(uint32_t, uint32_t, uint32_t*) const;

}  // namespace eventd::engine
