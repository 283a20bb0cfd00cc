#include "engine/segments/segment_row_reader.h"

#include <optional>

#include "engine/segments/bitmap_column.h"
#include "engine/segments/integer_column.h"
#include "engine/segments/payload_rebuilder.h"
#include "engine/segments/text_column.h"

namespace eventd::engine {
/// Values of a column with nulls by row. Not movable: the cursor points at the column.
template <class Column, class Cursor>
class NullableCursor {
 public:
  Status open(ByteSpan bytes, uint32_t rows) {
    ASSIGN_OR_RETURN(parts_, open_nullable_column(bytes, rows));
    ASSIGN_OR_RETURN(column_, Column::open(parts_.values, parts_.values_count));
    cursor_.emplace(column_);
    return {};
  }
  /// Leaves `has` false, and `value` alone, when the row has none.
  template <class Value>
  Status read(uint32_t row, bool& has, Value& value) {
    has = !parts_.has_nulls() || parts_.valid.test(row);
    if (!has) return {};
    return cursor_->value(parts_.has_nulls() ? parts_.valid.rank(row) : row, value);
  }

 private:
  NullableColumn parts_;
  Column column_;
  std::optional<Cursor> cursor_;
};

using NullableIntegers = NullableCursor<IntegerColumn, IntegerCursor>;
using NullableTexts = NullableCursor<TextColumn, TextCursor>;

namespace {

Status read_optional(NullableIntegers& column, uint32_t row, std::optional<int64_t>& out) {
  bool has = false;
  int64_t value = 0;
  RETURN_IF_ERROR(column.read(row, has, value));
  out = has ? std::optional(value) : std::nullopt;
  return {};
}

Status read_guid(NullableTexts& column, uint32_t row, const uint8_t*& out) {
  bool has = false;
  std::string_view value;
  out = nullptr;
  RETURN_IF_ERROR(column.read(row, has, value));
  if (!has) return {};
  if (value.size() != 16) return column_damaged("a GUID has not 16 bytes");
  out = as_bytes(value).data();
  return {};
}

Status read_always(NullableIntegers& column, uint32_t row, int64_t& out) {
  bool has = false;
  RETURN_IF_ERROR(column.read(row, has, out));
  return has ? Status() : column_damaged("a column without nulls has one");
}

}  // namespace

struct SegmentRowReader::Impl {
  const SegmentDirectory& directory;
  NullableIntegers ids{}, timestamps{}, cpu_ids{}, sequences{}, origin_classes{};
  NullableTexts boot_ids{}, event_types{}, effective_tokens{}, true_tokens{}, processes{};
  std::optional<PayloadRebuilder> payloads{};
  std::string payload{};

  Status open(const std::vector<ByteSpan>& columns);
};

Status SegmentRowReader::Impl::open(const std::vector<ByteSpan>& columns) {
  const auto open_column = [&](auto& column, SealedColumn number) {
    return column.open(columns[directory.column_of(number)], directory.rows);
  };
  RETURN_IF_ERROR(open_column(ids, SealedColumn::kId));
  RETURN_IF_ERROR(open_column(timestamps, SealedColumn::kTimestamp));
  RETURN_IF_ERROR(open_column(boot_ids, SealedColumn::kBootId));
  RETURN_IF_ERROR(open_column(cpu_ids, SealedColumn::kCpuId));
  RETURN_IF_ERROR(open_column(sequences, SealedColumn::kSequence));
  RETURN_IF_ERROR(open_column(origin_classes, SealedColumn::kOriginClass));
  RETURN_IF_ERROR(open_column(event_types, SealedColumn::kEventType));
  RETURN_IF_ERROR(open_column(effective_tokens, SealedColumn::kEffectiveTokenGuid));
  RETURN_IF_ERROR(open_column(true_tokens, SealedColumn::kTrueTokenGuid));
  RETURN_IF_ERROR(open_column(processes, SealedColumn::kProcessGuid));
  PayloadColumnBytes bytes;
  bytes.shape_ids = columns[directory.shape_column()];
  for (size_t i = 0; i < directory.payload_columns.size(); ++i) {
    bytes.columns.push_back(columns[directory.payload_column(i)]);
  }
  bytes.rest = columns[directory.rest_column()];
  ASSIGN_OR_RETURN(payloads, PayloadRebuilder::open(directory.payload_columns, directory.shapes, bytes,
                                                    directory.rows));
  return {};
}

Result<SegmentRowReader> SegmentRowReader::open(const SegmentDirectory& directory,
                                                std::vector<ByteSpan> columns) {
  if (columns.size() != directory.columns.size()) return column_damaged("columns are missing");
  for (size_t i = 0; i < columns.size(); ++i) {
    RETURN_IF_ERROR(check_column(directory.columns[i], columns[i]));
  }
  auto impl = std::make_unique<Impl>(Impl{.directory = directory});
  RETURN_IF_ERROR(impl->open(columns));
  return SegmentRowReader(std::move(impl));
}

Status SegmentRowReader::read(uint32_t row, SealedRow& out) {
  Impl& in = *impl_;
  bool has = false;
  RETURN_IF_ERROR(read_always(in.ids, row, out.id));
  RETURN_IF_ERROR(read_always(in.timestamps, row, out.timestamp_ns));
  RETURN_IF_ERROR(read_guid(in.boot_ids, row, out.boot_id));
  RETURN_IF_ERROR(read_optional(in.cpu_ids, row, out.cpu_id));
  RETURN_IF_ERROR(read_optional(in.sequences, row, out.sequence));
  RETURN_IF_ERROR(read_optional(in.origin_classes, row, out.origin_class));
  RETURN_IF_ERROR(in.event_types.read(row, has, out.event_type));
  if (!has || out.boot_id == nullptr) return column_damaged("a column without nulls has one");
  RETURN_IF_ERROR(read_guid(in.effective_tokens, row, out.effective_token_guid));
  RETURN_IF_ERROR(read_guid(in.true_tokens, row, out.true_token_guid));
  RETURN_IF_ERROR(read_guid(in.processes, row, out.process_guid));
  in.payload.clear();
  RETURN_IF_ERROR(in.payloads->append(row, in.payload));
  out.payload = as_bytes(in.payload);
  return {};
}

SegmentRowReader::SegmentRowReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SegmentRowReader::SegmentRowReader(SegmentRowReader&&) noexcept = default;
SegmentRowReader& SegmentRowReader::operator=(SegmentRowReader&&) noexcept = default;
SegmentRowReader::~SegmentRowReader() = default;

}  // namespace eventd::engine
