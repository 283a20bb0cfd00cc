// Runs through the committed rows of one tail table, in pieces, in no order that matters.
#pragma once

#include <cstdint>
#include <string>

#include "engine/storage/event_columns.h"
#include "engine/storage/event_filter.h"
#include "engine/storage/read_pool.h"
#include "engine/storage/tail_reader.h"

namespace eventd::engine {

/// One pass over a TailRange in which SQLite calls back for each row: half the cost of stepping from
/// row to row, and the place to go on from is read once a piece instead of with every row. Between
/// two runs it holds nothing. One thread at a time.
class TailCollector {
 public:
  TailCollector(const TailRange& range, uint32_t stored_columns);

  /// Gives `sink` the rows after those of the runs before, until it has enough or none is left.
  Status run(ReadConnection& connection, RowSink& sink, ScanCounters& counters);
  /// Every row of the range was given.
  bool finished() const { return finished_; }
  /// After a run that met damage: what is read, and after which row that run went on. What it gave
  /// the sink has to be forgotten.
  const TailRange& range() const { return range_; }
  TailPosition position() const { return {resumed_, last_timestamp_ns_, last_rowid_}; }

  /// What RowSink::take() got, as a row. False when the row is not one of the range: the bounds that
  /// SQLite does not test for us are tested here. REQUIRES: called from within run().
  bool fetch(sqlite3_value** values, RawRow& row) const {
    if (reads_id()) {
      row.rowid = sqlite3_value_int64(*values++);
      if (checks_id_ && row.rowid > range_.last_rowid) return false;
    }
    if (columns_ == stored::kTimestamp) {
      row.timestamp_ns = sqlite3_value_int64(*values);
    } else if (columns_ == stored::kEventType) {
      row.event_type = text_of(*values);
    } else {
      fetch_all(values, row);
    }
    return !checks_time_ || range_.time.overlaps(row.timestamp_ns, row.timestamp_ns);
  }

 private:
  enum class Phase : uint8_t {
    kFresh,  ///< nothing read yet
    kTies,   ///< time order: the rest of the rows at the last timestamp
    kAfter,  ///< what follows
  };
  bool reads_id() const { return checks_id_ || range_.notes_sequences || range_.notes_times; }
  bool by_time() const { return range_.order == TailRange::Order::kTime; }
  std::string sql(Phase phase) const;
  /// Before the first run in the order of time: rows that came in about that order lie together in
  /// the table, and walking it there is half the cost of finding each by the index.
  Status prefer_walk(ReadConnection& connection, ScanCounters& counters);
  void bind(sqlite3_stmt* statement, Phase phase) const;
  /// Whether the tail has rows the snapshot does not see, for as long as the statement in `newest`
  /// is not released: it keeps the read transaction.
  Result<bool> has_grown(ReadConnection& connection, StatementLease& newest,
                         ScanCounters& counters) const;
  /// One statement to its end, or until the sink has enough (false).
  Result<bool> run_phase(ReadConnection& connection, Phase phase, ScanCounters& counters);
  void fetch_all(sqlite3_value** values, RawRow& row) const;

  static std::string_view text_of(sqlite3_value* value) {
    // As a blob: no terminating zero is made. blob before bytes, as SQLite asks.
    const auto* text = static_cast<const char*>(sqlite3_value_blob(value));
    return {text ? text : "", text ? static_cast<size_t>(sqlite3_value_bytes(value)) : 0};
  }

  TailRange range_;
  uint32_t columns_;
  bool checks_time_;
  bool checks_id_ = false;     // of this run
  bool bounds_rowid_ = false;  // of this run
  bool finished_ = false;
  bool resumed_ = false;
  int64_t last_timestamp_ns_ = 0, last_rowid_ = 0;  // where to go on after
};

}  // namespace eventd::engine
