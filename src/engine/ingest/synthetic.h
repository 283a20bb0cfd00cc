// Events the server writes about itself. Types and payloads: spec ingest.md "Synthetic events".
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ingest/drained_batch.h"
#include "engine/storage/shard.h"
#include "guid.h"

namespace eventd::engine {

/// One synthetic event on its way to a writer, which gives it no header stamps.
struct SyntheticEvent {
  std::string type;
  std::string payload;  ///< msgpack
  int64_t timestamp_ns = 0;
  std::vector<ReceiptRange> receipts;  ///< to be written in the same transaction
};

namespace synthetic {

inline constexpr std::string_view kStartup = "synthetic.startup";
inline constexpr std::string_view kShutdown = "synthetic.shutdown";
inline constexpr std::string_view kGap = "synthetic.gap";
inline constexpr std::string_view kStorageError = "synthetic.storage_error";

/// Last sequence by CPU. In payloads the CPU is a string: JSON knows no other keys.
using SequenceByCpu = std::map<uint16_t, uint64_t>;

/// Types that only the server itself may use.
inline bool is_reserved_type(std::string_view type) {
  return type.starts_with("synthetic.") || type.starts_with("audit.");
}

std::string startup_payload(const Guid& boot_id, bool restart, bool clean, uint32_t shard_count,
                            const SequenceByCpu& resume);
std::string shutdown_payload(const SequenceByCpu& last);
std::string gap_payload(const Gap& gap);
/// `store`: event, log or metric.
std::string storage_error_payload(std::string_view store, uint32_t shard, std::string_view error);

}  // namespace synthetic
}  // namespace eventd::engine
