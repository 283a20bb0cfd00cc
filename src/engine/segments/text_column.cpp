#include "engine/segments/text_column.h"

#include <algorithm>
#include <unordered_set>

namespace eventd::engine {
namespace {

constexpr size_t kTextSampleValues = 1'024;
constexpr size_t kTextSampleBytes = kTextBlockBytes;
constexpr size_t kTextEntriesMax = 65'536;

/// Whether a sample over the whole column repeats itself enough for a dictionary to be tried.
bool texts_repeat(std::span<const std::string_view> values) {
  const size_t step = std::max<size_t>(1, values.size() / kTextSampleValues);
  std::unordered_set<std::string_view> distinct;
  size_t samples = 0;
  for (size_t i = 0; i < values.size(); i += step, ++samples) distinct.insert(values[i]);
  return distinct.size() * 10 <= samples * 9;
}

/// Bytes that `bytes` of such values become, judged by compressing some neighbours from the middle.
size_t compressed_size(std::span<const std::string_view> values, size_t bytes, ByteCodec codec) {
  std::string raw, stored;
  for (size_t i = values.size() / 2; i < values.size() && raw.size() < kTextSampleBytes; ++i) {
    raw += values[i].substr(0, kTextSampleBytes);
  }
  if (raw.empty()) return bytes;
  append_compressed(codec, as_bytes(raw), stored);
  return static_cast<size_t>(static_cast<double>(bytes) * static_cast<double>(stored.size()) /
                             static_cast<double>(raw.size()));
}

std::optional<TextDictionaryPlan> plan_if_smaller(std::span<const std::string_view> values,
                                                  const TextColumnOptions& options) {
  if (values.empty() || !texts_repeat(values)) return std::nullopt;
  auto plan = plan_text_dictionary(values, options.order,
                                   std::min(kTextEntriesMax, values.size() / 2 + 1),
                                   TextDictionary::kEntriesBytesMax);
  if (!plan) return std::nullopt;
  size_t bytes = 0;
  for (const auto& value : values) bytes += value.size();
  const size_t as_blocks = compressed_size(values, bytes, options.codec) + values.size() / 2;
  const size_t as_dictionary =
      compressed_size(plan->entries, plan->entries_bytes, options.codec) + id_column_size(plan->ids);
  // Ids are quicker to work on than text: text has to be clearly smaller.
  if (as_dictionary - as_dictionary / 4 > as_blocks) return std::nullopt;
  return plan;
}

TextBounds bounds_by_order(std::span<const std::string_view> values, DictionaryOrder order) {
  const auto less = [order](std::string_view a, std::string_view b) { return dictionary_less(order, a, b); };
  const auto [min, max] = std::minmax_element(values.begin(), values.end(), less);
  return {*min, *max};
}

}  // namespace

ColumnEncoding append_text_column(std::span<const std::string_view> values,
                                  const TextColumnOptions& options, std::string& out, TextBounds* bounds) {
  const auto plan = plan_if_smaller(values, options);
  if (bounds != nullptr && !values.empty()) {
    *bounds = plan ? TextBounds{plan->entries.front(), plan->entries.back()}
                   : bounds_by_order(values, options.order);
  }
  if (plan) {
    append_text_dictionary(*plan, options.order, options.codec, out);
    return ColumnEncoding::kTextDictionary;
  }
  append_text_blocks(values, options.codec, out);
  return ColumnEncoding::kTextBlocks;
}

Result<TextColumn> TextColumn::open(ByteSpan column, uint32_t rows) {
  FormatReader reader(column);
  ASSIGN_OR_RETURN(const ColumnEncoding encoding, read_column_header(reader, rows));
  TextColumn text;
  text.rows_ = rows;
  if (encoding == ColumnEncoding::kTextDictionary) {
    ASSIGN_OR_RETURN(text.form_, TextDictionary::open(column, rows));
  } else {
    ASSIGN_OR_RETURN(text.form_, TextBlocks::open(column, rows));
  }
  return text;
}

Status TextCursor::value(uint32_t row, std::string_view& out) {
  if (row >= column_->rows()) return column_damaged("a column ends before its rows");
  if (const TextDictionary* dictionary = column_->as_dictionary()) {
    const uint32_t block = row / kColumnBlockRows;
    if (block != block_) {
      ids_.resize(kColumnBlockRows);
      block_ = UINT32_MAX;
      RETURN_IF_ERROR(dictionary->ids().decode(block, ids_.data()));
      block_ = block;
    }
    out = dictionary->entry(ids_[row % kColumnBlockRows]);
    return {};
  }
  const TextBlocks* blocks = column_->as_blocks();
  if (row < text_.first_row || row - text_.first_row >= text_.rows()) {
    if (Status status = blocks->decode(blocks->block_of(row), text_); !status.ok()) {
      text_.ends.clear();  // nothing of a damaged block is given out later
      return status;
    }
  }
  out = text_.value(row);
  return {};
}

}  // namespace eventd::engine
