// Sequences of rows on their way into the zones of a tail, some at a time.
#pragma once

#include <limits>
#include <memory>
#include <vector>

#include "engine/storage/event_row.h"
#include "engine/storage/sequence_zones.h"

namespace eventd::engine {

/// Takes the lock of the zones once for many rows. One thread at a time.
class SequenceNotes {
 public:
  /// A row that was read. REQUIRES: cpu_id and sequence were.
  void add(const std::shared_ptr<SequenceZones>& zones, const RawRow& row) {
    if (row.nulls & stored::kSequence) return;
    const bool odd = row.cpu_id < 0 || row.cpu_id > std::numeric_limits<int32_t>::max();
    note(zones, {row.rowid, row.sequence,
                row.nulls & stored::kCpuId ? SequenceZones::kNoCpu
                : odd                      ? SequenceZones::kAnyCpu
                                           : static_cast<int32_t>(row.cpu_id)});
  }
  /// A row that is being written.
  void add(const std::shared_ptr<SequenceZones>& zones, int64_t rowid, const EventRow& row) {
    if (!row.sequence) return;
    note(zones, {rowid, static_cast<int64_t>(*row.sequence),
                row.cpu_id ? int32_t{*row.cpu_id} : SequenceZones::kNoCpu});
  }
  void flush() {
    if (zones_ && !rows_.empty()) zones_->add(rows_);
    rows_.clear();
    zones_.reset();
  }

 private:
  void note(const std::shared_ptr<SequenceZones>& zones, const SequenceSample& row) {
    if (!zones) return;
    if (zones_ != zones || rows_.size() >= kRowsMax) {
      flush();
      zones_ = zones;
    }
    rows_.push_back(row);
  }
  static constexpr size_t kRowsMax = 256;
  std::shared_ptr<SequenceZones> zones_;
  std::vector<SequenceSample> rows_;
};

}  // namespace eventd::engine
