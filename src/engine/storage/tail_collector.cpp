#include "engine/storage/tail_collector.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "engine/storage/event_schema.h"

namespace eventd::engine {
namespace {

// The table is walked when at least one row in so many is within the time.
constexpr int64_t kWalkedPerRowMax = 2;

/// Where the rows of an index range lie in the table.
struct RowidSink : RowSink {
  bool take(sqlite3_value** values) override {
    const int64_t id = sqlite3_value_int64(values[0]);
    first = std::min(first, id);
    last = std::max(last, id);
    ++count;
    return false;
  }
  int64_t first = std::numeric_limits<int64_t>::max(), last = 0, count = 0;
};

}  // namespace

TailCollector::TailCollector(const TailRange& range, uint32_t stored_columns)
    : range_(range),
      columns_(stored_columns),
      // The index is entered and left at the right times; walking the table does not know them.
      checks_time_(range.order == TailRange::Order::kRowid && !range.time_covers) {
  // Of nothing (count(*)) the timestamp is the cheapest: the index has it.
  if (checks_time_ || columns_ == 0) columns_ |= stored::kTimestamp;
  if (range.notes_times) columns_ |= stored::kTimestamp;
  if (range.notes_sequences) columns_ |= stored::kCpuId | stored::kSequence;
}

// The index is named so that SQLite never sorts: the planner has no statistics to choose by. The
// only terms beside the call are ranges of the key that is walked: SQLite may test others after it.
std::string TailCollector::sql(Phase phase) const {
  const std::string table = event_schema::tail_table(range_.tail.number);
  const std::string call = fmt::format("{}({}{}) ORDER BY ", ReadConnection::kCollect,
                                       reads_id() ? "id," : "", column_list(columns_));
  if (!by_time()) {
    return fmt::format("SELECT id FROM {} NOT INDEXED WHERE id>=?1 {}AND {}id", table,
                       bounds_rowid_ ? "AND id<=?2 " : "", call);
  }
  const std::string from =
      fmt::format("SELECT id,timestamp FROM {0} INDEXED BY idx_{0}_timestamp WHERE ", table);
  if (phase == Phase::kTies) return from + "timestamp=?1 AND id>?2 AND " + call + "id";
  return from + "timestamp>=?1 " + (range_.time_covers ? "" : "AND timestamp<=?2 ") + "AND " + call +
         "timestamp,id";
}

void TailCollector::bind(sqlite3_stmt* statement, Phase phase) const {
  if (!by_time()) {
    sqlite3_bind_int64(statement, 1, resumed_ ? last_rowid_ + 1 : range_.first_rowid);
    if (bounds_rowid_) sqlite3_bind_int64(statement, 2, range_.last_rowid);
    return;
  }
  if (phase == Phase::kTies) {
    sqlite3_bind_int64(statement, 1, last_timestamp_ns_);
    sqlite3_bind_int64(statement, 2, last_rowid_);
    return;
  }
  // run() has made sure that the + 1 cannot overflow.
  sqlite3_bind_int64(statement, 1,
                     phase == Phase::kAfter ? last_timestamp_ns_ + 1 : range_.time.first_ns);
  if (!range_.time_covers) sqlite3_bind_int64(statement, 2, range_.time.last_ns);
}

Status TailCollector::prefer_walk(ReadConnection& connection, ScanCounters& counters) {
  const std::string statement_sql =
      fmt::format("SELECT 1 FROM {0} INDEXED BY idx_{0}_timestamp WHERE timestamp>=?1 AND "
                  "timestamp<=?2 AND {1}(id) ORDER BY timestamp,id",
                  event_schema::tail_table(range_.tail.number), ReadConnection::kCollect);
  ASSIGN_OR_RETURN(StatementLease statement,
                   StatementLease::open(connection, statement_sql, counters));
  sqlite3_bind_int64(statement.raw(), 1, range_.time.first_ns);
  sqlite3_bind_int64(statement.raw(), 2, range_.time.last_ns);
  RowidSink rows;
  const auto collecting = connection.collect_into(rows);
  if (sqlite3_step(statement.raw()) != SQLITE_DONE) return connection.read_error();
  if (rows.count == 0) {
    finished_ = true;
    return {};
  }
  // Ids are positive and bounded by the rows ever written: no overflow, but for an edited file's.
  const uint64_t walked = static_cast<uint64_t>(rows.last) - static_cast<uint64_t>(rows.first) + 1;
  if (rows.first < 0 || walked > static_cast<uint64_t>(rows.count * kWalkedPerRowMax)) return {};
  range_.order = TailRange::Order::kRowid;
  range_.first_rowid = std::max(range_.first_rowid, rows.first);
  range_.last_rowid = std::min(range_.last_rowid, rows.last);
  // With none missing from the range of rowids, none of those walked is outside the time.
  range_.time_covers = walked == static_cast<uint64_t>(rows.count);
  checks_time_ = !range_.time_covers;
  if (checks_time_) columns_ |= stored::kTimestamp;
  return {};
}

Result<bool> TailCollector::has_grown(ReadConnection& connection, StatementLease& newest,
                                      ScanCounters& counters) const {
  // A tail published whole never gets more.
  if (range_.tail.id_base != 0) return false;
  ASSIGN_OR_RETURN(newest, StatementLease::open(
                               connection,
                               "SELECT max(id) FROM " + event_schema::tail_table(range_.tail.number),
                               counters));
  const int rc = sqlite3_step(newest.raw());
  if (rc != SQLITE_ROW) return connection.read_error();
  return sqlite3_column_int64(newest.raw(), 0) > range_.tail.last_rowid;
}

Status TailCollector::run(ReadConnection& connection, RowSink& sink, ScanCounters& counters) {
  // The statements of a run share a read transaction only where has_grown() says so; the rowids of
  // rows never change, and those it finds include all that the snapshot sees.
  if (by_time() && !resumed_ && columns_ != stored::kTimestamp) {
    RETURN_IF_ERROR(prefer_walk(connection, counters));
    if (finished_) return {};
  }
  StatementLease newest;  // outlives the statements of the phases
  const bool to_the_end = range_.last_rowid == range_.tail.last_rowid;
  bool grown = false;
  if (to_the_end) {
    ASSIGN_OR_RETURN(grown, has_grown(connection, newest, counters));
  }
  bounds_rowid_ = !by_time() && (grown || !to_the_end);
  checks_id_ = by_time() && grown;
  const auto collecting = connection.collect_into(sink);
  if (by_time() && resumed_) {
    ASSIGN_OR_RETURN(const bool ties_done, run_phase(connection, Phase::kTies, counters));
    if (!ties_done) return {};
    finished_ = last_timestamp_ns_ >= range_.time.last_ns;
    if (finished_) return {};
  }
  ASSIGN_OR_RETURN(finished_, run_phase(connection, resumed_ ? Phase::kAfter : Phase::kFresh,
                                        counters));
  return {};
}

Result<bool> TailCollector::run_phase(ReadConnection& connection, Phase phase,
                                      ScanCounters& counters) {
  ASSIGN_OR_RETURN(StatementLease statement,
                   StatementLease::open(connection, sql(phase), counters));
  bind(statement.raw(), phase);
  const int rc = sqlite3_step(statement.raw());
  connection.rethrow();
  if (rc == SQLITE_DONE) return true;
  if (rc != SQLITE_ROW) return connection.read_error();
  last_rowid_ = sqlite3_column_int64(statement.raw(), 0);
  if (by_time()) last_timestamp_ns_ = sqlite3_column_int64(statement.raw(), 1);
  resumed_ = true;
  return false;
}

void TailCollector::fetch_all(sqlite3_value** values, RawRow& row) const {
  row.nulls = 0;
  if (columns_ & stored::kTimestamp) row.timestamp_ns = sqlite3_value_int64(*values++);
  if (columns_ & stored::kEventType) row.event_type = text_of(*values++);
  const auto number = [&](uint32_t column, int64_t& value) {
    if ((columns_ & column) == 0) return;
    // 0 for NULL: only then the type needs a look.
    value = sqlite3_value_int64(*values);
    if (value == 0 && sqlite3_value_type(*values) == SQLITE_NULL) row.nulls |= column;
    ++values;
  };
  number(stored::kOriginClass, row.origin_class);
  number(stored::kCpuId, row.cpu_id);
  number(stored::kSequence, row.sequence);
  constexpr uint32_t kGuids[4] = {stored::kProcessGuid, stored::kEffectiveTokenGuid,
                                  stored::kTrueTokenGuid, stored::kBootId};
  for (int i = 0; i < 4; ++i) {
    if ((columns_ & kGuids[i]) == 0) continue;
    const auto* guid = static_cast<const uint8_t*>(sqlite3_value_blob(*values));
    // A blob of another size can only be someone's edit of the file: reads as NULL.
    row.guids[i] = guid && sqlite3_value_bytes(*values) == 16 ? guid : nullptr;
    ++values;
  }
  if (columns_ & stored::kPayload) {
    const auto* payload = static_cast<const uint8_t*>(sqlite3_value_blob(*values));
    row.payload = {payload, payload ? static_cast<size_t>(sqlite3_value_bytes(*values)) : 0};
    if (row.payload.empty()) row.nulls |= stored::kPayload;
  }
}

}  // namespace eventd::engine
