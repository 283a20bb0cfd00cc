// What rows tell the zones of their tail, some at a time.
#pragma once

#include <algorithm>
#include <limits>
#include <memory>
#include <vector>

#include "engine/storage/event_row.h"
#include "engine/storage/tail_zones.h"

namespace eventd::engine {

/// Takes the locks of the zones once for many rows. One thread at a time.
class ZoneNotes {
 public:
  /// A row that is being written.
  void add(const std::shared_ptr<TailZones>& zones, int64_t rowid, const EventRow& row) {
    if (!turn_to(zones)) return;
    note_time(rowid, row.timestamp_ns);
    if (!row.sequence) return;
    note_sequence({rowid, static_cast<int64_t>(*row.sequence),
                   row.cpu_id ? int32_t{*row.cpu_id} : SequenceZones::kNoCpu});
  }
  /// A row that was read. REQUIRES: cpu_id and sequence were.
  void add_sequence(const std::shared_ptr<TailZones>& zones, const RawRow& row) {
    if ((row.nulls & stored::kSequence) || !turn_to(zones)) return;
    const bool odd = row.cpu_id < 0 || row.cpu_id > std::numeric_limits<int32_t>::max();
    note_sequence({row.rowid, row.sequence,
                   row.nulls & stored::kCpuId ? SequenceZones::kNoCpu
                   : odd                      ? SequenceZones::kAnyCpu
                                              : static_cast<int32_t>(row.cpu_id)});
  }
  /// A row that was read. REQUIRES: timestamp was.
  void add_time(const std::shared_ptr<TailZones>& zones, const RawRow& row) {
    if (turn_to(zones)) note_time(row.rowid, row.timestamp_ns);
  }
  void flush() {
    if (zones_ && !sequences_.empty()) zones_->sequences.add(sequences_);
    if (zones_ && !times_.empty()) zones_->times.add(times_);
    sequences_.clear();
    times_.clear();
    zones_.reset();
  }

 private:
  // False where nothing is kept.
  bool turn_to(const std::shared_ptr<TailZones>& zones) {
    if (!zones) return false;
    if (zones_ != zones || sequences_.size() >= kSamplesMax || times_.size() >= kSamplesMax) {
      flush();
      zones_ = zones;
    }
    return true;
  }
  void note_sequence(const SequenceSample& row) { sequences_.push_back(row); }
  void note_time(int64_t rowid, int64_t timestamp_ns) {
    const int64_t block = rowid / TimeBlocks::kBlockRows;
    if (times_.empty() || times_.back().block != block) {
      times_.push_back({block, timestamp_ns, timestamp_ns});
      return;
    }
    times_.back().min_ns = std::min(times_.back().min_ns, timestamp_ns);
    times_.back().max_ns = std::max(times_.back().max_ns, timestamp_ns);
  }

  static constexpr size_t kSamplesMax = 256;
  std::shared_ptr<TailZones> zones_;
  std::vector<SequenceSample> sequences_;
  std::vector<TimeSample> times_;  // one a run of rows of a block
};

}  // namespace eventd::engine
