// Read connections of shard files, kept open between scans, each with prepared statements.
#pragma once

#include <cstdint>
#include <exception>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/scan/cancel_token.h"
#include "engine/scan/relation.h"
#include "engine/storage/shard_view.h"
#include "engine/storage/sqlite.h"
#include "result.h"

namespace eventd::engine {

/// Takes the rows a statement finds, from within sqlite3_step(). One thread.
class RowSink {
 public:
  virtual ~RowSink() = default;
  /// `values`: the arguments of the call, borrowed until it returns. True when that was enough.
  virtual bool take(sqlite3_value** values) = 0;
};

/// A read-only connection and its statements, least recently used last. One thread at a time.
class ReadConnection {
 public:
  ReadConnection(std::shared_ptr<ShardFile> file, sqlite::Connection connection,
                 size_t statements_max);
  ~ReadConnection();
  ReadConnection(const ReadConnection&) = delete;
  ReadConnection& operator=(const ReadConnection&) = delete;

  /// A statement that is not running; give it back with release(). Counts in `counters`.
  Result<sqlite3_stmt*> prepare(const std::string& sql, ScanCounters& counters);
  /// Resets it.
  void release(sqlite3_stmt* statement);
  /// Steps fail with SQLITE_INTERRUPT once `cancel` (null = never) is cancelled.
  void watch(const CancelToken* cancel);

  /// SQL function: `WHERE … AND kCollect(columns…)` gives each row to the sink and is true, thus
  /// the row a row of the result, when the sink has enough.
  static constexpr std::string_view kCollect = "collect_row";
  /// Rows go to `sink` for as long as the result lives. One at a time.
  [[nodiscard]] auto collect_into(RowSink& sink) {
    sink_ = &sink;
    const auto end = [](RowSink** slot) { *slot = nullptr; };
    return std::unique_ptr<RowSink*, decltype(end)>(&sink_, end);
  }
  /// After a step: throws what the sink threw.
  void rethrow() {
    if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
  }
  /// Of a step that failed.
  Status read_error() const;

  const std::shared_ptr<ShardFile>& file() const { return file_; }
  sqlite3* raw() const { return connection_.raw(); }

 private:
  static void on_row(sqlite3_context* context, int count, sqlite3_value** values);
  struct Entry {
    std::string sql;
    sqlite::Statement statement;
    bool running = false;
  };
  static int on_progress(void* cancel);
  void evict();

  const std::shared_ptr<ShardFile> file_;
  RowSink* sink_ = nullptr;
  std::exception_ptr thrown_;      // by the sink
  sqlite::Connection connection_;  // outlives the statements
  const size_t statements_max_;
  std::list<Entry> entries_;
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_sql_;
};

/// A statement from prepare() until it is destroyed. One thread; must go before its connection.
class StatementLease {
 public:
  static Result<StatementLease> open(ReadConnection& connection, const std::string& sql,
                                     ScanCounters& counters) {
    ASSIGN_OR_RETURN(sqlite3_stmt * statement, connection.prepare(sql, counters));
    return StatementLease(connection, statement);
  }
  StatementLease() = default;
  StatementLease(StatementLease&& other) noexcept
      : connection_(other.connection_), statement_(std::exchange(other.statement_, nullptr)) {}
  StatementLease& operator=(StatementLease&& other) noexcept {
    std::swap(connection_, other.connection_);
    std::swap(statement_, other.statement_);
    return *this;
  }
  ~StatementLease() {
    if (statement_) connection_->release(statement_);
  }
  sqlite3_stmt* raw() const { return statement_; }

 private:
  StatementLease(ReadConnection& connection, sqlite3_stmt* statement)
      : connection_(&connection), statement_(statement) {}
  ReadConnection* connection_ = nullptr;
  sqlite3_stmt* statement_ = nullptr;
};

/// Lends connections. A lease is never waited for: as many as threads ask for at once are open, up
/// to `idle_max` stay open afterwards, those longest unused are closed first. Thread-safe.
class ReadPool {
 public:
  ReadPool(size_t idle_max, size_t statements_max)
      : idle_max_(idle_max), statements_max_(statements_max) {}

  Result<std::unique_ptr<ReadConnection>> acquire(const std::shared_ptr<ShardFile>& file);
  void release(std::unique_ptr<ReadConnection> connection);
  size_t idle() const;

 private:
  struct Idle {
    std::unique_ptr<ReadConnection> connection;
    uint64_t used = 0;
  };
  const size_t idle_max_;
  const size_t statements_max_;
  mutable std::mutex mutex_;
  // Guarded by mutex_:
  std::unordered_map<const ShardFile*, std::vector<Idle>> idle_;
  size_t idle_count_ = 0;
  uint64_t clock_ = 0;
};

/// One slice of reading a shard: inside its gate, with a connection. Everything is given back by
/// the destructor, so a slice lives within one ScanCursor::next(). One thread.
class ReadSlice {
 public:
  static Result<std::unique_ptr<ReadSlice>> open(ReadPool& pool,
                                                 const std::shared_ptr<ShardFile>& file,
                                                 const CancelToken* cancel);
  ~ReadSlice();
  ReadConnection& connection() { return *connection_; }
  const std::shared_ptr<ShardFile>& file() const { return file_; }

 private:
  ReadSlice(ReadPool& pool, std::shared_ptr<ShardFile> file) : pool_(pool), file_(std::move(file)) {}
  ReadPool& pool_;
  std::shared_ptr<ShardFile> file_;
  std::unique_ptr<ReadConnection> connection_;
};

}  // namespace eventd::engine
