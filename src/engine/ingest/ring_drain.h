// Empties one ring into batches, through all its generations. Spec: ingest.md "Drain threads".
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/ingest/drained_batch.h"
#include "engine/ingest/gap_detector.h"
#include "engine/stats/registry.h"
#include "kmes/ring_reader.h"

namespace eventd::engine {

/// The reading half of a drain thread: copies what is new, marks what is missing, refuses reserved
/// names. Owned by one thread; only wake() may be called from others.
class RingDrain {
 public:
  /// Starts at the ring's tail; sequences up to `last_handled` are stored already, and those of
  /// `covered_ahead` (GapDetector).
  RingDrain(std::shared_ptr<kmes::RingMapping> ring, uint16_t cpu_id, uint64_t last_handled,
            std::vector<Coverage::Range> covered_ahead = {});

  /// Fills `batch` with up to `rows_max` rows (two at least). True if it ended because the batch was
  /// full, false because there was nothing more to read.
  bool fill(DrainedBatch& batch, uint32_t rows_max);
  /// Bytes that the event needs for which the arena was too small; 0 = any.
  size_t next_bytes() const { return reader_.next_size(); }

  /// As RingReader::wait().
  bool wait(int64_t timeout_ns) { return reader_.wait(timeout_ns); }
  void wake() { reader_.wake(); }

  /// What lies before it in the stream of the CPU's events has been copied, or is lost.
  uint64_t stream_pos() const { return reader_.stream_pos(); }
  uint64_t last_sequence() const { return detector_.last_sequence(); }

 private:
  void take(DrainedBatch& batch, const uint8_t* bytes);

  Counter& events_;
  Counter& refused_;
  Counter& gaps_;
  Counter& missing_;
  Counter& repeated_;
  Counter& corrupt_;
  kmes::RingReader reader_;
  GapDetector detector_;
};

}  // namespace eventd::engine
