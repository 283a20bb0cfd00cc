#include "engine/segments/integer_column.h"

#include <algorithm>
#include <unordered_set>

namespace eventd::engine {
namespace {

constexpr size_t kSampleValues = 1'024;
constexpr size_t kDictionaryEntriesMax = 65'536;

/// Whether a sample over the whole column repeats itself enough for a dictionary to be tried.
bool repeats_itself(std::span<const int64_t> values) {
  if (values.size() < 64) return false;
  const size_t step = std::max<size_t>(1, values.size() / kSampleValues);
  std::unordered_set<int64_t> distinct;
  size_t samples = 0;
  for (size_t i = 0; i < values.size(); i += step, ++samples) distinct.insert(values[i]);
  return distinct.size() * 4 < samples * 3;
}

}  // namespace

ColumnEncoding append_integer_column(std::span<const int64_t> values, std::string& out) {
  const IntegerBlocksPlan blocks(values);
  if (runs_size_if_less(values, blocks.size()) < blocks.size()) {
    append_run_length(values, out);
    return ColumnEncoding::kRunLength;
  }
  // A dictionary can't beat a byte a value by enough to be worth trying.
  if (blocks.size() > values.size() && repeats_itself(values)) {
    const auto dictionary =
        plan_integer_dictionary(values, std::min(kDictionaryEntriesMax, values.size() / 4));
    if (dictionary && dictionary->size < blocks.size() - blocks.size() / 16) {
      append_integer_dictionary(*dictionary, out);
      return ColumnEncoding::kIntegerDictionary;
    }
  }
  blocks.append(out);
  return ColumnEncoding::kIntegerBlocks;
}

Result<IntegerColumn> IntegerColumn::open(ByteSpan column, uint32_t rows) {
  FormatReader reader(column);
  ASSIGN_OR_RETURN(const ColumnEncoding encoding, read_column_header(reader, rows));
  IntegerColumn result;
  result.rows_ = rows;
  switch (encoding) {
    case ColumnEncoding::kIntegerBlocks: {
      ASSIGN_OR_RETURN(result.form_, IntegerBlocks::open(column, rows));
      return result;
    }
    case ColumnEncoding::kRunLength: {
      ASSIGN_OR_RETURN(result.form_, RunLength::open(column, rows));
      return result;
    }
    case ColumnEncoding::kIntegerDictionary: {
      ASSIGN_OR_RETURN(result.form_, IntegerDictionary::open(column, rows));
      return result;
    }
    default: return column_damaged("a column of integers has another encoding");
  }
}

Status IntegerColumn::decode(uint32_t block, int64_t* out) const {
  if (const auto* blocks = as_blocks()) {
    blocks->decode(block, out);
  } else if (const auto* runs = as_runs()) {
    runs->decode(block * kColumnBlockRows, column_block_rows(rows_, block), out);
  } else {
    return std::get<IntegerDictionary>(form_).decode(block, out);
  }
  return {};
}

Result<std::vector<int64_t>> IntegerColumn::decode_all() const {
  std::vector<int64_t> values(rows_);
  for (uint32_t i = 0; i < blocks(); ++i) {
    RETURN_IF_ERROR(decode(i, values.data() + size_t{i} * kColumnBlockRows));
  }
  return values;
}

Status IntegerCursor::value(uint32_t row, int64_t& out) {
  const uint32_t block = row / kColumnBlockRows;
  if (block != block_) {
    if (row >= column_->rows()) return column_damaged("a column ends before its rows");
    values_.resize(kColumnBlockRows);
    block_ = UINT32_MAX;
    RETURN_IF_ERROR(column_->decode(block, values_.data()));
    block_ = block;
  } else if (row >= column_->rows()) {
    return column_damaged("a column ends before its rows");
  }
  out = values_[row % kColumnBlockRows];
  return {};
}

}  // namespace eventd::engine
