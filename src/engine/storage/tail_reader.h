// Steps over the committed rows of one tail table in the order of time, in pieces.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/storage/event_columns.h"
#include "engine/storage/event_filter.h"
#include "engine/storage/read_pool.h"
#include "engine/storage/shard_view.h"

namespace eventd::engine {

/// What of a tail is read, and how.
struct TailRange {
  TailInfo tail;
  int64_t first_rowid = 0, last_rowid = 0;
  TimeRange time;
  enum class Order : uint8_t {
    kRowid,         ///< walks the table
    kTime,          ///< walks the timestamp index
    kTimeDescending,
  } order = Order::kRowid;
  /// Every row of the tail is within `time`.
  bool time_covers = false;
};

/// One pass over a TailRange. Between start() and stop() it has a statement of the slice; stopped,
/// it holds nothing and knows where to go on. REQUIRES: an order of time. One thread at a time.
class TailReader {
 public:
  TailReader(const TailRange& range, uint32_t stored_columns)
      // Goes on by the last timestamp, so it is always read.
      : range_(range), stored_columns_(stored_columns | stored::kTimestamp) {}

  /// Begins or goes on, within a slice that outlives stop().
  Status start(ReadConnection& connection, ScanCounters& counters);
  /// The next row into `row`, or false at the end (finished() is then true).
  Result<bool> step(RawRow& row);
  /// The row of the last step() is done with: the next start() goes on after it, not with it.
  void consume() {
    last_timestamp_ns_ = stepped_timestamp_ns_;
    last_rowid_read_ = stepped_rowid_;
    resumed_ = true;
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
  void fetch(RawRow& row) const;

  TailRange range_;
  uint32_t stored_columns_;
  Phase phase_ = Phase::kFresh;
  bool finished_ = false;
  bool resumed_ = false;
  int64_t last_timestamp_ns_ = 0, last_rowid_read_ = 0;  // where to go on after
  int64_t stepped_timestamp_ns_ = 0, stepped_rowid_ = 0;
  ReadConnection* connection_ = nullptr;
  ScanCounters* counters_ = nullptr;
  sqlite3_stmt* statement_ = nullptr;
};

}  // namespace eventd::engine
