#include "engine/ingest/ring_drain.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "engine/ingest/synthetic.h"
#include "kmes/event_view.h"

namespace eventd::engine {
namespace {

Counter& ring_counter(uint16_t cpu_id, std::string_view name) {
  return stats().counter("ingest.ring." + std::to_string(cpu_id) + "." + std::string(name));
}

}  // namespace

RingDrain::RingDrain(std::shared_ptr<kmes::RingMapping> ring, uint16_t cpu_id,
                     uint64_t last_handled, std::vector<Coverage::Range> covered_ahead)
    : events_(ring_counter(cpu_id, "events")),
      refused_(ring_counter(cpu_id, "refused")),
      gaps_(ring_counter(cpu_id, "gaps")),
      missing_(ring_counter(cpu_id, "missing")),
      repeated_(ring_counter(cpu_id, "repeated")),
      corrupt_(ring_counter(cpu_id, "corrupt")),
      reader_(std::move(ring)),
      detector_(cpu_id, last_handled, std::move(covered_ahead)) {}

bool RingDrain::fill(DrainedBatch& batch, uint32_t rows_max) {
  rows_max = std::max(rows_max, 2u);
  const uint32_t events_before = batch.events;
  bool full = true;
  // Two rows an event at most: itself and the gap it reveals.
  while (batch.rows() + 2 <= rows_max) {
    const auto space = batch.arena.free_space();
    const kmes::RingReader::Next next = reader_.next(space);
    if (next == kmes::RingReader::Next::kEvent) [[likely]] {
      take(batch, space.data());
      continue;
    }
    if (next == kmes::RingReader::Next::kTooSmall) break;
    if (next == kmes::RingReader::Next::kCorrupt) {
      corrupt_.add();
      continue;
    }
    // Empty. A ring that was replaced is read to its end, then the next one from the first event
    // that was not in it.
    if (reader_.finished() && reader_.follow(detector_.last_sequence())) continue;
    full = false;
    break;
  }
  events_.add(batch.events - events_before);
  return full;
}

void RingDrain::take(DrainedBatch& batch, const uint8_t* bytes) {
  const kmes::EventView event(bytes);
  uint64_t covered_from = event.sequence();
  const auto note_gap = [&] {
    batch.gaps.push_back({batch.events, detector_.gap()});
    gaps_.add();
    missing_.add(detector_.gap().count());
  };
  auto kind = detector_.observe(event.sequence(), event.timestamp_ns());
  while (kind == GapDetector::Kind::kHole) [[unlikely]] {
    note_gap();
    batch.cover(detector_.gap().first_missing, detector_.gap().last_missing);
    kind = detector_.observe(event.sequence(), event.timestamp_ns());
  }
  switch (kind) {
    case GapDetector::Kind::kHole:
    case GapDetector::Kind::kNext:
      break;
    case GapDetector::Kind::kSeen:
      repeated_.add();
      return;
    case GapDetector::Kind::kGap:
      note_gap();
      covered_from = detector_.gap().first_missing;
      break;
  }
  batch.cover(covered_from, event.sequence());
  if (synthetic::is_reserved_type(event.type())) [[unlikely]] {
    // Those names are the server's own: covered by the receipt, not stored.
    refused_.add();
    return;
  }
  batch.arena.advance(event.event_size());
  ++batch.events;
}

}  // namespace eventd::engine
