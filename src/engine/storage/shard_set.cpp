#include "engine/storage/shard_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <utility>

#include "clock.h"
#include "engine/limits.h"
#include "engine/stats/registry.h"
#include "engine/storage/event_relation.h"
#include "engine/storage/event_schema.h"
#include "engine/storage/event_snapshot.h"
#include "engine/storage/historical_files.h"
#include "engine/storage/read_pool.h"
#include "engine/storage/shard_files.h"
#include "log.h"

namespace eventd::engine {
struct ShardSet::Impl {
  ShardSetOptions options;
  mutable CommitLatch latch;
  std::shared_ptr<ReadPool> pool;
  std::vector<std::unique_ptr<Shard>> shards;
  std::vector<std::unique_ptr<StatsRegistry::Gauge>> gauges;  // of the shards; gone before them
  std::unique_ptr<EventRelation> relation;
  std::vector<QuarantinedShard> quarantined;
  std::vector<ReceiptRange> historical_receipts;  // as they were at start

  /// Guarded by latch; the list is replaced, never changed.
  std::shared_ptr<const std::vector<ShardSnapshot>> historical =
      std::make_shared<const std::vector<ShardSnapshot>>();
  std::mutex rescan_mutex;  // one rescan() at a time

  Status open_shard(uint32_t index);
  std::vector<std::string> active_names() const;
  void take_over(std::shared_ptr<ShardFile> file, std::shared_ptr<const ShardView> view);
  void add_gauges();
  std::shared_ptr<EventSnapshot> snapshot() const;
};

// What stands in the way of writing the file that is there: XX001 damage, 0A000 another version.
// `probe` stays open until the writer has the file, so that its WAL is recovered once.
static Status check_active(const std::string& path, sqlite::Connection& probe) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return {};
  ASSIGN_OR_RETURN(probe, sqlite::Connection::open(path, {.mode = sqlite::OpenMode::kReadOnly}));
  ASSIGN_OR_RETURN(const bool empty, event_schema::is_empty(probe));
  return empty ? Status() : event_schema::check(probe);
}

Status ShardSet::Impl::open_shard(uint32_t index) {
  ShardOptions shard{.path = options.directory + "/" + shard_files::name(index),
                     .index = index,
                     .page_size_bytes = options.page_size_bytes,
                     .wal_size_limit_bytes = options.wal_size_limit_bytes,
                     .commit_latch = &latch,
                     .close_readers = [this](const ShardFile& file) { pool->close_idle(file); },
                     .take_over = [this](auto file, auto view) { take_over(file, view); }};
  for (int attempt = 0;; ++attempt) {
    sqlite::Connection probe;
    Status status = check_active(shard.path, probe);
    if (status.ok()) {
      auto opened = Shard::open(shard);
      if (opened.ok()) {
        shards.push_back(std::move(*opened));
        return {};
      }
      status = std::move(opened).take_status();
    }
    probe = {};
    const bool corrupt = status.error().code == sqlstate::kDataCorrupted;
    const bool unknown = status.error().code == sqlstate::kFeatureNotSupported;
    if ((!corrupt && !unknown) || attempt > 0) return status;
    shard.carried = read_carried_over(shard.path);
    ASSIGN_OR_RETURN(const std::string aside,
                     shard_files::set_aside(shard.path, corrupt ? shard_files::kCorrupt
                                                                : shard_files::kUnknownVersion));
    log::error(fmt::format("\"{}\" cannot be written and was set aside as \"{}\": {}", shard.path,
                           aside, status.error().message));
    quarantined.push_back({.index = index, .path = aside, .reason = status.error().message});
  }
}

std::vector<std::string> ShardSet::Impl::active_names() const {
  std::vector<std::string> names;
  for (uint32_t i = 0; i < options.shard_count; ++i) names.push_back(shard_files::name(i));
  return names;
}

void ShardSet::Impl::take_over(std::shared_ptr<ShardFile> file,
                               std::shared_ptr<const ShardView> view) {
  auto files = *historical;
  // A rescan() may have met it between its renaming and now.
  std::erase_if(files, [&](const ShardSnapshot& known) { return known.file->path() == file->path(); });
  files.push_back({std::move(file), std::move(view)});
  historical = std::make_shared<const std::vector<ShardSnapshot>>(std::move(files));
}

void ShardSet::Impl::add_gauges() {
  for (const auto& shard : shards) {
    const std::string name = fmt::format("storage.shard.{}.", shard->index());
    gauges.push_back(stats().add_gauge(name + "committed_rows", [s = shard.get()] {
      return static_cast<double>(s->committed_rows());
    }));
    gauges.push_back(stats().add_gauge(name + "wal_bytes", [s = shard.get()] {
      return static_cast<double>(s->wal_bytes());
    }));
  }
  gauges.push_back(stats().add_gauge("storage.read_connections", [p = pool] {
    return static_cast<double>(p->open_connections());
  }));
  gauges.push_back(stats().add_gauge("storage.historical_files", [this] {
    std::lock_guard lock(latch);
    return static_cast<double>(historical->size());
  }));
}

std::shared_ptr<EventSnapshot> ShardSet::Impl::snapshot() const {
  auto snapshot = std::make_shared<EventSnapshot>();
  snapshot->taken_ns = Clock::system().monotonic_ns();
  snapshot->active.reserve(shards.size());
  std::lock_guard lock(latch);
  snapshot->historical = historical;
  for (const auto& shard : shards) {
    snapshot->active.push_back({shard->file(), shard->file()->view()});
  }
  return snapshot;
}

ShardSet::ShardSet(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ShardSet::~ShardSet() = default;

Result<std::unique_ptr<ShardSet>> ShardSet::open(const ShardSetOptions& options) {
  if (options.shard_count == 0 || options.shard_count > kShardsMax) {
    return Status(sqlstate::kInvalidParameterValue,
                  fmt::format("shard count {} is outside 1 .. {}", options.shard_count, kShardsMax));
  }
  std::error_code error;
  std::filesystem::create_directories(options.directory, error);
  if (error) {
    return Status(sqlstate::kIoError, fmt::format("could not create directory \"{}\": {}",
                                                  options.directory, error.message()));
  }
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  impl->pool = std::make_shared<ReadPool>(options.max_open_shards, options.statement_pool_size);
  RETURN_IF_ERROR(shard_files::finish(options.directory));
  for (uint32_t i = 0; i < options.shard_count; ++i) RETURN_IF_ERROR(impl->open_shard(i));
  ASSIGN_OR_RETURN(const auto paths, list_historical(options.directory, impl->active_names()));
  std::vector<ShardSnapshot> historical;
  for (HistoricalFile& file : load_historical(paths)) {
    historical.push_back(std::move(file.shard));
    impl->historical_receipts.insert(impl->historical_receipts.end(), file.receipts.begin(),
                                     file.receipts.end());
  }
  impl->historical = std::make_shared<const std::vector<ShardSnapshot>>(std::move(historical));
  impl->add_gauges();
  impl->relation = std::make_unique<EventRelation>(
      impl->pool, [state = impl.get()] { return state->snapshot(); });
  return std::unique_ptr<ShardSet>(new ShardSet(std::move(impl)));
}

uint32_t ShardSet::shard_count() const { return static_cast<uint32_t>(impl_->shards.size()); }
Shard& ShardSet::shard(uint32_t i) { return *impl_->shards[i]; }

std::shared_ptr<const Snapshot> ShardSet::snapshot(
    std::shared_ptr<const PendingEvents> pending) const {
  auto snapshot = impl_->snapshot();
  snapshot->pending = std::move(pending);
  return snapshot;
}

std::shared_ptr<const Snapshot> ShardSet::with_pending(const std::shared_ptr<const Snapshot>& snapshot,
                                                       std::shared_ptr<const PendingEvents> pending) {
  const auto* committed = dynamic_cast<const EventSnapshot*>(snapshot.get());
  if (committed == nullptr || pending == nullptr) return snapshot;
  auto both = std::make_shared<EventSnapshot>(*committed);
  both->pending = std::move(pending);
  return both;
}

const std::vector<ReceiptRange>& ShardSet::historical_receipts() const {
  return impl_->historical_receipts;
}

const std::vector<QuarantinedShard>& ShardSet::quarantined_at_start() const {
  return impl_->quarantined;
}

void ShardSet::set_limits(uint32_t max_open_shards, int64_t wal_size_limit_bytes) {
  impl_->pool->set_open_max(max_open_shards);
  for (const auto& shard : impl_->shards) shard->set_wal_size_limit(wal_size_limit_bytes);
}

Status ShardSet::visit_rows(const std::shared_ptr<ShardFile>& file, uint32_t number,
                            int64_t first_rowid, int64_t last_rowid, const RowVisitor& visit) const {
  ASSIGN_OR_RETURN(const auto slice, ReadSlice::open(*impl_->pool, file, nullptr));
  ScanCounters counters;
  ASSIGN_OR_RETURN(const auto lease,
                   StatementLease::open(slice->connection(),
                                        fmt::format("SELECT event_type,timestamp,payload FROM {} NOT "
                                                    "INDEXED WHERE id>=?1 AND id<=?2",
                                                    event_schema::tail_table(number)),
                                        counters));
  sqlite3_stmt* row = lease.raw();
  sqlite3_bind_int64(row, 1, first_rowid);
  sqlite3_bind_int64(row, 2, last_rowid);
  int rc = SQLITE_ROW;
  while ((rc = sqlite3_step(row)) == SQLITE_ROW) {
    const auto bytes = [&](int column, const void* data) {
      return ByteSpan(static_cast<const uint8_t*>(data),
                      static_cast<size_t>(sqlite3_column_bytes(row, column)));
    };
    const void* type = sqlite3_column_text(row, 0);
    const void* payload = sqlite3_column_blob(row, 2);
    visit(as_text(bytes(0, type)), sqlite3_column_int64(row, 1), bytes(2, payload));
  }
  if (rc == SQLITE_DONE) return {};
  Status status = slice->connection().read_error();
  if (status.error().code == sqlstate::kDataCorrupted) return {};
  return status;
}

Result<int64_t> ShardSet::used_bytes(const std::shared_ptr<ShardFile>& file) const {
  ASSIGN_OR_RETURN(const auto slice, ReadSlice::open(*impl_->pool, file, nullptr));
  ScanCounters counters;
  const auto pragma = [&](const char* sql) -> Result<int64_t> {
    ASSIGN_OR_RETURN(const auto statement, StatementLease::open(slice->connection(), sql, counters));
    if (sqlite3_step(statement.raw()) != SQLITE_ROW) return slice->connection().read_error();
    return sqlite3_column_int64(statement.raw(), 0);
  };
  ASSIGN_OR_RETURN(const int64_t pages, pragma("PRAGMA page_count"));
  ASSIGN_OR_RETURN(const int64_t free_pages, pragma("PRAGMA freelist_count"));
  ASSIGN_OR_RETURN(const int64_t page_bytes, pragma("PRAGMA page_size"));
  return (pages - free_pages) * page_bytes;
}

Result<uint64_t> ShardSet::expire_historical(const std::shared_ptr<ShardFile>& file,
                                             int64_t before_ns, const std::atomic<bool>& stop) {
  if (!file->may_write()) return uint64_t{0};
  std::shared_ptr<const ShardView> view;
  const auto entry_of = [&](auto& files) {
    return std::find_if(files.begin(), files.end(),
                        [&](const ShardSnapshot& shard) { return shard.file == file; });
  };
  {
    std::lock_guard lock(impl_->latch);
    const auto entry = entry_of(*impl_->historical);
    if (entry == impl_->historical->end()) return uint64_t{0};
    view = entry->view;
  }
  return expire_historical_file(*file, *view, before_ns, stop, [&](const ShardView& now) {
    auto shown = std::make_shared<const ShardView>(now);
    std::lock_guard lock(impl_->latch);
    auto files = *impl_->historical;
    if (const auto entry = entry_of(files); entry != files.end()) entry->view = std::move(shown);
    impl_->historical = std::make_shared<const std::vector<ShardSnapshot>>(std::move(files));
  });
}

void ShardSet::close_idle_connections(int64_t idle_ns) { impl_->pool->close_idle(idle_ns); }

Status ShardSet::rescan() {
  std::lock_guard one(impl_->rescan_mutex);
  const std::string& directory = impl_->options.directory;
  ASSIGN_OR_RETURN(const auto paths, list_historical(directory, impl_->active_names()));
  std::vector<ShardSnapshot> known;
  {
    std::lock_guard lock(impl_->latch);
    known = *impl_->historical;
  }
  std::vector<std::string> added;
  for (const std::string& path : paths) {
    const bool is_known = std::any_of(known.begin(), known.end(), [&](const ShardSnapshot& shard) {
      return shard.file->path() == path;
    });
    if (!is_known) added.push_back(path);
  }
  std::vector<HistoricalFile> loaded = load_historical(added);
  std::lock_guard lock(impl_->latch);
  // Anew: a shard may have been set aside, or rows been deleted, meanwhile.
  std::vector<ShardSnapshot> files = *impl_->historical;
  std::erase_if(files, [&](const ShardSnapshot& shard) {
    std::error_code error;
    return !std::filesystem::exists(shard.file->path(), error) && !error;
  });
  for (HistoricalFile& file : loaded) {
    const bool is_known = std::any_of(files.begin(), files.end(), [&](const ShardSnapshot& shard) {
      return shard.file->path() == file.shard.file->path();
    });
    if (!is_known) files.push_back(std::move(file.shard));
  }
  impl_->historical = std::make_shared<const std::vector<ShardSnapshot>>(std::move(files));
  return {};
}

const Relation& ShardSet::events_relation() const { return *impl_->relation; }

}  // namespace eventd::engine
