#include "engine/storage/read_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace eventd::engine {
namespace {

// VM operations between two looks at the cancel token: well below a millisecond.
constexpr int kProgressOperations = 10'000;
constexpr uint32_t kReadCacheKib = 1024;

}  // namespace

ReadConnection::ReadConnection(std::shared_ptr<ShardFile> file, sqlite::Connection connection,
                               size_t statements_max)
    : file_(std::move(file)),
      connection_(std::move(connection)),
      statements_max_(std::max<size_t>(statements_max, 1)) {
  // Not for the file's own views or triggers to call. Not deterministic: called for every row.
  sqlite3_create_function_v2(connection_.raw(), std::string(kCollect).c_str(), -1,
                             SQLITE_UTF8 | SQLITE_DIRECTONLY, this, on_row, nullptr, nullptr,
                             nullptr);
}

void ReadConnection::on_row(sqlite3_context* context, int, sqlite3_value** values) {
  auto* self = static_cast<ReadConnection*>(sqlite3_user_data(context));
  bool enough = true;
  try {
    if (self->sink_) [[likely]] enough = self->sink_->take(values);
  } catch (...) {
    // Not through SQLite's frames.
    self->thrown_ = std::current_exception();
  }
  // The result is NULL, which is not true, when nothing is said.
  if (enough) [[unlikely]] sqlite3_result_int(context, 1);
}

Status ReadConnection::read_error() const {
  return sqlite::error_status(sqlite3_extended_errcode(raw()), raw(),
                              fmt::format("could not read \"{}\"", file_->path()));
}

ReadConnection::~ReadConnection() = default;

Result<sqlite3_stmt*> ReadConnection::prepare(const std::string& sql, ScanCounters& counters) {
  const auto found = by_sql_.find(sql);
  if (found != by_sql_.end() && !found->second->running) {
    entries_.splice(entries_.begin(), entries_, found->second);
    found->second->running = true;
    ++counters.statements_reused;
    return found->second->statement.raw();
  }
  ASSIGN_OR_RETURN(sqlite::Statement statement, connection_.prepare(sql));
  ++counters.statements_prepared;
  entries_.push_front(Entry{sql, std::move(statement), true});
  // The same statement twice at once: the second is found by nobody and leaves with eviction.
  by_sql_.emplace(entries_.front().sql, entries_.begin());
  evict();
  return entries_.front().statement.raw();
}

void ReadConnection::release(sqlite3_stmt* statement) {
  sqlite3_reset(statement);
  for (Entry& entry : entries_) {
    if (entry.statement.raw() == statement) {
      entry.running = false;
      return;
    }
  }
}

void ReadConnection::evict() {
  for (auto it = entries_.end(); entries_.size() > statements_max_ && it != entries_.begin();) {
    --it;
    if (it->running) continue;
    const auto named = by_sql_.find(it->sql);
    if (named != by_sql_.end() && named->second == it) by_sql_.erase(named);
    it = entries_.erase(it);
  }
}

void ReadConnection::watch(const CancelToken* cancel) {
  sqlite3_progress_handler(connection_.raw(), cancel ? kProgressOperations : 0,
                           cancel ? on_progress : nullptr, const_cast<CancelToken*>(cancel));
}

int ReadConnection::on_progress(void* cancel) {
  return static_cast<const CancelToken*>(cancel)->cancelled() ? 1 : 0;
}

Result<std::unique_ptr<ReadConnection>> ReadPool::acquire(const std::shared_ptr<ShardFile>& file) {
  {
    std::lock_guard lock(mutex_);
    const auto found = idle_.find(file.get());
    if (found != idle_.end()) {
      std::unique_ptr<ReadConnection> connection = std::move(found->second.back().connection);
      found->second.pop_back();
      if (found->second.empty()) idle_.erase(found);
      --idle_count_;
      return connection;
    }
  }
  ASSIGN_OR_RETURN(sqlite::Connection connection,
                   sqlite::Connection::open(file->path(), {.mode = sqlite::OpenMode::kReadOnly,
                                                           .cache_kib = kReadCacheKib}));
  return std::make_unique<ReadConnection>(file, std::move(connection), statements_max_);
}

void ReadPool::release(std::unique_ptr<ReadConnection> connection) {
  std::unique_ptr<ReadConnection> evicted;  // closed outside the lock
  std::lock_guard lock(mutex_);
  const ShardFile* file = connection->file().get();
  idle_[file].push_back({std::move(connection), ++clock_});
  if (++idle_count_ <= idle_max_) return;
  auto oldest = idle_.begin();
  for (auto it = idle_.begin(); it != idle_.end(); ++it) {
    if (it->second.front().used < oldest->second.front().used) oldest = it;
  }
  evicted = std::move(oldest->second.front().connection);
  oldest->second.erase(oldest->second.begin());
  if (oldest->second.empty()) idle_.erase(oldest);
  --idle_count_;
}

size_t ReadPool::idle() const {
  std::lock_guard lock(mutex_);
  return idle_count_;
}

Result<std::unique_ptr<ReadSlice>> ReadSlice::open(ReadPool& pool,
                                                   const std::shared_ptr<ShardFile>& file,
                                                   const CancelToken* cancel) {
  file->gate().enter();
  auto slice = std::unique_ptr<ReadSlice>(new ReadSlice(pool, file));
  ASSIGN_OR_RETURN(slice->connection_, pool.acquire(file));
  slice->connection_->watch(cancel);
  return slice;
}

ReadSlice::~ReadSlice() {
  if (connection_) {
    connection_->watch(nullptr);
    pool_.release(std::move(connection_));
  }
  file_->gate().leave();
}

}  // namespace eventd::engine
