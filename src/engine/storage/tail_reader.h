// Steps over the committed rows of one tail table in the order of time, in pieces.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/storage/damaged_tail.h"
#include "engine/storage/event_columns.h"
#include "engine/storage/read_pool.h"
#include "engine/storage/tail_range.h"

namespace eventd::engine {

/// One pass over a TailRange. Between start() and stop() it has a statement of the slice; stopped,
/// it holds nothing and knows where to go on. Where the tail proves damaged, the rows that can be read
/// are found first and read one by one. REQUIRES: an order of time, or read_around(). One thread at a
/// time.
class TailReader {
 public:
  TailReader(const TailRange& range, uint32_t stored_columns)
      // Goes on by the last timestamp, so it is always read.
      : range_(range), stored_columns_(stored_columns | stored::kTimestamp) {}

  /// Reads what can be read after `from`, in any order: another reader has met damage there.
  /// REQUIRES: not started.
  void read_around(const TailPosition& from);

  /// Begins or goes on, within a slice that outlives stop().
  Status start(ReadConnection& connection, ScanCounters& counters);
  /// The next row into `row`, or false at the end (finished() is then true).
  Result<bool> step(RawRow& row);
  /// The row of the last step() is done with: the next start() goes on after it, not with it.
  void consume() {
    last_timestamp_ns_ = stepped_timestamp_ns_;
    last_rowid_read_ = stepped_rowid_;
    resumed_ = true;
    if (around_) ++readable_at_;
  }
  void stop();
  /// Once at the end there is nothing left to start.
  bool finished() const { return finished_; }
  const TailRange& range() const { return range_; }

 private:
  enum class Phase : uint8_t {
    kFresh,  ///< nothing read yet
    kTies,   ///< the rest of the rows at the last timestamp
    kAfter,  ///< what follows
  };
  std::string sql(Phase phase) const;
  Status open();
  /// Moves from the rest of the ties to what follows them. False when nothing can follow.
  Result<bool> open_after_ties();
  /// The next step goes around the damage that `why` tells of.
  Status go_around(Status why);
  Result<bool> step_around(RawRow& row);
  void fetch(RawRow& row) const;

  TailRange range_;
  uint32_t stored_columns_;
  Phase phase_ = Phase::kFresh;
  bool finished_ = false;
  bool resumed_ = false;
  int64_t last_timestamp_ns_ = 0, last_rowid_read_ = 0;  // where to go on after
  int64_t stepped_timestamp_ns_ = 0, stepped_rowid_ = 0;
  bool around_ = false;  // damage was met: by readable_ from now on
  bool listed_ = false;
  std::vector<ReadableRow> readable_;
  size_t readable_at_ = 0;
  ReadConnection* connection_ = nullptr;
  ScanCounters* counters_ = nullptr;
  sqlite3_stmt* statement_ = nullptr;
};

}  // namespace eventd::engine
