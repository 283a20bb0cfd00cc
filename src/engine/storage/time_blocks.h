// Which times lie where in a tail: who wants an hour walks the part of the table that has it.
#pragma once

#include <cstdint>
#include <limits>
#include <mutex>
#include <span>
#include <vector>

#include "engine/storage/event_filter.h"
#include "engine/storage/rowid_span.h"

namespace eventd::engine {

/// The least and greatest timestamp of some rows of one block.
struct TimeSample {
  int64_t block = 0;  ///< rowid / TimeBlocks::kBlockRows
  int64_t min_ns = 0, max_ns = 0;
};

/// The least and greatest timestamp in every block of rowids of one tail. Only ever widened: rows that
/// were rolled back or deleted stay in. Right whatever order the rows have; worth something where they
/// came in about the order of time, as they do. In memory only: of rows written before the start
/// nothing is known until a reader adds them. A hundredth of a byte a row. Thread-safe.
class TimeBlocks {
 public:
  static constexpr int64_t kBlockRows = 2048;

  /// Of a tail nobody has written to.
  TimeBlocks() = default;
  /// Of a tail whose rows [first_rowid, last_rowid] are unknown.
  TimeBlocks(int64_t first_rowid, int64_t last_rowid) : unknown_(first_rowid, last_rowid) {}

  /// Before rows become visible, or when they have been read.
  void add(std::span<const TimeSample> samples);
  /// All visible rows of [first, last] have been added.
  void set_known(int64_t first, int64_t last);

  /// Nothing is left to be told by readers.
  bool all_known() const;

  /// Where in [first, last] rows of `time` may be: ascending, apart from each other. Unknown rowids
  /// are always among them.
  std::vector<RowidSpan> find(const TimeRange& time, int64_t first, int64_t last) const;

 private:
  static void widen(TimeSample& block, const TimeSample& sample);
  TimeSample& block(const TimeSample& sample);

  mutable std::mutex mutex_;
  std::vector<TimeSample> blocks_;  // guarded by mutex_; by number
  TimeSample all_{0, std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()};  // guarded by mutex_
  UnknownRowids unknown_;           // guarded by mutex_
};

}  // namespace eventd::engine
