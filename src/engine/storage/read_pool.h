// Read connections of shard files, kept open between scans, each with prepared statements.
#pragma once

#include <algorithm>
#include <condition_variable>
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
  /// Of a step that failed. Damage (XX001) is reported to the file.
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

/// Lends connections. Those lent and those kept open for the next one are never more than `open_max`
/// together: the ones unused for longest are closed first, and when all are lent the next caller waits.
/// No thread may ask for a second one while it has one: then every lease ends, within about a slice.
/// Thread-safe.
class ReadPool {
 public:
  ReadPool(size_t open_max, size_t statements_max)
      : statements_max_(statements_max), open_max_(std::max<size_t>(open_max, 1)) {}

  /// Waits for one of the `open_max` places. 57014 … when `cancel` (may be null) is cancelled.
  Status reserve(const CancelToken* cancel);
  /// Gives back a place that got no connection.
  void unreserve();
  /// A connection to `file` in the place reserved: one kept open, else a new one. On failure the place
  /// is still reserved. REQUIRES: inside the file's gate.
  Result<std::unique_ptr<ReadConnection>> open(const std::shared_ptr<ShardFile>& file);
  /// Ends the lease and its reservation.
  void release(std::unique_ptr<ReadConnection> connection);

  /// Takes effect at once for idle connections, for lent ones as they come back.
  void set_open_max(size_t open_max);
  /// Closes the idle connections of `file`.
  void close_idle(const ShardFile& file);
  /// Closes those unused for `idle_ns` or longer.
  void close_idle(int64_t idle_ns);

  /// Places reserved and connections kept open.
  size_t open_connections() const;
  size_t idle() const;

 private:
  struct Idle {
    std::unique_ptr<ReadConnection> connection;
    int64_t since_ns;  // monotonic
  };
  using IdleList = std::list<Idle>;
  /// Moves one out of the list. REQUIRES: mutex_ held.
  std::unique_ptr<ReadConnection> take(IdleList::iterator idle);
  /// One connection of `file` less is lent. REQUIRES: mutex_ held.
  void forget_lent(const ShardFile& file);
  /// Takes the oldest out until the bound holds; closed by the caller, outside the lock. All of a file
  /// together where none of it is lent: SQLite keeps the descriptor of a closed connection as long as
  /// the process has another one on the file, whose locks would go with it.
  std::vector<std::unique_ptr<ReadConnection>> take_excess();

  const size_t statements_max_;
  mutable std::mutex mutex_;
  std::condition_variable place_free_;
  // Guarded by mutex_:
  size_t open_max_;
  size_t reserved_ = 0;
  IdleList idle_;  // the one unused for longest first
  std::unordered_map<const ShardFile*, std::vector<IdleList::iterator>> idle_of_;
  std::unordered_map<const ShardFile*, size_t> lent_of_;
};

/// One slice of reading a shard: inside its gate, with a connection. Everything is given back by
/// the destructor, so a slice lives within one ScanCursor::next(). One thread, which has one slice at
/// a time.
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
