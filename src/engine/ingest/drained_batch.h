// What a drain thread hands to a writer: events of one ring in order, and the gaps between them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/ingest/arena.h"

namespace eventd::engine {

/// A run of sequences of one CPU that will never be stored.
struct Gap {
  uint64_t first_missing = 0, last_missing = 0;
  std::optional<int64_t> last_timestamp_ns;         ///< of the event before it
  std::optional<int64_t> revealed_by_timestamp_ns;  ///< of the event after it
  uint16_t cpu_id = 0;

  uint64_t count() const { return last_missing - first_missing + 1; }
};

/// Events lie one after the other in the arena, as they did in the ring. Owned by the Handoff;
/// used by one thread at a time.
struct DrainedBatch {
  struct GapMark {
    uint32_t before_event = 0;  ///< index of the event that revealed it
    Gap gap;
  };

  Arena arena;
  std::vector<GapMark> gaps;
  /// Sequences this batch accounts for, gaps and refused events included. 0 = none.
  uint64_t covered_first = 0, covered_last = 0;
  uint32_t events = 0;
  uint32_t reserved_events = 0;  ///< Handoff only, as reserved_bytes
  size_t reserved_bytes = 0;
  uint16_t cpu_id = 0;

  /// Rows it becomes.
  uint32_t rows() const { return events + static_cast<uint32_t>(gaps.size()); }
  bool empty() const { return covered_last == 0; }
  void cover(uint64_t first, uint64_t last) {
    if (covered_first == 0) covered_first = first;
    covered_last = last;
  }
  void prepare(size_t capacity_bytes) {
    arena.prepare(capacity_bytes);
    gaps.clear();
    covered_first = covered_last = 0;
    events = 0;
  }
};

}  // namespace eventd::engine
