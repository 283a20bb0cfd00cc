// One event on its way into a shard. Borrowed bytes; the batch's arena keeps them alive.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "bytes.h"
#include "guid.h"

namespace eventd::engine {

/// The columns of a tail table, before the writer assigns the id. Null GUID pointers and absent
/// numbers are stored as NULL.
struct EventRow {
  int64_t timestamp_ns = 0;
  std::optional<uint64_t> sequence;
  const uint8_t* boot_id = nullptr;               ///< 16 bytes, never null
  const uint8_t* effective_token_guid = nullptr;  ///< 16 bytes or null
  const uint8_t* true_token_guid = nullptr;
  const uint8_t* process_guid = nullptr;
  std::string_view event_type;
  ByteSpan payload;                               ///< msgpack; empty = NULL
  std::optional<uint16_t> cpu_id;
  std::optional<uint8_t> origin_class;
};

}  // namespace eventd::engine
