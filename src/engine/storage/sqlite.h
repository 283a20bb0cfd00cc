// SQLite behind RAII, errors as Status. The only header that talks to sqlite3.h's handles.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "bytes.h"
#include "result.h"

namespace eventd::engine::sqlite {

/// An Error for result code `rc`: 53100 SQLITE_FULL, 58030 I/O and cannot-open, XX001 corrupt or not
/// a database, 57014 interrupted, 55P03 busy, 53200 out of memory, 54000 too big, class 23
/// constraint violations, else XX000. `database` (may be null) supplies SQLite's own words.
Status error_status(int rc, sqlite3* database, std::string_view what);

/// SQLite's version, as found at run time: "3.54.1".
std::string_view version();

/// Fails with XX000 when the SQLite found at run time is too old (before 3.40) or was built for a
/// single thread. Every open() asks; a server may ask first.
Status check_library();

/// A prepared statement. Owned by its connection's thread; must be gone before its Connection.
class Statement {
 public:
  Statement() = default;
  explicit Statement(sqlite3_stmt* handle) : handle_(handle) {}
  Statement(Statement&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Statement& operator=(Statement&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Statement() { sqlite3_finalize(handle_); }
  explicit operator bool() const { return handle_ != nullptr; }
  sqlite3_stmt* raw() const { return handle_; }

  // Parameters count from 1. Bytes are borrowed until the next reset() or bind.
  void bind(int parameter, int64_t value) { sqlite3_bind_int64(handle_, parameter, value); }
  void bind_double(int parameter, double value) { sqlite3_bind_double(handle_, parameter, value); }
  void bind_null(int parameter) { sqlite3_bind_null(handle_, parameter); }
  void bind_text(int parameter, std::string_view text) {
    // A null pointer would bind NULL rather than ''.
    sqlite3_bind_text64(handle_, parameter, text.data() ? text.data() : "", text.size(),
                        SQLITE_STATIC, SQLITE_UTF8);
  }
  void bind_blob(int parameter, const void* bytes, size_t size) {
    sqlite3_bind_blob64(handle_, parameter, size ? bytes : "", size, SQLITE_STATIC);
  }

  /// True when a row is there, false at the end.
  Result<bool> step();
  /// Steps a statement that returns no row, then resets it. Also after a failure.
  Status run();
  void reset() { sqlite3_reset(handle_); }

  // Columns count from 0; borrowed until the next step() or reset().
  bool is_null(int column) const { return sqlite3_column_type(handle_, column) == SQLITE_NULL; }
  int64_t int64(int column) const { return sqlite3_column_int64(handle_, column); }
  double float64(int column) const { return sqlite3_column_double(handle_, column); }
  std::string_view text(int column) const {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
    return {text ? text : "", static_cast<size_t>(sqlite3_column_bytes(handle_, column))};
  }
  ByteSpan blob(int column) const {
    const auto* bytes = static_cast<const uint8_t*>(sqlite3_column_blob(handle_, column));
    return {bytes, static_cast<size_t>(sqlite3_column_bytes(handle_, column))};
  }

 private:
  sqlite3_stmt* handle_ = nullptr;
};

enum class OpenMode : uint8_t {
  kReadWriteCreate,
  kReadWrite,
  /// Falls back to an immutable open where the -shm file can't be made (read-only media) and no WAL
  /// is left: its rows would be missing. A rollback journal left by a creation that was cut short is
  /// played back.
  kReadOnly,
  /// Nobody writes the file, and nothing is written beside it: its WAL is not read.
  kImmutable,
};

struct ConnectionOptions {
  OpenMode mode = OpenMode::kReadWriteCreate;
  /// For a file that does not exist yet. 0 = SQLite's default.
  uint32_t page_size_bytes = 0;
  /// Writers only: WAL mode, and PRAGMA synchronous = FULL or NORMAL.
  bool wal = true;
  bool synchronous_full = true;
  uint32_t cache_kib = 1024;
  int busy_timeout_ms = 5000;
};

/// One connection, used by one thread at a time (opened without SQLite's own mutexes).
/// secure_delete is off and automatic checkpoints are off: writers checkpoint when they choose.
class Connection {
 public:
  Connection() = default;
  Connection(Connection&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Connection& operator=(Connection&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Connection() { sqlite3_close_v2(handle_); }
  static Result<Connection> open(const std::string& path, const ConnectionOptions& options);
  explicit operator bool() const { return handle_ != nullptr; }
  sqlite3* raw() const { return handle_; }

  /// Runs one or more statements that return nothing of interest.
  Status exec(const std::string& sql);
  /// For statements that live long (SQLITE_PREPARE_PERSISTENT).
  Result<Statement> prepare(std::string_view sql);
  /// First column of the first row; 0 when there is none.
  Result<int64_t> query_int64(std::string_view sql);
  bool in_transaction() const { return handle_ && sqlite3_get_autocommit(handle_) == 0; }
  Status error(int rc, std::string_view what) const { return error_status(rc, handle_, what); }

 private:
  explicit Connection(sqlite3* handle) : handle_(handle) {}
  sqlite3* handle_ = nullptr;
};

}  // namespace eventd::engine::sqlite
