// A row of events as it goes into a segment.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "bytes.h"

namespace eventd::engine {

/// Borrows its bytes. The columns are those of the tail tables (spec: storage).
struct SealedRow {
  int64_t id = 0;
  int64_t timestamp_ns = 0;
  std::optional<int64_t> sequence;
  const uint8_t* boot_id = nullptr;               ///< 16 bytes, never null
  const uint8_t* effective_token_guid = nullptr;  ///< 16 bytes or null
  const uint8_t* true_token_guid = nullptr;
  const uint8_t* process_guid = nullptr;
  std::string_view event_type;
  ByteSpan payload;  ///< empty = NULL
  std::optional<int64_t> cpu_id;
  std::optional<int64_t> origin_class;
};

}  // namespace eventd::engine
