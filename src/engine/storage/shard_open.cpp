// Opening a shard's file, at start and after it was set aside.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "engine/limits.h"
#include "engine/storage/shard_impl.h"

namespace eventd::engine {
namespace {

constexpr uint64_t kWalFrameHeaderBytes = 24;  // sqlite.org/fileformat2.html#walformat

int on_wal_commit(void* impl, sqlite3*, const char*, int pages) {
  static_cast<uint64_t*>(impl)[0] = static_cast<uint64_t>(pages);
  return SQLITE_OK;
}

// 0 when there is none.
uint64_t file_bytes(const std::string& path) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  return error ? 0 : bytes;
}

}  // namespace

Result<std::unique_ptr<Shard>> Shard::open(const ShardOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  impl->carried = options.carried;
  impl->wal_size_limit_bytes.store(options.wal_size_limit_bytes, std::memory_order_relaxed);
  impl->file = std::make_shared<ShardFile>(options.path, options.index);
  impl->latch = options.commit_latch ? options.commit_latch : &impl->own_latch;
  RETURN_IF_ERROR(impl->connect());
  return std::unique_ptr<Shard>(new Shard(std::move(impl)));
}

Status Shard::Impl::ensure_connected() { return connection ? Status() : connect(); }

Status Shard::Impl::connect() {
  Status status = try_connect();
  if (status.ok()) return {};
  // What is not ours to write, or damaged, is not checkpointed either.
  if (connection) sqlite3_db_config(connection.raw(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  disconnect();
  Error error = std::move(status).take_error();
  if (error.message.find(options.path) == std::string::npos) {
    error.message = fmt::format("\"{}\": {}", options.path, error.message);
  }
  return error;
}

Status Shard::Impl::try_connect() {
  // One megabyte for the timestamp index on top of the writer's two.
  ASSIGN_OR_RETURN(connection,
                   sqlite::Connection::open(options.path, {.page_size_bytes = options.page_size_bytes,
                                                           .cache_kib = 3 * 1024}));
  ASSIGN_OR_RETURN(const bool is_new, event_schema::is_empty(connection));
  if (is_new) RETURN_IF_ERROR(event_schema::create(connection, carried));
  carried = {};
  RETURN_IF_ERROR(event_schema::check(connection));
  ASSIGN_OR_RETURN(const int64_t page_bytes, connection.query_int64("PRAGMA page_size"));
  wal_frame_bytes = static_cast<uint64_t>(page_bytes) + kWalFrameHeaderBytes;
  journal_size_limit_bytes = 0;
  RETURN_IF_ERROR(apply_wal_size_limit());
  sqlite3_wal_hook(connection.raw(), on_wal_commit, &wal_pages);
  // After a crash the WAL may be large: checkpoint_if_due() sees to it.
  wal_pages = file_bytes(options.path + "-wal") / wal_frame_bytes;
  wal_pages_checkpointed = 0;
  relaxed_sync = false;
  RETURN_IF_ERROR(drop_unpublished());
  ASSIGN_OR_RETURN(ShardView view, event_schema::load_view(connection));
  adopt(std::move(view));
  RETURN_IF_ERROR(prepare_statements());
  RETURN_IF_ERROR(load_types());
  publish();
  return {};
}

void Shard::Impl::disconnect() {
  inserts.clear();
  staged.clear();
  discards.clear();
  retired.clear();
  known_types.clear();
  types_in_transaction.clear();
  current_insert = nullptr;
  for (sqlite::Statement* statement : {&begin, &commit, &rollback, &insert_type, &receipts_near,
                                       &receipt_delete, &receipt_insert}) {
    *statement = {};
  }
  connection = {};
}

Status Shard::Impl::prepare_statements() {
  ASSIGN_OR_RETURN(begin, connection.prepare("BEGIN IMMEDIATE"));
  ASSIGN_OR_RETURN(commit, connection.prepare("COMMIT"));
  ASSIGN_OR_RETURN(rollback, connection.prepare("ROLLBACK"));
  ASSIGN_OR_RETURN(insert_type,
                   connection.prepare("INSERT OR IGNORE INTO event_types VALUES(?1)"));
  ASSIGN_OR_RETURN(receipts_near,
                   connection.prepare("SELECT first,last FROM receipts WHERE boot_id=?1 AND epoch=?2 "
                                      "AND cpu_id=?3 AND first<=?4 ORDER BY first DESC"));
  ASSIGN_OR_RETURN(receipt_delete,
                   connection.prepare("DELETE FROM receipts WHERE boot_id=?1 AND epoch=?2 AND "
                                      "cpu_id=?3 AND first>=?4 AND first<=?5"));
  ASSIGN_OR_RETURN(receipt_insert,
                   connection.prepare("INSERT INTO receipts VALUES(?1,?2,?3,?4,?5)"));
  return select_insert();
}

Status Shard::Impl::drop_unpublished() {
  std::vector<int64_t> numbers;
  {
    ASSIGN_OR_RETURN(auto staged_tails,
                     connection.prepare("SELECT number FROM tails WHERE state=0"));
    while (true) {
      ASSIGN_OR_RETURN(const bool more, staged_tails.step());
      if (!more) break;
      numbers.push_back(staged_tails.int64(0));
    }
  }
  for (const int64_t number : numbers) {
    RETURN_IF_ERROR(connection.exec(
        fmt::format("BEGIN;DROP TABLE events_{0};DELETE FROM tails WHERE number={0};COMMIT", number)));
  }
  return {};
}

Status Shard::Impl::load_types() {
  ASSIGN_OR_RETURN(auto types, connection.prepare(fmt::format(
                                   "SELECT event_type FROM event_types LIMIT {}", kKnownTypesMax)));
  while (true) {
    ASSIGN_OR_RETURN(const bool more, types.step());
    if (!more) return {};
    known_types.emplace(types.text(0));
  }
}

void Shard::Impl::adopt(ShardView view) {
  working = std::move(view);
  // Never less than before, so that the name of a staged tail in a file that was set aside is not
  // given to another.
  next_tail_number = std::max(next_tail_number, kTailTables);
  for (TailInfo& tail : working.tails) {
    if (tail.number >= kTailTables) tail.readers = std::make_shared<char>();
    next_tail_number = std::max(next_tail_number, tail.number + 1);
  }
  // Rows go to the tail that holds the highest id; published staged tails are never appended to,
  // which their id_base tells (a tail that takes rows has base 0).
  current = 0;
  for (size_t i = 0; i < working.tails.size(); ++i) {
    if (working.tails[i].id_base == 0 && working.tails[i].row_count > 0 &&
        working.tails[i].last_rowid >= working.tails[current].last_rowid) {
      current = i;
    }
  }
}

}  // namespace eventd::engine
