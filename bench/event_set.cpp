#include "bench/event_set.h"

namespace eventd::bench {

EventSet::EventSet(uint64_t events, int64_t begin_ns) : workload_(events, begin_ns) {
  events_.reserve(events);
  offsets_.reserve(events + 1);
  offsets_.push_back(0);
  payloads_.reserve(events * 184);
  for (uint64_t i = 0; i < events; ++i) {
    events_.push_back(workload_.next());
    workload_.append_msgpack(events_.back(), payloads_);
    offsets_.push_back(payloads_.size());
  }
}

engine::EventRow EventSet::row(size_t i) const {
  const WorkloadEvent& event = events_[i];
  engine::EventRow row;
  row.timestamp_ns = event.timestamp_ns;
  row.sequence = event.sequence;
  row.boot_id = workload_.boot_id().bytes.data();
  row.effective_token_guid = workload_.effective_token_guid(event).bytes.data();
  row.true_token_guid = workload_.true_token_guid(event).bytes.data();
  row.process_guid = workload_.process_guid(event).bytes.data();
  row.event_type = workload_.event_type(event);
  row.payload = payload(i);
  row.cpu_id = event.cpu_id;
  row.origin_class = event.origin_class;
  return row;
}

}  // namespace eventd::bench
