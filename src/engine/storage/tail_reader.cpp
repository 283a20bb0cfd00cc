#include "engine/storage/tail_reader.h"

#include <fmt/format.h>

#include <utility>

#include "engine/storage/event_schema.h"

namespace eventd::engine {

// Indexes are named so that SQLite never sorts: the planner has no statistics to choose by.
std::string TailReader::sql(Phase phase) const {
  const std::string indexed =
      fmt::format("SELECT id,{0} FROM {1} INDEXED BY idx_{1}_timestamp WHERE ",
                  column_list(stored_columns_), event_schema::tail_table(range_.tail.number));
  const bool descending = range_.order == TailRange::Order::kTimeDescending;
  if (phase == Phase::kTies) {
    return indexed + (descending ? "timestamp=?1 AND id>=?2 AND id<?3 ORDER BY id DESC"
                                 : "timestamp=?1 AND id>?2 AND id<=?3 ORDER BY id");
  }
  return indexed + "timestamp>=?1 AND timestamp<=?2 AND id>=?3 AND id<=?4 ORDER BY timestamp" +
         (descending ? " DESC,id DESC" : ",id");
}

void TailReader::read_around(const TailPosition& from) {
  around_ = true;
  resumed_ = from.resumed;
  last_timestamp_ns_ = from.timestamp_ns;
  last_rowid_read_ = from.rowid;
}

Status TailReader::start(ReadConnection& connection, ScanCounters& counters) {
  connection_ = &connection;
  counters_ = &counters;
  phase_ = resumed_ ? Phase::kTies : Phase::kFresh;
  if (!around_ && !range_.tail.damaged) {
    Status status = open();
    if (!is_damage(status)) return status;
    return go_around(std::move(status));
  }
  around_ = true;
  return go_around({});
}

Status TailReader::go_around(Status why) {
  if (!why.ok()) note_damage(*connection_->file(), why);
  if (statement_) connection_->release(std::exchange(statement_, nullptr));
  around_ = true;
  if (!listed_) {
    ++counters_->damaged_tails;
    const TailPosition from{
        .resumed = resumed_, .timestamp_ns = last_timestamp_ns_, .rowid = last_rowid_read_};
    ASSIGN_OR_RETURN(readable_, find_readable_rows(*connection_, range_, from, *counters_));
    listed_ = true;
  }
  if (readable_.empty()) return {};
  ASSIGN_OR_RETURN(statement_,
                   connection_->prepare(fmt::format("SELECT id,{} FROM {} NOT INDEXED WHERE id=?1",
                                                    column_list(stored_columns_),
                                                    event_schema::tail_table(range_.tail.number)),
                                        *counters_));
  return {};
}

Result<bool> TailReader::step_around(RawRow& row) {
  for (; readable_at_ < readable_.size(); ++readable_at_) {
    sqlite3_reset(statement_);
    sqlite3_bind_int64(statement_, 1, readable_[readable_at_].rowid);
    const int rc = sqlite3_step(statement_);
    if (rc == SQLITE_ROW) {
      fetch(row);
      stepped_rowid_ = row.rowid;
      stepped_timestamp_ns_ = row.timestamp_ns;
      return true;
    }
    // Gone by now, or its other columns can't be read.
    if (rc == SQLITE_DONE) continue;
    Status status = connection_->read_error();
    if (!is_damage(status)) return status;
  }
  finished_ = true;
  stop();
  return false;
}

Status TailReader::open() {
  ASSIGN_OR_RETURN(statement_, connection_->prepare(sql(phase_), *counters_));
  const bool descending = range_.order == TailRange::Order::kTimeDescending;
  if (phase_ == Phase::kTies) {
    sqlite3_bind_int64(statement_, 1, last_timestamp_ns_);
    sqlite3_bind_int64(statement_, 2, descending ? range_.first_rowid : last_rowid_read_);
    sqlite3_bind_int64(statement_, 3, descending ? last_rowid_read_ : range_.last_rowid);
    return {};
  }
  // open_after_ties() has made sure that the ± 1 cannot overflow.
  const bool after = phase_ == Phase::kAfter;
  sqlite3_bind_int64(statement_, 1,
                     after && !descending ? last_timestamp_ns_ + 1 : range_.time.first_ns);
  sqlite3_bind_int64(statement_, 2,
                     after && descending ? last_timestamp_ns_ - 1 : range_.time.last_ns);
  sqlite3_bind_int64(statement_, 3, range_.first_rowid);
  sqlite3_bind_int64(statement_, 4, range_.last_rowid);
  return {};
}

Result<bool> TailReader::open_after_ties() {
  connection_->release(std::exchange(statement_, nullptr));
  const bool descending = range_.order == TailRange::Order::kTimeDescending;
  if (descending ? last_timestamp_ns_ <= range_.time.first_ns
                 : last_timestamp_ns_ >= range_.time.last_ns) {
    return false;
  }
  phase_ = Phase::kAfter;
  RETURN_IF_ERROR(open());
  return true;
}

Result<bool> TailReader::step(RawRow& row) {
  if (around_) return step_around(row);
  while (statement_ != nullptr) {
    const int rc = sqlite3_step(statement_);
    if (rc == SQLITE_ROW) {
      fetch(row);
      stepped_rowid_ = row.rowid;
      stepped_timestamp_ns_ = row.timestamp_ns;
      return true;
    }
    if (rc != SQLITE_DONE) {
      Status status = connection_->read_error();
      if (!is_damage(status)) return status;
      RETURN_IF_ERROR(go_around(std::move(status)));
      return step_around(row);
    }
    if (phase_ != Phase::kTies) break;
    ASSIGN_OR_RETURN(const bool more, open_after_ties());
    if (!more) break;
  }
  finished_ = true;
  stop();
  return false;
}

void TailReader::stop() {
  if (statement_) connection_->release(std::exchange(statement_, nullptr));
  connection_ = nullptr;
}

void TailReader::fetch(RawRow& row) const {
  sqlite3_stmt* s = statement_;
  const uint32_t columns = stored_columns_;
  int at = 0;
  row.rowid = sqlite3_column_int64(s, at++);
  row.nulls = 0;
  row.timestamp_ns = sqlite3_column_int64(s, at++);
  // A value is fetched once and read twice: half the calls of sqlite3_column_blob and _bytes. Text
  // as a blob: no terminating zero is made. blob before bytes, as SQLite asks.
  if (columns & stored::kEventType) {
    sqlite3_value* value = sqlite3_column_value(s, at++);
    const auto* text = static_cast<const char*>(sqlite3_value_blob(value));
    row.event_type = {text ? text : "", text ? static_cast<size_t>(sqlite3_value_bytes(value)) : 0};
  }
  const auto number = [&](uint32_t column, int64_t& value) {
    if ((columns & column) == 0) return;
    // 0 for NULL: only then the type needs a look.
    value = sqlite3_column_int64(s, at);
    if (value == 0 && sqlite3_column_type(s, at) == SQLITE_NULL) row.nulls |= column;
    ++at;
  };
  number(stored::kOriginClass, row.origin_class);
  number(stored::kCpuId, row.cpu_id);
  number(stored::kSequence, row.sequence);
  constexpr uint32_t kGuids[4] = {stored::kProcessGuid, stored::kEffectiveTokenGuid,
                                  stored::kTrueTokenGuid, stored::kBootId};
  for (int i = 0; i < 4; ++i) {
    if ((columns & kGuids[i]) == 0) continue;
    sqlite3_value* value = sqlite3_column_value(s, at++);
    const auto* guid = static_cast<const uint8_t*>(sqlite3_value_blob(value));
    // A blob of another size can only be someone's edit of the file: reads as NULL.
    row.guids[i] = guid && sqlite3_value_bytes(value) == 16 ? guid : nullptr;
  }
  if (columns & stored::kPayload) {
    sqlite3_value* value = sqlite3_column_value(s, at);
    const auto* payload = static_cast<const uint8_t*>(sqlite3_value_blob(value));
    row.payload = {payload, payload ? static_cast<size_t>(sqlite3_value_bytes(value)) : 0};
    if (row.payload.empty()) row.nulls |= stored::kPayload;
  }
}

}  // namespace eventd::engine
