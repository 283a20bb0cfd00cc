// An event as bytes: decoding of the 77-byte header. Source: kernel/uapi/kmes.h.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "bytes.h"
#include "guid.h"
#include "kernel/uapi/kmes.h"

namespace eventd::kmes {

/// A structurally checked event: borrowed bytes of header and payload.
/// REQUIRES of the constructor: check_structure() accepted the bytes.
class EventView {
 public:
  explicit EventView(const uint8_t* bytes) : bytes_(bytes) {}

  /// True when `available` bytes at `bytes` hold one whole event: event_size >= header_size >= 77,
  /// header_size >= 77 + type_len, event_size <= min(available, limit).
  static bool check_structure(const uint8_t* bytes, uint64_t available, uint64_t limit);

  uint32_t event_size() const { return load_le<uint32_t>(bytes_ + KMES_EVENT_SIZE_OFFSET); }
  uint32_t header_size() const { return load_le<uint32_t>(bytes_ + KMES_HEADER_SIZE_OFFSET); }
  int64_t timestamp_ns() const { return load_le<int64_t>(bytes_ + KMES_TIMESTAMP_OFFSET); }
  uint64_t sequence() const { return load_le<uint64_t>(bytes_ + KMES_SEQUENCE_OFFSET); }
  uint16_t cpu_id() const { return load_le<uint16_t>(bytes_ + KMES_CPU_ID_OFFSET); }
  uint8_t origin_class() const { return bytes_[KMES_ORIGIN_CLASS_OFFSET]; }
  const uint8_t* effective_token_guid() const { return bytes_ + KMES_EFFECTIVE_TOKEN_OFFSET; }
  const uint8_t* true_token_guid() const { return bytes_ + KMES_TRUE_TOKEN_OFFSET; }
  const uint8_t* process_guid() const { return bytes_ + KMES_PROCESS_OFFSET; }
  std::string_view type() const {
    return {reinterpret_cast<const char*>(bytes_ + KMES_HEADER_FIXED_SIZE),
            load_le<uint16_t>(bytes_ + KMES_TYPE_LEN_OFFSET)};
  }
  ByteSpan payload() const {
    return {bytes_ + header_size(), event_size() - header_size()};
  }
  const uint8_t* data() const { return bytes_; }

 private:
  const uint8_t* bytes_;
};

}  // namespace eventd::kmes
