// A whole workload in memory, so that measurements don't pay for making it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/workload.h"
#include "engine/storage/event_row.h"

namespace eventd::bench {

/// N events with their msgpack payloads: ~330 bytes each. Immutable once made; any thread may read.
class EventSet {
 public:
  EventSet(uint64_t events, int64_t begin_ns);
  EventSet(const EventSet&) = delete;
  EventSet& operator=(const EventSet&) = delete;

  size_t size() const { return events_.size(); }
  const WorkloadEvent& event(size_t i) const { return events_[i]; }
  const Workload& workload() const { return workload_; }
  std::string_view event_type(size_t i) const { return workload_.event_type(events_[i]); }
  ByteSpan payload(size_t i) const {
    return {reinterpret_cast<const uint8_t*>(payloads_.data()) + offsets_[i],
            offsets_[i + 1] - offsets_[i]};
  }
  /// As a shard takes it; borrows from this set.
  engine::EventRow row(size_t i) const;

 private:
  Workload workload_;
  std::vector<WorkloadEvent> events_;
  std::vector<uint64_t> offsets_;
  std::string payloads_;
};

}  // namespace eventd::bench
