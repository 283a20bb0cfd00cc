#include "engine/storage/event_schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "engine/limits.h"
#include "engine/storage/tail_zones.h"
#include "engine/storage/shard.h"
#include "sql/embedded.h"

namespace eventd::engine::event_schema {
namespace {

std::string iso_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

}  // namespace

std::string tail_table(uint32_t number) { return fmt::format("events_{}", number); }

std::string create_tail_sql(uint32_t number) {
  return fmt::format(fmt::runtime(sql::event_tail), number);
}

std::string insert_sql(uint32_t number) {
  return fmt::format("INSERT INTO events_{} VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)", number);
}

std::string create_view_sql(const std::vector<TailInfo>& tails) {
  std::string sql = "DROP VIEW IF EXISTS events;CREATE VIEW events AS ";
  bool first = true;
  for (const TailInfo& tail : tails) {
    if (!first) sql += " UNION ALL ";
    first = false;
    const std::string id =
        tail.id_base == 0 ? std::string("id") : fmt::format("id+{} AS id", tail.id_base);
    sql += fmt::format(
        "SELECT {},boot_id,timestamp,cpu_id,sequence,origin_class,event_type,effective_token_guid,"
        "true_token_guid,process_guid,payload FROM events_{}",
        id, tail.number);
  }
  return sql + ";";
}

namespace {

std::string hex_literal(const Guid& guid) {
  std::string text = "X'";
  for (const uint8_t byte : guid.bytes) text += fmt::format("{:02x}", byte);
  return text + "'";
}

std::string last_id_sql(int64_t last_id) {
  return fmt::format("INSERT OR REPLACE INTO metadata VALUES('last_id','{}');", last_id);
}

}  // namespace

Status save_last_id(sqlite::Connection& connection, int64_t last_id) {
  return connection.exec(last_id_sql(last_id));
}

Status create(sqlite::Connection& connection, const CarriedOver& carried) {
  std::string script = "BEGIN IMMEDIATE;";
  script += sql::event_shard;
  std::vector<TailInfo> tails;
  for (uint32_t number = 0; number < kTailTables; ++number) {
    script += create_tail_sql(number);
    script += fmt::format("INSERT INTO tails VALUES({},1,0);", number);
    tails.push_back(TailInfo{.number = number});
  }
  script += create_view_sql(tails);
  script += fmt::format("INSERT INTO metadata VALUES('schema_version','{}'),('created_at','{}');",
                        kVersion, iso_now());
  if (carried.last_id > 0) script += last_id_sql(carried.last_id);
  for (const ReceiptRange& range : carried.receipts) {
    script += fmt::format("INSERT OR REPLACE INTO receipts VALUES({},{},{},{},{});",
                          hex_literal(range.boot_id), hex_literal(range.epoch), range.cpu_id,
                          range.first, range.last);
  }
  script += "COMMIT;";
  Status status = connection.exec(script);
  if (!status.ok() && connection.in_transaction()) {
    (void)sqlite3_exec(connection.raw(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
  return status;
}

Result<bool> is_empty(sqlite::Connection& connection) {
  ASSIGN_OR_RETURN(const int64_t count, connection.query_int64("SELECT count(*) FROM sqlite_schema"));
  return count == 0;
}

Status check(sqlite::Connection& connection) {
  ASSIGN_OR_RETURN(const int64_t base, connection.query_int64(
                                           "SELECT count(*) FROM sqlite_schema WHERE type='table' "
                                           "AND name IN('metadata','tails','receipts','event_types')"));
  if (base != 4) return {sqlstate::kDataCorrupted, "not an event shard: tables are missing"};
  ASSIGN_OR_RETURN(auto version,
                   connection.prepare("SELECT value FROM metadata WHERE key='schema_version'"));
  ASSIGN_OR_RETURN(const bool row, version.step());
  if (!row) return {sqlstate::kDataCorrupted, "event shard without schema_version"};
  if (version.text(0) != std::to_string(kVersion)) {
    return {sqlstate::kFeatureNotSupported,
            fmt::format("event shard has unknown schema_version \"{}\"", version.text(0))};
  }
  ASSIGN_OR_RETURN(auto missing, connection.prepare(
      "SELECT 'events_'||number FROM tails t WHERE "
      "(SELECT count(*) FROM sqlite_schema s WHERE (s.type='table' AND s.name='events_'||t.number) "
      "OR (s.type='index' AND s.name='idx_events_'||t.number||'_timestamp'))<>2"));
  ASSIGN_OR_RETURN(const bool damaged, missing.step());
  if (damaged) {
    return {sqlstate::kDataCorrupted,
            fmt::format("event shard lacks table or index of {}", missing.text(0))};
  }
  ASSIGN_OR_RETURN(const int64_t fixed, connection.query_int64(fmt::format(
      "SELECT count(*) FROM tails WHERE number<{} AND state=1 AND id_base=0", kTailTables)));
  if (fixed != kTailTables) {
    return {sqlstate::kDataCorrupted, "event shard lacks some of its tail tables"};
  }
  return {};
}

Status load_tail(sqlite::Connection& connection, TailInfo& tail) {
  // Each of the four is one descent of a B-tree.
  ASSIGN_OR_RETURN(auto range, connection.prepare(fmt::format(
      "SELECT (SELECT min(id) FROM events_{0}),(SELECT max(id) FROM events_{0}),"
      "(SELECT min(timestamp) FROM events_{0}),(SELECT max(timestamp) FROM events_{0})",
      tail.number)));
  ASSIGN_OR_RETURN(const bool row, range.step());
  if (!row || range.is_null(0)) return {};
  tail.first_rowid = range.int64(0);
  tail.last_rowid = range.int64(1);
  tail.timestamp_min_ns = range.int64(2);
  tail.timestamp_max_ns = range.int64(3);
  // Ids are positive and far from the end of the numbers: what an edited file has beyond is not read.
  if (tail.first_rowid < 1 || tail.last_rowid > kIdMax || tail.id_base < 0 || tail.id_base > kIdMax) {
    return {sqlstate::kDataCorrupted, fmt::format("events_{} has ids out of range", tail.number)};
  }
  tail.row_count = tail.last_rowid - tail.first_rowid + 1;
  return {};
}

Result<ShardView> load_view(sqlite::Connection& connection) {
  ShardView view;
  ASSIGN_OR_RETURN(view.last_id, connection.query_int64(
                                     "SELECT CAST(value AS INTEGER) FROM metadata WHERE key='last_id'"));
  ASSIGN_OR_RETURN(auto tails, connection.prepare(
                                   "SELECT number,id_base FROM tails WHERE state=1 ORDER BY number"));
  while (true) {
    ASSIGN_OR_RETURN(const bool more, tails.step());
    if (!more) break;
    TailInfo tail;
    const int64_t number = tails.int64(0);
    if (number < 0 || number > std::numeric_limits<int32_t>::max()) {
      return Status(sqlstate::kDataCorrupted, "event shard has a tail number out of range");
    }
    tail.number = static_cast<uint32_t>(number);
    tail.id_base = tails.int64(1);
    RETURN_IF_ERROR(load_tail(connection, tail));
    if (tail.row_count > 0) view.last_id = std::max(view.last_id, tail.last_rowid + tail.id_base);
    tail.zones = std::make_shared<TailZones>(tail.first_rowid, tail.last_rowid);
    view.tails.push_back(tail);
  }
  // Ids are dense, so what a tail's range misses are the ids of tails published meanwhile.
  for (TailInfo& tail : view.tails) {
    if (tail.id_base != 0) continue;
    for (const TailInfo& other : view.tails) {
      if (other.id_base != 0 && other.id_base >= tail.first_rowid &&
          other.id_base < tail.last_rowid) {
        tail.row_count -= other.last_rowid;
      }
    }
  }
  return view;
}

}  // namespace eventd::engine::event_schema
