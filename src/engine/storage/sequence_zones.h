// Which sequences lie where in a tail: a lookup by sequence reads some blocks of it, not all.
#pragma once

#include <cstdint>
#include <limits>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "engine/storage/event_filter.h"
#include "engine/storage/rowid_span.h"

namespace eventd::engine {

/// The sequence of one row.
struct SequenceSample {
  int64_t rowid = 0;
  int64_t sequence = 0;
  int32_t cpu_id = 0;  ///< or SequenceZones::kNoCpu, kAnyCpu
};

/// What a filter asks of sequences: those it cannot match need not be read.
struct SequenceQuery {
  int64_t first = std::numeric_limits<int64_t>::min(), last = std::numeric_limits<int64_t>::max();
  std::vector<int64_t> values;  ///< sorted; empty = all of [first, last]
  std::vector<int64_t> cpus;    ///< sorted; empty = any
};
/// Absent: the filter asks nothing of sequences.
std::optional<SequenceQuery> sequence_query(const EventFilter& filter);

/// The least and greatest sequence of each CPU in every block of rowids of one tail, and in every run
/// of blocks: a lookup asks thousands of rows at once before it asks a hundred. Only ever
/// widened: rows that were rolled back or deleted stay in, and a block that is found may hold none of
/// what was asked. Right whatever order the rows have; small where each CPU's sequences ascend. In
/// memory only: of rows written before the start nothing is known until a reader adds them. About a
/// byte a row. Thread-safe.
class SequenceZones {
 public:
  static constexpr int32_t kNoCpu = -1;   ///< NULL
  static constexpr int32_t kAnyCpu = -2;  ///< of several
  static constexpr int64_t kBlockRows = 128;

  /// Of a tail nobody has written to.
  SequenceZones() = default;
  /// Of a tail whose rows [first_rowid, last_rowid] are unknown.
  SequenceZones(int64_t first_rowid, int64_t last_rowid) : unknown_(first_rowid, last_rowid) {}

  /// Before rows become visible, or when they have been read.
  void add(std::span<const SequenceSample> rows);
  /// All visible rows of [first, last] have been added.
  void set_known(int64_t first, int64_t last);

  /// Where in [first, last] rows asked for may be: ascending, apart from each other. Unknown rowids
  /// are always among them.
  std::vector<RowidSpan> find(const SequenceQuery& query, int64_t first, int64_t last) const;

 private:
  // A hostile emitter may invent CPUs: past so many a block has one zone for all.
  static constexpr size_t kBlockZonesMax = 32, kTailZonesMax = 256;
  struct Zone {
    int64_t first, last;
    int32_t cpu_id;
  };
  struct Block {
    int64_t number = 0;  // rowid / rows of a block
    std::vector<Zone> zones;
  };
  using Blocks = std::vector<Block>;  // by number
  static constexpr int64_t kRunBlocks = 64, kRunRows = kRunBlocks * kBlockRows;
  static void widen(std::vector<Zone>& zones, const SequenceSample& row, size_t zones_max);
  static bool admits(const SequenceQuery& query, std::span<const Zone> zones);
  static Block& block(Blocks& blocks, int64_t number);
  void find_in_run(const SequenceQuery& query, int64_t run, RowidSpan within,
                   std::vector<RowidSpan>& spans) const;

  mutable std::mutex mutex_;
  Blocks blocks_;                   // guarded by mutex_; of kBlockRows
  Blocks runs_;                     // guarded by mutex_; of kRunRows
  std::vector<Zone> all_;           // guarded by mutex_; of the whole tail
  UnknownRowids unknown_;           // guarded by mutex_
};

}  // namespace eventd::engine
