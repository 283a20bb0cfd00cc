// Read connections of shard files, kept open between scans, each with prepared statements.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/scan/cancel_token.h"
#include "engine/scan/relation.h"
#include "engine/storage/shard_view.h"
#include "engine/storage/sqlite.h"
#include "result.h"

namespace eventd::engine {

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

  const std::shared_ptr<ShardFile>& file() const { return file_; }
  sqlite3* raw() const { return connection_.raw(); }

 private:
  struct Entry {
    std::string sql;
    sqlite::Statement statement;
    bool running = false;
  };
  static int on_progress(void* cancel);
  void evict();

  const std::shared_ptr<ShardFile> file_;
  sqlite::Connection connection_;  // outlives the statements
  const size_t statements_max_;
  std::list<Entry> entries_;
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_sql_;
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
