// What a segment is made of: its rows and times, its columns, its shapes. Small; read before any column.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/segments/payload_shape.h"

namespace eventd::engine {

/// The columns of events, in the order they have in every segment. Payload columns follow: the shapes
/// ("payload"), one for each of the directory's payload columns ("payload.0" …), the rest.
enum class SealedColumn : uint8_t {
  kId,
  kTimestamp,
  kBootId,
  kCpuId,
  kSequence,
  kOriginClass,
  kEventType,
  kEffectiveTokenGuid,
  kTrueTokenGuid,
  kProcessGuid,
};
inline constexpr size_t kSealedColumns = 10;
/// Names as in the tail tables.
std::string_view sealed_column_name(SealedColumn column);

/// A bound of a column's values: none, an integer, a double, bytes. Bytes longer than
/// kBoundBytesMax are cut: a least one to its beginning, a greatest one has then no bound.
using ColumnBound = std::variant<std::monostate, int64_t, double, std::string>;
inline constexpr size_t kBoundBytesMax = 64;

struct SegmentColumnInfo {
  std::string name;
  ColumnEncoding encoding = ColumnEncoding::kIntegerBlocks;  ///< of the values, within kNullable
  uint32_t nulls = 0;     ///< rows without a value
  uint32_t bytes = 0;     ///< of the encoded column
  uint64_t checksum = 0;  ///< XXH3 of them
  ColumnBound min, max;
};

/// Immutable once made or read.
struct SegmentDirectory {
  uint32_t rows = 0;
  int64_t first_id = 0, last_id = 0;
  int64_t min_timestamp_ns = 0, max_timestamp_ns = 0;
  std::vector<SegmentColumnInfo> columns;
  std::vector<PayloadColumnKey> payload_columns;
  std::vector<PayloadShape> shapes;

  size_t column_of(SealedColumn column) const { return static_cast<size_t>(column); }
  size_t shape_column() const { return kSealedColumns; }
  size_t payload_column(size_t i) const { return kSealedColumns + 1 + i; }
  size_t rest_column() const { return kSealedColumns + 1 + payload_columns.size(); }
};

/// With a checksum of its own at the end.
std::string encode_directory(const SegmentDirectory& directory);
/// XX001.
Result<SegmentDirectory> decode_directory(ByteSpan bytes);

uint64_t segment_checksum(ByteSpan bytes);
/// XX001 when `bytes` are not the column that `info` describes.
Status check_column(const SegmentColumnInfo& info, ByteSpan bytes);

}  // namespace eventd::engine
