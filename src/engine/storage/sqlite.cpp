#include "engine/storage/sqlite.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

namespace eventd::engine::sqlite {
namespace {

// Opening is lazy: only a read shows whether the file, its WAL and its -shm can be used.
constexpr const char* kFirstRead = "SELECT 1 FROM sqlite_schema LIMIT 1";

SqlState state_of(int rc) {
  switch (rc) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID: return sqlstate::kUniqueViolation;
    case SQLITE_CONSTRAINT_NOTNULL: return sqlstate::kNotNullViolation;
    case SQLITE_CONSTRAINT_FOREIGNKEY: return sqlstate::kForeignKeyViolation;
    case SQLITE_CONSTRAINT_CHECK: return sqlstate::kCheckViolation;
    default: break;
  }
  switch (rc & 0xff) {
    case SQLITE_FULL: return sqlstate::kDiskFull;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY: return sqlstate::kIoError;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return sqlstate::kDataCorrupted;
    case SQLITE_INTERRUPT: return sqlstate::kQueryCanceled;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return sqlstate::kLockNotAvailable;
    case SQLITE_NOMEM: return sqlstate::kOutOfMemory;
    case SQLITE_TOOBIG: return sqlstate::kProgramLimitExceeded;
    default: return sqlstate::kInternalError;
  }
}

// "file:" URI of a path, with what SQLite would interpret escaped.
std::string immutable_uri(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '%' || c == '?' || c == '#') {
      uri += fmt::format("%{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      uri += c;
    }
  }
  return uri + "?immutable=1";
}

bool directory_is_writable(const std::string& path) {
  const std::string directory = std::filesystem::path(path).parent_path().string();
  return ::access(directory.empty() ? "." : directory.c_str(), W_OK) == 0;
}

// An immutable open would not see the rows in it.
bool has_rows_in_wal(const std::string& path) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path + "-wal", error);
  return error ? error != std::errc::no_such_file_or_directory : bytes != 0;
}

// Undoes what a process that ended while it created a file left half done, in a rollback journal: a
// read-only connection can't.
int roll_back_journal(const std::string& path) {
  sqlite3* handle = nullptr;
  int rc = sqlite3_open_v2(path.c_str(), &handle,
                           SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  if (rc == SQLITE_OK) rc = sqlite3_exec(handle, kFirstRead, nullptr, nullptr, nullptr);
  sqlite3_close_v2(handle);
  return rc;
}

}  // namespace

Status error_status(int rc, sqlite3* database, std::string_view what) {
  const char* words = database ? sqlite3_errmsg(database) : sqlite3_errstr(rc);
  if (database && (sqlite3_errcode(database) & 0xff) != (rc & 0xff)) words = sqlite3_errstr(rc);
  if ((rc & 0xff) == SQLITE_INTERRUPT) {
    return {sqlstate::kQueryCanceled, "canceling statement due to user request"};
  }
  return {state_of(rc), fmt::format("{}: {}", what, words)};
}

Result<bool> Statement::step() {
  const int rc = sqlite3_step(handle_);
  if (rc == SQLITE_ROW) return true;
  if (rc == SQLITE_DONE) return false;
  sqlite3* database = sqlite3_db_handle(handle_);
  return error_status(sqlite3_extended_errcode(database), database, "database step failed");
}

Status Statement::run() {
  const int rc = sqlite3_step(handle_);
  if (rc == SQLITE_ROW || rc == SQLITE_DONE) {
    sqlite3_reset(handle_);
    return {};
  }
  sqlite3* database = sqlite3_db_handle(handle_);
  Status status =
      error_status(sqlite3_extended_errcode(database), database, "database write failed");
  sqlite3_reset(handle_);
  return status;
}

std::string_view version() { return sqlite3_libversion(); }

Status check_library() {
  constexpr int kOldest = 3'040'000;
  if (sqlite3_libversion_number() < kOldest) {
    return {sqlstate::kInternalError,
            fmt::format("SQLite {} is too old: 3.40.0 or later is needed", version())};
  }
  if (sqlite3_threadsafe() == 0) {
    return {sqlstate::kInternalError,
            fmt::format("SQLite {} was built for a single thread (SQLITE_THREADSAFE=0)", version())};
  }
  return {};
}

Result<Connection> Connection::open(const std::string& path, const ConnectionOptions& options) {
  RETURN_IF_ERROR(check_library());
  // Its counters cost a process-wide lock per allocation. Before SQLite's first use, else no effect.
  static const int no_memory_statistics = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  (void)no_memory_statistics;
  const bool only_read =
      options.mode == OpenMode::kReadOnly || options.mode == OpenMode::kImmutable;
  const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                    (only_read ? SQLITE_OPEN_READONLY
                     : options.mode == OpenMode::kReadWrite
                         ? SQLITE_OPEN_READWRITE
                         : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  const std::string what = fmt::format("could not open database \"{}\"", path);
  sqlite3* handle = nullptr;
  int rc = options.mode == OpenMode::kImmutable
               ? sqlite3_open_v2(immutable_uri(path).c_str(), &handle, flags | SQLITE_OPEN_URI, nullptr)
               : sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  Connection connection(handle);
  // Before the first read: another connection may just be recovering the WAL.
  if (rc == SQLITE_OK) sqlite3_busy_timeout(handle, options.busy_timeout_ms);
  if (rc == SQLITE_OK && options.mode == OpenMode::kReadOnly) {
    rc = sqlite3_exec(handle, kFirstRead, nullptr, nullptr, nullptr);
    if (rc == SQLITE_READONLY_ROLLBACK && roll_back_journal(path) == SQLITE_OK) {
      rc = sqlite3_exec(handle, kFirstRead, nullptr, nullptr, nullptr);
    }
    // Only where nothing can be made, and nothing is to be found in a WAL.
    if (((rc & 0xff) == SQLITE_CANTOPEN || (rc & 0xff) == SQLITE_READONLY) &&
        !directory_is_writable(path) && !has_rows_in_wal(path)) {
      Connection immutable;
      rc = sqlite3_open_v2(immutable_uri(path).c_str(), &handle, flags | SQLITE_OPEN_URI, nullptr);
      immutable.handle_ = handle;
      std::swap(connection, immutable);
    }
  }
  if (rc != SQLITE_OK) return error_status(rc, connection.handle_, what);

  sqlite3_busy_timeout(connection.handle_, options.busy_timeout_ms);
  sqlite3_wal_autocheckpoint(connection.handle_, 0);
  std::string pragmas =
      fmt::format("PRAGMA secure_delete=OFF; PRAGMA cache_size=-{};", options.cache_kib);
  if (!only_read) {
    // page_size has an effect only on a file that is still empty, and only before WAL.
    if (options.page_size_bytes != 0) {
      pragmas += fmt::format("PRAGMA page_size={};", options.page_size_bytes);
    }
    if (options.wal) pragmas += "PRAGMA journal_mode=WAL;";
    pragmas += options.synchronous_full ? "PRAGMA synchronous=FULL;" : "PRAGMA synchronous=NORMAL;";
  }
  rc = sqlite3_exec(connection.handle_, pragmas.c_str(), nullptr, nullptr, nullptr);
  if (rc != SQLITE_OK) return error_status(rc, connection.handle_, what);
  return connection;
}

Status Connection::exec(const std::string& sql) {
  const int rc = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (rc == SQLITE_OK) return {};
  return error(rc, "database command failed");
}

Result<Statement> Connection::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int rc = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                    SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (rc != SQLITE_OK) return error(rc, "database prepare failed");
  return Statement(statement);
}

Result<int64_t> Connection::query_int64(std::string_view sql) {
  ASSIGN_OR_RETURN(Statement statement, prepare(sql));
  ASSIGN_OR_RETURN(const bool row, statement.step());
  return row ? statement.int64(0) : 0;
}

}  // namespace eventd::engine::sqlite
