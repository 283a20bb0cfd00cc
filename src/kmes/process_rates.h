// The token buckets of emitting processes.
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>

#include "guid.h"
#include "kmes/token_bucket.h"

namespace eventd::kmes {

/// What all connections of one process share. A bucket is kept until it is full again after the last
/// connection is closed, so that reconnecting buys no tokens. Owned by one thread.
class ProcessRates {
 public:
  struct Process {
    kmes_token_bucket bucket{};
    uint32_t connections = 0;
  };

  explicit ProcessRates(uint32_t rate) : rate_(rate) {}

  /// One connection more of a process; stable until leave(). Null when there are too many processes.
  Process* join(const Guid& process_guid, uint64_t now_ns);
  void leave(Process& process) { --process.connections; }
  /// 0 = no limit.
  void set_rate(uint32_t rate, uint64_t now_ns);

 private:
  /// Connections are fewer; the rest are idle ones, forgotten when the room is needed.
  static constexpr size_t kProcessesMax = 4096;

  void forget_idle(uint64_t now_ns);

  struct Hash {
    size_t operator()(const std::array<uint8_t, 16>& guid) const;
  };
  std::unordered_map<std::array<uint8_t, 16>, Process, Hash> processes_;
  uint32_t rate_;
};

}  // namespace eventd::kmes
