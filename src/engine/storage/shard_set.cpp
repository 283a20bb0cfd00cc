#include "engine/storage/shard_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "engine/limits.h"
#include "engine/stats/registry.h"
#include "engine/storage/event_relation.h"
#include "engine/storage/event_schema.h"
#include "engine/storage/event_snapshot.h"
#include "engine/storage/read_pool.h"
#include "engine/storage/receipts.h"
#include "log.h"

namespace eventd::engine {
namespace {

std::string shard_name(uint32_t index) { return fmt::format("shard-{:04}.db", index); }

// A file of an older shard count or an archive. Null when it holds no events or can't be read.
std::shared_ptr<ShardFile> open_historical(const std::string& path) {
  auto connection = sqlite::Connection::open(path, {.mode = sqlite::OpenMode::kReadOnly});
  if (!connection.ok()) {
    log::error(connection.error().message);
    return nullptr;
  }
  auto tails = connection->query_int64(
      "SELECT count(*) FROM sqlite_schema WHERE type='table' AND name IN('tails','events_0')");
  if (!tails.ok()) {
    log::error(fmt::format("\"{}\": {}", path, tails.error().message));
    return nullptr;
  }
  if (*tails != 2) return nullptr;  // some other database
  if (Status status = event_schema::check(*connection); !status.ok()) {
    log::error(fmt::format("\"{}\": {}; reading what is readable", path, status.error().message));
  }
  auto view = event_schema::load_view(*connection);
  if (!view.ok()) {
    log::error(fmt::format("\"{}\" is not readable: {}", path, view.error().message));
    return nullptr;
  }
  auto file = std::make_shared<ShardFile>(path, ShardFile::kHistorical);
  file->set_view(std::make_shared<const ShardView>(std::move(*view)));
  return file;
}

}  // namespace

struct ShardSet::Impl {
  mutable CommitLatch latch;
  std::vector<std::unique_ptr<Shard>> shards;
  std::vector<std::unique_ptr<StatsRegistry::Gauge>> gauges;  // of the shards; gone before them
  std::shared_ptr<const std::vector<ShardSnapshot>> historical;
  std::shared_ptr<ReadPool> pool;
  std::unique_ptr<EventRelation> relation;

  void add_gauges() {
    for (const auto& shard : shards) {
      const std::string name = fmt::format("storage.shard.{}.", shard->index());
      gauges.push_back(stats().add_gauge(name + "committed_rows", [s = shard.get()] {
        return static_cast<double>(s->committed_rows());
      }));
      gauges.push_back(stats().add_gauge(name + "wal_bytes", [s = shard.get()] {
        return static_cast<double>(s->wal_bytes());
      }));
    }
    gauges.push_back(stats().add_gauge("storage.read_connections_idle", [p = pool] {
      return static_cast<double>(p->idle());
    }));
  }

  std::shared_ptr<EventSnapshot> snapshot() const {
    auto snapshot = std::make_shared<EventSnapshot>();
    snapshot->historical = historical;
    snapshot->active.reserve(shards.size());
    std::lock_guard lock(latch);
    for (const auto& shard : shards) {
      snapshot->active.push_back({shard->file(), shard->file()->view()});
    }
    return snapshot;
  }
};

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
  for (uint32_t i = 0; i < options.shard_count; ++i) {
    ASSIGN_OR_RETURN(auto shard,
                     Shard::open({.path = options.directory + "/" + shard_name(i),
                                  .index = i,
                                  .page_size_bytes = options.page_size_bytes,
                                  .wal_size_limit_bytes = options.wal_size_limit_bytes,
                                  .commit_latch = &impl->latch}));
    impl->shards.push_back(std::move(shard));
  }
  std::vector<std::string> others;
  for (const auto& entry : std::filesystem::directory_iterator(options.directory, error)) {
    const std::string path = entry.path().string();
    const std::string name = entry.path().filename().string();
    const bool active = std::any_of(
        impl->shards.begin(), impl->shards.end(),
        [&](const auto& shard) { return name == shard_name(shard->index()); });
    if (!active && entry.path().extension() == ".db") others.push_back(path);
  }
  if (error) {
    return Status(sqlstate::kIoError, fmt::format("could not read directory \"{}\": {}",
                                                  options.directory, error.message()));
  }
  std::sort(others.begin(), others.end());
  std::vector<ShardSnapshot> historical;
  for (const std::string& path : others) {
    if (auto file = open_historical(path)) historical.push_back({file, file->view()});
  }
  impl->historical = std::make_shared<const std::vector<ShardSnapshot>>(std::move(historical));
  impl->pool = std::make_shared<ReadPool>(options.max_open_shards, options.statement_pool_size);
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

std::vector<ReceiptRange> ShardSet::historical_receipts() const {
  std::vector<ReceiptRange> ranges;
  for (const ShardSnapshot& shard : *impl_->historical) {
    const std::string& path = shard.file->path();
    auto connection = sqlite::Connection::open(path, {.mode = sqlite::OpenMode::kReadOnly});
    Status status;
    if (connection.ok()) {
      auto of_file = read_receipts(*connection);
      if (of_file.ok()) {
        ranges.insert(ranges.end(), of_file->begin(), of_file->end());
      } else {
        status = std::move(of_file).take_status();
      }
    } else {
      status = std::move(connection).take_status();
    }
    if (!status.ok()) log::error(fmt::format("\"{}\": {}", path, status.error().message));
  }
  return ranges;
}

const Relation& ShardSet::events_relation() const { return *impl_->relation; }

}  // namespace eventd::engine
