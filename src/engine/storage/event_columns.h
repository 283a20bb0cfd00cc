// The columns of the relation `events` and of the tail tables behind it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bytes.h"

namespace eventd::engine {

/// Indexes into the relation's columns(): spec sql.md "Relations".
enum class EventColumn : int {
  kTimestamp, kEventType, kOriginClass, kCpuId, kSequence, kProcessGuid, kEffectiveTokenGuid,
  kTrueTokenGuid, kBootId, kPayload, kTimestampNs,
};
inline constexpr int kEventColumns = 11;

/// The stored columns a scan reads, as a set of bits.
namespace stored {
inline constexpr uint32_t kTimestamp = 1, kEventType = 2, kOriginClass = 4, kCpuId = 8,
                          kSequence = 16, kProcessGuid = 32, kEffectiveTokenGuid = 64,
                          kTrueTokenGuid = 128, kBootId = 256, kPayload = 512;
}
/// The stored column behind a column of the relation.
uint32_t stored_column(EventColumn column);
/// The names of the set's columns in the order of their bits, with commas between.
std::string column_list(uint32_t stored_columns);

/// One row as it lies in SQLite's memory or a pending row: borrowed until the next step. Only the
/// columns asked for are filled.
struct RawRow {
  int64_t rowid = 0;
  int64_t timestamp_ns = 0;
  int64_t origin_class = 0, cpu_id = 0, sequence = 0;
  std::string_view event_type;
  /// In stored (Microsoft) byte order, or null: process, effective token, true token, boot.
  const uint8_t* guids[4] = {};
  ByteSpan payload;
  uint32_t nulls = 0;  ///< of kOriginClass, kCpuId, kSequence, kPayload
};
/// Index into RawRow::guids. REQUIRES: a GUID column.
inline int guid_index(EventColumn column) {
  return static_cast<int>(column) - static_cast<int>(EventColumn::kProcessGuid);
}

/// Stored (Microsoft) byte order to RFC order: the first three groups turn round.
inline void guid_to_rfc(const uint8_t* stored_guid, uint8_t* rfc) {
  store_be(rfc, load_le<uint32_t>(stored_guid));
  store_be(rfc + 4, load_le<uint16_t>(stored_guid + 4));
  store_be(rfc + 6, load_le<uint16_t>(stored_guid + 6));
  store_le(rfc + 8, load_le<uint64_t>(stored_guid + 8));
}

}  // namespace eventd::engine
