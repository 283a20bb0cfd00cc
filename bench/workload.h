// The workload `events-N`: what a machine's security events of one day look like, always the same.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/random.h"
#include "guid.h"

namespace eventd::bench {

/// One event, its strings and GUIDs as indexes into the Workload's.
struct WorkloadEvent {
  int64_t timestamp_ns = 0;
  uint64_t sequence = 0;  ///< per cpu_id, from 1
  uint32_t granted_access = 0;
  uint32_t latency_us = 0;
  uint16_t cpu_id = 0;
  uint16_t event_type = 0;
  uint16_t process = 0;
  uint16_t path = 0;
  uint16_t target_sid = 0;
  uint16_t bytes = 0;
  uint8_t origin_class = 0;
  uint8_t true_token = 0;
  uint8_t effective_token = 0;
  uint8_t user = 0;
  bool ok = true;
};

/// Makes the events in the order of time: 24 hours evenly from `begin_ns`, jittered within the step;
/// cpu_id 0 or 1; 40 types (zipf 1.1), 50 tokens (zipf 1.0), 2,000 processes (zipf 1.05); the payload
/// is a map of eight fields, ~177 bytes of msgpack. Equal arguments make equal events. Owned by one
/// thread.
class Workload {
 public:
  static constexpr int64_t kDayNs = int64_t{86'400} * 1'000'000'000;

  /// REQUIRES: events > 0.
  Workload(uint64_t events, int64_t begin_ns, uint64_t seed = 1);

  WorkloadEvent next();

  const std::string& event_type(const WorkloadEvent& event) const { return types_[event.event_type]; }
  const Guid& process_guid(const WorkloadEvent& event) const { return processes_[event.process]; }
  const Guid& true_token_guid(const WorkloadEvent& event) const { return tokens_[event.true_token]; }
  const Guid& effective_token_guid(const WorkloadEvent& event) const {
    return tokens_[event.effective_token];
  }
  /// Of all events; not the boot of any real machine.
  const Guid& boot_id() const { return boot_id_; }

  /// The payload, appended.
  void append_msgpack(const WorkloadEvent& event, std::string& out) const;
  void append_json(const WorkloadEvent& event, std::string& out) const;

 private:
  const uint64_t events_;
  const int64_t begin_ns_;
  Random random_;
  Zipf type_zipf_{40, 1.1}, token_zipf_{50, 1.0}, process_zipf_{2000, 1.05}, sid_zipf_{500, 0.9},
      path_zipf_{5000, 0.8}, user_zipf_{100, 0.9};
  std::vector<std::string> types_, sids_, paths_, users_;
  std::vector<Guid> tokens_, processes_;
  Guid boot_id_;
  uint64_t made_ = 0;
  uint64_t sequences_[2] = {0, 0};
};

/// Start of a day of events that ends within the last minute: on a whole minute.
int64_t recent_day_begin_ns();

/// Rows for `\copy events (event_type, payload) from …`: a type, a tab, the payload as JSON, a line
/// feed. Nothing in them needs COPY's escapes.
void append_copy_row(const Workload& workload, const WorkloadEvent& event, std::string& out);

}  // namespace eventd::bench
