// Retention in files that nobody else writes.
#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "engine/limits.h"
#include "engine/storage/event_schema.h"
#include "engine/storage/historical_files.h"
#include "engine/storage/tail_expiry.h"

namespace eventd::engine {
namespace {

constexpr int kCheckpointPages = 512;

// One transaction: a piece of the first tail that has something.
Result<uint64_t> expire_next(sqlite::Connection& connection, ShardView& view, TailInfo& tail,
                             int64_t before_ns) {
  TailInfo changed = tail;
  RETURN_IF_ERROR(connection.exec("BEGIN IMMEDIATE"));
  Status status = event_schema::save_last_id(connection, view.last_id);
  uint64_t rows = 0;
  if (status.ok()) {
    auto piece = expire_piece(connection, changed, before_ns);
    if (piece.ok()) {
      rows = *piece;
    } else {
      status = std::move(piece).take_status();
    }
  }
  if (status.ok()) status = connection.exec("COMMIT");
  if (!status.ok()) {
    if (connection.in_transaction()) (void)connection.exec("ROLLBACK");
    return status;
  }
  tail = changed;
  return rows;
}

}  // namespace

Result<uint64_t> expire_historical_file(ShardFile& file, ShardView view, int64_t before_ns,
                                        const std::atomic<bool>& stop,
                                        const std::function<void(const ShardView&)>& publish) {
  // The journal mode stays what it is. A deletion that a power loss undoes is done again.
  ASSIGN_OR_RETURN(auto connection,
                   sqlite::Connection::open(file.path(), {.mode = sqlite::OpenMode::kReadWrite,
                                                          .wal = false,
                                                          .synchronous_full = false}));
  sqlite3_wal_autocheckpoint(connection.raw(), kCheckpointPages);
  uint64_t rows = 0;
  for (TailInfo& tail : view.tails) {
    while (has_expired(tail, before_ns) && !stop.load(std::memory_order_relaxed)) {
      ASSIGN_OR_RETURN(const uint64_t piece, expire_next(connection, view, tail, before_ns));
      rows += piece;
      publish(view);
    }
  }
  // Nobody else would: the WAL goes into the database while no reader is in the way.
  if (rows > 0 && file.gate().close(std::chrono::nanoseconds(2 * kScanSliceNs))) {
    (void)sqlite3_wal_checkpoint_v2(connection.raw(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr,
                                    nullptr);
  }
  if (rows > 0) file.gate().open();
  return rows;
}

}  // namespace eventd::engine
