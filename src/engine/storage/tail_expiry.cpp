#include "engine/storage/tail_expiry.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/storage/event_schema.h"
#include "engine/storage/tail_zones.h"

namespace eventd::engine {
namespace {

// Of one piece: some milliseconds.
constexpr int64_t kPieceRows = 4096;
// An unqualified DELETE looks at every page once: about 0.1 s for so many rows. More are brought down
// to it first.
constexpr int64_t kWholeRowsMax = int64_t{2} << 20;

// As a tail table that has never had a row.
void reset(TailInfo& tail) {
  tail.row_count = 0;
  tail.first_rowid = 1;
  tail.last_rowid = 0;
  tail.zones = std::make_shared<TailZones>();
  tail.timestamp_min_ns = std::numeric_limits<int64_t>::max();
  tail.timestamp_max_ns = std::numeric_limits<int64_t>::min();
}

}  // namespace

Result<uint64_t> expire_piece(sqlite::Connection& connection, TailInfo& tail, int64_t before_ns) {
  const std::string table = event_schema::tail_table(tail.number);
  if (tail.timestamp_max_ns < before_ns && tail.row_count <= kWholeRowsMax) {
    RETURN_IF_ERROR(connection.exec("DELETE FROM " + table));
    const auto rows = static_cast<uint64_t>(sqlite3_changes64(connection.raw()));
    reset(tail);
    return rows;
  }
  ASSIGN_OR_RETURN(auto erase, connection.prepare(fmt::format(
      "DELETE FROM {0} WHERE id IN (SELECT id FROM {0} INDEXED BY idx_{0}_timestamp "
      "WHERE timestamp<?1 ORDER BY timestamp LIMIT {1})", table, kPieceRows)));
  erase.bind(1, before_ns);
  RETURN_IF_ERROR(erase.run());
  const int64_t rows = sqlite3_changes64(connection.raw());
  // The highest rowid and time stay as they are: bounds, and what tells old rows from new ones.
  ASSIGN_OR_RETURN(auto range, connection.prepare(fmt::format(
      "SELECT (SELECT min(id) FROM {0}),(SELECT min(timestamp) FROM {0})", table)));
  ASSIGN_OR_RETURN(const bool row, range.step());
  if (!row || range.is_null(0)) {
    reset(tail);
    return static_cast<uint64_t>(rows);
  }
  tail.first_rowid = range.int64(0);
  tail.timestamp_min_ns = range.int64(1);
  tail.row_count = std::max<int64_t>(tail.row_count - rows, 1);
  return static_cast<uint64_t>(rows);
}

}  // namespace eventd::engine
