// Finds the sequences of a CPU that never came. Spec: ingest.md "Gaps".
#pragma once

#include <cstdint>
#include <optional>

#include "engine/ingest/drained_batch.h"

namespace eventd::engine {

/// One per ring. Owned by its drain thread.
class GapDetector {
 public:
  /// `last_handled`: sequences up to it are stored already (0 = none).
  GapDetector(uint16_t cpu_id, uint64_t last_handled)
      : last_sequence_(last_handled), cpu_id_(cpu_id) {}

  enum class Kind : uint8_t {
    kNext,  ///< the one expected
    kGap,   ///< some are missing before it: gap()
    kSeen,  ///< handled before; skip it
  };
  /// Takes note of the next event read.
  Kind observe(uint64_t sequence, int64_t timestamp_ns) {
    if (sequence == last_sequence_ + 1) [[likely]] {
      last_sequence_ = sequence;
      last_timestamp_ns_ = timestamp_ns;
      return Kind::kNext;
    }
    if (sequence <= last_sequence_) return Kind::kSeen;
    gap_ = Gap{.first_missing = last_sequence_ + 1,
               .last_missing = sequence - 1,
               .last_timestamp_ns = last_timestamp_ns_,
               .revealed_by_timestamp_ns = timestamp_ns,
               .cpu_id = cpu_id_};
    last_sequence_ = sequence;
    last_timestamp_ns_ = timestamp_ns;
    return Kind::kGap;
  }

  /// After Kind::kGap.
  const Gap& gap() const { return gap_; }
  uint64_t last_sequence() const { return last_sequence_; }

 private:
  Gap gap_;
  uint64_t last_sequence_;
  std::optional<int64_t> last_timestamp_ns_;
  uint16_t cpu_id_;
};

}  // namespace eventd::engine
