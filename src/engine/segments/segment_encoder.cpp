#include "engine/segments/segment_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "engine/segments/payload_shredder.h"
#include "engine/segments/segment_column_writer.h"
#include "engine/segments/segment_row_reader.h"

namespace eventd::engine {
namespace {

using Order = std::vector<uint32_t>;

Status check_rows(std::span<const SealedRow> rows) {
  if (rows.empty() || rows.size() > kSegmentRowsMax) {
    return {sqlstate::kProgramLimitExceeded,
            fmt::format("a segment has 1 to {} rows, not {}", kSegmentRowsMax, rows.size())};
  }
  size_t payload_bytes = 0;
  for (const SealedRow& row : rows) {
    payload_bytes += row.payload.size();
    if (row.payload.size() > kSegmentValueBytesMax || row.event_type.size() > kSegmentValueBytesMax) {
      return {sqlstate::kProgramLimitExceeded,
              fmt::format("a value of a segment has {} bytes at most", kSegmentValueBytesMax)};
    }
  }
  // Offsets within a column are 32 bits, with room for what surrounds the values.
  if (payload_bytes > kSegmentColumnBytesMax / 2) {
    return {sqlstate::kProgramLimitExceeded,
            fmt::format("the payloads of a segment have {} bytes at most", kSegmentColumnBytesMax / 2)};
  }
  return {};
}

Order order_by_time(std::span<const SealedRow> rows) {
  Order order(rows.size());
  std::iota(order.begin(), order.end(), 0u);
  const auto earlier = [&](uint32_t a, uint32_t b) { return rows[a].timestamp_ns < rows[b].timestamp_ns; };
  if (!std::is_sorted(order.begin(), order.end(), earlier)) {
    std::stable_sort(order.begin(), order.end(), earlier);
  }
  return order;
}

/// Writes a segment's columns from rows in their order.
class SegmentBuilder {
 public:
  SegmentBuilder(std::span<const SealedRow> rows, const Order& order, const SegmentEncoderOptions& options)
      : rows_(rows), order_(order), writer_(segment_, options.codec) {}

  /// `raw` tells by place in the order which payloads are kept as they are; empty: none.
  EncodedSegment build(const std::vector<bool>& raw) {
    fill_info();
    event_columns();
    payload_columns(raw);
    segment_.directory = encode_directory(segment_.info);
    return std::move(segment_);
  }

 private:
  void fill_info() {
    SegmentDirectory& info = segment_.info;
    info.rows = static_cast<uint32_t>(rows_.size());
    const auto [first, last] = std::minmax_element(
        rows_.begin(), rows_.end(), [](const SealedRow& a, const SealedRow& b) { return a.id < b.id; });
    info.first_id = first->id;
    info.last_id = last->id;
    info.min_timestamp_ns = rows_[order_.front()].timestamp_ns;
    info.max_timestamp_ns = rows_[order_.back()].timestamp_ns;
  }

  void event_columns() {
    integers(SealedColumn::kId, [](const SealedRow& row) { return std::optional(row.id); });
    integers(SealedColumn::kTimestamp, [](const SealedRow& row) { return std::optional(row.timestamp_ns); });
    guids(SealedColumn::kBootId, &SealedRow::boot_id);
    integers(SealedColumn::kCpuId, [](const SealedRow& row) { return row.cpu_id; });
    integers(SealedColumn::kSequence, [](const SealedRow& row) { return row.sequence; });
    integers(SealedColumn::kOriginClass, [](const SealedRow& row) { return row.origin_class; });
    texts_.clear();
    for (const uint32_t i : order_) texts_.push_back(rows_[i].event_type);
    writer_.texts(name(SealedColumn::kEventType), texts_, DictionaryOrder::kBytes);
    guids(SealedColumn::kEffectiveTokenGuid, &SealedRow::effective_token_guid);
    guids(SealedColumn::kTrueTokenGuid, &SealedRow::true_token_guid);
    guids(SealedColumn::kProcessGuid, &SealedRow::process_guid);
  }

  template <class Get>
  void integers(SealedColumn column, Get get) {
    integers_.clear();
    RowBits valid(segment_.info.rows, false);
    for (uint32_t at = 0; at < order_.size(); ++at) {
      const std::optional<int64_t> value = get(rows_[order_[at]]);
      if (!value) continue;
      integers_.push_back(*value);
      valid.set(at);
    }
    writer_.integers(name(column), integers_, integers_.size() < order_.size() ? &valid : nullptr);
  }

  void guids(SealedColumn column, const uint8_t* SealedRow::*member) {
    texts_.clear();
    RowBits valid(segment_.info.rows, false);
    for (uint32_t at = 0; at < order_.size(); ++at) {
      const uint8_t* guid = rows_[order_[at]].*member;
      if (guid == nullptr) continue;
      texts_.emplace_back(reinterpret_cast<const char*>(guid), 16);
      valid.set(at);
    }
    writer_.texts(name(column), texts_, DictionaryOrder::kGuid,
                  texts_.size() < order_.size() ? &valid : nullptr);
  }

  void payload_columns(const std::vector<bool>& raw) {
    PayloadShredder shredder;
    for (size_t at = 0; at < order_.size(); ++at) {
      shredder.add(rows_[order_[at]].payload, !raw.empty() && raw[at]);
    }
    ShreddedPayloads payloads = shredder.finish();
    segment_.info.shapes = std::move(payloads.shapes);
    writer_.ids("payload", payloads.shape_ids);
    for (const PayloadColumnValues& column : payloads.columns) {
      write(fmt::format("payload.{}", segment_.info.payload_columns.size()), column);
      segment_.info.payload_columns.push_back(column.key);
    }
    writer_.raw("payload.rest", std::vector<std::string_view>(payloads.rest.begin(), payloads.rest.end()));
  }

  void write(std::string name, const PayloadColumnValues& column) {
    switch (column.key.type) {
      case PayloadColumnType::kInteger: return writer_.integers(std::move(name), column.integers);
      case PayloadColumnType::kUnsigned: return writer_.unsigned_integers(std::move(name), column.integers);
      case PayloadColumnType::kDouble: return writer_.doubles(std::move(name), column.doubles);
      case PayloadColumnType::kBool: return writer_.bits(std::move(name), column.integers);
      case PayloadColumnType::kText:
        return writer_.texts(std::move(name), column.texts, DictionaryOrder::kBytes);
      case PayloadColumnType::kRaw: return writer_.raw(std::move(name), column.texts);
    }
  }

  static std::string name(SealedColumn column) { return std::string(sealed_column_name(column)); }

  const std::span<const SealedRow> rows_;
  const Order& order_;
  EncodedSegment segment_;
  SegmentColumnWriter writer_;
  std::vector<int64_t> integers_;
  std::vector<std::string_view> texts_;
};

bool guid_equal(const uint8_t* a, const uint8_t* b) {
  if (a == nullptr || b == nullptr) return a == b;
  return std::memcmp(a, b, 16) == 0;
}

bool equal_but_for_payload(const SealedRow& a, const SealedRow& b) {
  return a.id == b.id && a.timestamp_ns == b.timestamp_ns && a.sequence == b.sequence &&
         a.cpu_id == b.cpu_id && a.origin_class == b.origin_class && a.event_type == b.event_type &&
         guid_equal(a.boot_id, b.boot_id) && guid_equal(a.effective_token_guid, b.effective_token_guid) &&
         guid_equal(a.true_token_guid, b.true_token_guid) && guid_equal(a.process_guid, b.process_guid);
}

/// Reads the segment again: marks payloads that differ in `raw`; XX000 for any other difference.
Status compare(const EncodedSegment& segment, std::span<const SealedRow> rows, const Order& order,
               std::vector<bool>& raw) {
  std::vector<ByteSpan> columns;
  for (const std::string& column : segment.columns) columns.push_back(as_bytes(column));
  ASSIGN_OR_RETURN(SegmentRowReader reader, SegmentRowReader::open(segment.info, std::move(columns)));
  SealedRow read;
  for (uint32_t at = 0; at < order.size(); ++at) {
    const SealedRow& row = rows[order[at]];
    RETURN_IF_ERROR(reader.read(at, read));
    if (!equal_but_for_payload(read, row)) {
      return {sqlstate::kInternalError, fmt::format("row {} does not read as it was sealed", row.id)};
    }
    if (as_text(read.payload) == as_text(row.payload)) continue;
    raw.resize(order.size());
    raw[at] = true;
  }
  return {};
}

}  // namespace

size_t EncodedSegment::bytes() const {
  size_t bytes = directory.size();
  for (const std::string& column : columns) bytes += column.size();
  return bytes;
}

Result<EncodedSegment> encode_segment(std::span<const SealedRow> rows,
                                      const SegmentEncoderOptions& options) {
  RETURN_IF_ERROR(check_rows(rows));
  const Order order = order_by_time(rows);
  std::vector<bool> raw;
  EncodedSegment segment = SegmentBuilder(rows, order, options).build(raw);
  if (!options.verify) return segment;
  RETURN_IF_ERROR(compare(segment, rows, order, raw));
  if (raw.empty()) return segment;
  segment = SegmentBuilder(rows, order, options).build(raw);
  std::vector<bool> still;
  RETURN_IF_ERROR(compare(segment, rows, order, still));
  if (!still.empty()) return {sqlstate::kInternalError, "payloads do not read as they were sealed"};
  return segment;
}

}  // namespace eventd::engine
