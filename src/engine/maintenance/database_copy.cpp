#include "engine/maintenance/database_copy.h"

#include <fmt/format.h>

namespace eventd::engine {
namespace {

constexpr int kPagesAtATime = 256;

}  // namespace

Result<std::unique_ptr<DatabaseCopy>> DatabaseCopy::begin(sqlite3* source, const std::string& target) {
  auto copy = std::unique_ptr<DatabaseCopy>(new DatabaseCopy);
  copy->path_ = target;
  ASSIGN_OR_RETURN(copy->target_, sqlite::Connection::open(target, {.wal = false}));
  // Whatever goes wrong, the file is thrown away; and the caller syncs it once.
  RETURN_IF_ERROR(copy->target_.exec(
      "PRAGMA journal_mode=OFF;PRAGMA synchronous=OFF;PRAGMA locking_mode=EXCLUSIVE;"));
  copy->backup_ = sqlite3_backup_init(copy->target_.raw(), "main", source, "main");
  if (copy->backup_ == nullptr) {
    return copy->target_.error(sqlite3_extended_errcode(copy->target_.raw()),
                               fmt::format("could not begin the copy to \"{}\"", target));
  }
  return copy;
}

DatabaseCopy::~DatabaseCopy() {
  if (backup_ != nullptr) sqlite3_backup_finish(backup_);
}

Status DatabaseCopy::error(int rc) const {
  return sqlite::error_status(rc, nullptr, fmt::format("could not copy to \"{}\"", path_));
}

Result<bool> DatabaseCopy::copy(int pages) {
  const int rc = sqlite3_backup_step(backup_, pages);
  if (rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED) return false;
  if (rc != SQLITE_DONE) return error(rc);
  const int finished = sqlite3_backup_finish(std::exchange(backup_, nullptr));
  if (finished != SQLITE_OK) return error(finished);
  return true;
}

Result<int> DatabaseCopy::remaining() {
  ASSIGN_OR_RETURN(const bool complete, copy(0));
  return complete ? 0 : sqlite3_backup_remaining(backup_);
}

Status copy_database(const std::string& source, const std::string& target,
                     const std::atomic<bool>& cancelled) {
  ASSIGN_OR_RETURN(sqlite::Connection connection,
                   sqlite::Connection::open(source, {.mode = sqlite::OpenMode::kReadOnly}));
  // One snapshot for all steps: a writer does not make the copy start again.
  RETURN_IF_ERROR(connection.exec("BEGIN;SELECT count(*) FROM sqlite_schema;"));
  ASSIGN_OR_RETURN(const auto copy, DatabaseCopy::begin(connection.raw(), target));
  for (;;) {
    if (cancelled.load(std::memory_order_relaxed)) {
      return {sqlstate::kQueryCanceled, "canceling statement due to user request"};
    }
    ASSIGN_OR_RETURN(const bool complete, copy->copy(kPagesAtATime));
    if (complete) return {};
  }
}

}  // namespace eventd::engine
