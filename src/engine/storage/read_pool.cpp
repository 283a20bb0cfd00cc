#include "engine/storage/read_pool.h"

#include <fmt/format.h>

#include <chrono>
#include <iterator>
#include <utility>

#include "clock.h"

namespace eventd::engine {
namespace {

// VM operations between two looks at the cancel token: well below a millisecond.
constexpr int kProgressOperations = 10'000;
constexpr uint32_t kReadCacheKib = 1024;
constexpr std::chrono::milliseconds kCancelPoll{20};

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
  Status status = sqlite::error_status(sqlite3_extended_errcode(raw()), raw(),
                                       fmt::format("could not read \"{}\"", file_->path()));
  if (status.error().code == sqlstate::kDataCorrupted) file_->report_damage();
  return status;
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
  auto prepared = connection_.prepare(sql);
  if (!prepared.ok()) {
    if (prepared.error().code == sqlstate::kDataCorrupted) file_->report_damage();
    return std::move(prepared).take_status();
  }
  sqlite::Statement statement = std::move(*prepared);
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

Status ReadPool::reserve(const CancelToken* cancel) {
  std::unique_lock lock(mutex_);
  while (reserved_ >= open_max_) {
    if (cancel) RETURN_IF_ERROR(cancel->check());
    place_free_.wait_for(lock, kCancelPoll);
  }
  ++reserved_;
  return {};
}

void ReadPool::unreserve() {
  std::lock_guard lock(mutex_);
  --reserved_;
  place_free_.notify_one();
}

Result<std::unique_ptr<ReadConnection>> ReadPool::open(const std::shared_ptr<ShardFile>& file) {
  {
    std::vector<std::unique_ptr<ReadConnection>> excess;  // closed before the new one is opened
    std::lock_guard lock(mutex_);
    const auto of_file = idle_of_.find(file.get());
    ++lent_of_[file.get()];
    if (of_file != idle_of_.end()) return take(of_file->second.back());
    excess = take_excess();
  }
  auto connection = sqlite::Connection::open(
      file->path(), {.mode = sqlite::OpenMode::kReadOnly, .cache_kib = kReadCacheKib});
  if (!connection.ok()) {
    std::lock_guard lock(mutex_);
    forget_lent(*file);
    return std::move(connection).take_status();
  }
  return std::make_unique<ReadConnection>(file, std::move(*connection), statements_max_);
}

void ReadPool::forget_lent(const ShardFile& file) {
  const auto lent = lent_of_.find(&file);
  if (--lent->second == 0) lent_of_.erase(lent);
}

void ReadPool::release(std::unique_ptr<ReadConnection> connection) {
  std::vector<std::unique_ptr<ReadConnection>> excess;
  const ShardFile* file = connection->file().get();
  std::lock_guard lock(mutex_);
  --reserved_;
  forget_lent(*file);
  idle_.push_back({std::move(connection), Clock::system().monotonic_ns()});
  idle_of_[file].push_back(std::prev(idle_.end()));
  excess = take_excess();
  place_free_.notify_one();
}

std::unique_ptr<ReadConnection> ReadPool::take(IdleList::iterator idle) {
  std::unique_ptr<ReadConnection> connection = std::move(idle->connection);
  const auto of_file = idle_of_.find(connection->file().get());
  std::erase(of_file->second, idle);
  if (of_file->second.empty()) idle_of_.erase(of_file);
  idle_.erase(idle);
  return connection;
}

std::vector<std::unique_ptr<ReadConnection>> ReadPool::take_excess() {
  std::vector<std::unique_ptr<ReadConnection>> excess;
  while (!idle_.empty() && reserved_ + idle_.size() > open_max_) {
    const auto alone = std::find_if(idle_.begin(), idle_.end(), [this](const Idle& idle) {
      const ShardFile* file = idle.connection->file().get();
      return file->index() == ShardFile::kHistorical && !lent_of_.contains(file);
    });
    if (alone == idle_.end()) {
      excess.push_back(take(idle_.begin()));
      continue;
    }
    const ShardFile* file = alone->connection->file().get();
    for (auto of = idle_of_.find(file); of != idle_of_.end(); of = idle_of_.find(file)) {
      excess.push_back(take(of->second.back()));
    }
  }
  return excess;
}

void ReadPool::set_open_max(size_t open_max) {
  std::vector<std::unique_ptr<ReadConnection>> excess;
  std::lock_guard lock(mutex_);
  open_max_ = std::max<size_t>(open_max, 1);
  excess = take_excess();
  place_free_.notify_all();
}

void ReadPool::close_idle(const ShardFile& file) {
  std::vector<std::unique_ptr<ReadConnection>> closed;
  std::lock_guard lock(mutex_);
  for (auto found = idle_of_.find(&file); found != idle_of_.end(); found = idle_of_.find(&file)) {
    closed.push_back(take(found->second.back()));
  }
}

void ReadPool::close_idle(int64_t idle_ns) {
  std::vector<std::unique_ptr<ReadConnection>> closed;
  std::lock_guard lock(mutex_);
  const int64_t before_ns = Clock::system().monotonic_ns() - idle_ns;
  while (!idle_.empty() && idle_.front().since_ns <= before_ns) closed.push_back(take(idle_.begin()));
}

size_t ReadPool::open_connections() const {
  std::lock_guard lock(mutex_);
  return reserved_ + idle_.size();
}

size_t ReadPool::idle() const {
  std::lock_guard lock(mutex_);
  return idle_.size();
}

Result<std::unique_ptr<ReadSlice>> ReadSlice::open(ReadPool& pool,
                                                   const std::shared_ptr<ShardFile>& file,
                                                   const CancelToken* cancel) {
  // The place first: waiting for one inside the gate would keep the writer from closing it.
  RETURN_IF_ERROR(pool.reserve(cancel));
  file->gate().enter();
  auto slice = std::unique_ptr<ReadSlice>(new ReadSlice(pool, file));
  ASSIGN_OR_RETURN(slice->connection_, pool.open(file));
  slice->connection_->watch(cancel);
  return slice;
}

ReadSlice::~ReadSlice() {
  if (connection_) {
    connection_->watch(nullptr);
    pool_.release(std::move(connection_));
  } else {
    pool_.unreserve();
  }
  file_->gate().leave();
}

}  // namespace eventd::engine
