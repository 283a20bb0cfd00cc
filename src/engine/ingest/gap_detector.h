// Finds the sequences of a CPU that never came. Spec: ingest.md "Gaps".
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "engine/ingest/coverage.h"
#include "engine/ingest/drained_batch.h"

namespace eventd::engine {

/// One per ring. Owned by its drain thread.
class GapDetector {
 public:
  /// `last_handled`: sequences up to it are stored already (0 = none). `covered_ahead`: ranges of this
  /// CPU above it that are, in order; what lies between is still to come from a ring that outlived a
  /// server, or is missing.
  GapDetector(uint16_t cpu_id, uint64_t last_handled, std::vector<Coverage::Range> covered_ahead = {})
      : covered_ahead_(std::move(covered_ahead)), last_sequence_(last_handled), cpu_id_(cpu_id) {
    look_ahead();
  }

  enum class Kind : uint8_t {
    kNext,  ///< the one expected
    kGap,   ///< some are missing before it: gap()
    kSeen,  ///< handled before; skip it
    kHole,  ///< some are missing before those that are covered ahead: gap(); then observe it again
  };
  /// Takes note of the next event read.
  Kind observe(uint64_t sequence, int64_t timestamp_ns) {
    if (sequence == last_sequence_ + 1 && sequence < ahead_first_) [[likely]] {
      last_sequence_ = sequence;
      last_timestamp_ns_ = timestamp_ns;
      return Kind::kNext;
    }
    while (ahead_first_ <= last_sequence_ + 1) {
      last_sequence_ = std::max(last_sequence_, covered_ahead_[ahead_++].last);
      look_ahead();
    }
    if (sequence <= last_sequence_) return Kind::kSeen;
    if (ahead_first_ <= sequence) {
      gap_ = Gap{.first_missing = last_sequence_ + 1,
                 .last_missing = ahead_first_ - 1,
                 .last_timestamp_ns = last_timestamp_ns_,
                 .revealed_by_timestamp_ns = timestamp_ns,
                 .cpu_id = cpu_id_};
      last_sequence_ = ahead_first_ - 1;
      return Kind::kHole;
    }
    if (sequence == last_sequence_ + 1) {  // the first after a covered range
      last_sequence_ = sequence;
      last_timestamp_ns_ = timestamp_ns;
      return Kind::kNext;
    }
    gap_ = Gap{.first_missing = last_sequence_ + 1,
               .last_missing = sequence - 1,
               .last_timestamp_ns = last_timestamp_ns_,
               .revealed_by_timestamp_ns = timestamp_ns,
               .cpu_id = cpu_id_};
    last_sequence_ = sequence;
    last_timestamp_ns_ = timestamp_ns;
    return Kind::kGap;
  }

  /// After Kind::kGap and kHole.
  const Gap& gap() const { return gap_; }
  uint64_t last_sequence() const { return last_sequence_; }

 private:
  void look_ahead() {
    ahead_first_ = ahead_ < covered_ahead_.size() ? covered_ahead_[ahead_].first : UINT64_MAX;
  }

  Gap gap_;
  std::vector<Coverage::Range> covered_ahead_;
  size_t ahead_ = 0;
  uint64_t ahead_first_ = UINT64_MAX;
  uint64_t last_sequence_;
  std::optional<int64_t> last_timestamp_ns_;
  uint16_t cpu_id_;
};

}  // namespace eventd::engine
