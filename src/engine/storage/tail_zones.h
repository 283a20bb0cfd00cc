// What is known of where things lie in a tail.
#pragma once

#include "engine/storage/sequence_zones.h"
#include "engine/storage/time_blocks.h"

namespace eventd::engine {

/// Shared by the writer of a tail and its readers. Thread-safe.
struct TailZones {
  /// Of a tail nobody has written to.
  TailZones() = default;
  /// Of a tail whose rows [first_rowid, last_rowid] are unknown.
  TailZones(int64_t first_rowid, int64_t last_rowid)
      : sequences(first_rowid, last_rowid), times(first_rowid, last_rowid) {}

  SequenceZones sequences;
  TimeBlocks times;
};

}  // namespace eventd::engine
