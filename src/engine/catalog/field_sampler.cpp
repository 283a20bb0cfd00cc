#include "engine/catalog/field_sampler.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "engine/stats/registry.h"
#include "engine/storage/event_snapshot.h"
#include "log.h"

namespace eventd::engine {
namespace {

constexpr std::chrono::milliseconds kSampleInterval{1000};
// Counts alone are not worth more writing.
constexpr std::chrono::seconds kSaveInterval{30};
// Of one tail in one round: all rows up to this many, else so many blocks of them.
constexpr int64_t kSampleRowsMax = 16'384;
constexpr int64_t kSampleBlockRows = 256;
constexpr int64_t kSampleBlocks = kSampleRowsMax / kSampleBlockRows;
constexpr int64_t kSliceRows = 2048;

std::string file_name(const ShardFile& file) {
  return std::filesystem::path(file.opened_path()).filename().string();
}

int64_t last_ids(const EventSnapshot& snapshot) {
  int64_t sum = 0;
  for (const ShardSnapshot& shard : snapshot.active) sum += shard.view->last_id;
  if (snapshot.historical) {
    for (const ShardSnapshot& shard : *snapshot.historical) sum += shard.view->last_id;
  }
  return sum;
}

}  // namespace

struct FieldSampler::Impl {
  Impl(const ShardSet& shard_set, FieldCatalog& field_catalog)
      : shards(shard_set), catalog(field_catalog), progress(field_catalog.progress()) {}

  void run();
  void round();
  void save();
  Status sample(const ShardSnapshot& shard);
  Status sample_tail(const ShardSnapshot& shard, const TailInfo& tail, int64_t first, int64_t last);
  Status read(const ShardSnapshot& shard, const TailInfo& tail, int64_t first, int64_t last);
  std::shared_ptr<const EventSnapshot> snapshot() const {
    return std::dynamic_pointer_cast<const EventSnapshot>(shards.snapshot());
  }

  const ShardSet& shards;
  FieldCatalog& catalog;
  Counter& rows_sampled = stats().counter("catalog.rows_sampled");
  std::atomic<int64_t> ids_sampled{0};  // sum over the files there are
  std::vector<std::unique_ptr<StatsRegistry::Gauge>> gauges;

  // The thread's own.
  SampleProgress progress;
  bool unsaved = false;
  std::chrono::steady_clock::time_point saved_at = std::chrono::steady_clock::now();

  std::atomic<bool> stopping{false};
  std::mutex mutex;
  std::condition_variable wake;
  std::thread thread;
};

void FieldSampler::Impl::run() {
  while (!stopping.load(std::memory_order_relaxed)) {
    round();
    std::unique_lock lock(mutex);
    wake.wait_for(lock, kSampleInterval, [this] { return stopping.load(std::memory_order_relaxed); });
  }
  if (unsaved) save();
}

void FieldSampler::Impl::round() {
  const auto seen = snapshot();
  if (seen == nullptr || last_ids(*seen) == ids_sampled.load(std::memory_order_relaxed)) return;
  const auto each = [&](const std::vector<ShardSnapshot>& files) {
    for (const ShardSnapshot& shard : files) {
      if (stopping.load(std::memory_order_relaxed)) return;
      if (Status status = sample(shard); !status.ok()) {
        log::warning("the field catalog does not know all of \"" + shard.file->path() +
                     "\": " + status.error().message);
      }
    }
  };
  each(seen->active);
  if (seen->historical) each(*seen->historical);
  if (stopping.load(std::memory_order_relaxed)) return;
  const bool grown = catalog.publish();
  ids_sampled.store(last_ids(*seen), std::memory_order_relaxed);
  unsaved = true;
  if (grown || std::chrono::steady_clock::now() - saved_at >= kSaveInterval) save();
}

void FieldSampler::Impl::save() {
  saved_at = std::chrono::steady_clock::now();
  if (Status status = catalog.save(progress); !status.ok()) {
    log::warning("the field catalog is not saved: " + status.error().message);
    return;
  }
  unsaved = false;
}

// What was skipped after a failure is not tried again: it would fail every second.
Status FieldSampler::Impl::sample(const ShardSnapshot& shard) {
  int64_t& done = progress[file_name(*shard.file)];
  // A fresh file has taken the name of one that was set aside.
  if (done > shard.view->last_id) done = 0;
  const int64_t after = std::exchange(done, shard.view->last_id);
  if (after == shard.view->last_id) return {};
  Status outcome;
  for (const TailInfo& tail : shard.view->tails) {
    const int64_t first = std::max(tail.first_rowid, after - tail.id_base + 1);
    if (tail.damaged || first > tail.last_rowid) continue;
    Status status = sample_tail(shard, tail, first, tail.last_rowid);
    if (outcome.ok()) outcome = std::move(status);
  }
  return outcome;
}

Status FieldSampler::Impl::sample_tail(const ShardSnapshot& shard, const TailInfo& tail, int64_t first,
                                       int64_t last) {
  const int64_t count = last - first + 1;
  if (count <= kSampleRowsMax) {
    for (int64_t at = first; at <= last; at += kSliceRows) {
      RETURN_IF_ERROR(read(shard, tail, at, std::min(at + kSliceRows - 1, last)));
    }
    return {};
  }
  for (int64_t block = 0; block < kSampleBlocks; ++block) {
    const int64_t at = first + static_cast<int64_t>(static_cast<double>(count - kSampleBlockRows) *
                                                    static_cast<double>(block) /
                                                    static_cast<double>(kSampleBlocks - 1));
    RETURN_IF_ERROR(read(shard, tail, at, std::min(at + kSampleBlockRows - 1, last)));
  }
  return {};
}

Status FieldSampler::Impl::read(const ShardSnapshot& shard, const TailInfo& tail, int64_t first,
                                int64_t last) {
  if (stopping.load(std::memory_order_relaxed)) return {};
  uint64_t rows = 0;
  Status status = shards.visit_rows(shard.file, tail.number, first, last,
                                    [&](std::string_view type, int64_t timestamp_ns, ByteSpan payload) {
                                      catalog.learn(type, timestamp_ns, payload);
                                      ++rows;
                                    });
  rows_sampled.add(rows);
  return status;
}

FieldSampler::FieldSampler(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FieldSampler::~FieldSampler() { stop(); }

Result<std::unique_ptr<FieldSampler>> FieldSampler::start(const ShardSet& shards, FieldCatalog& catalog) {
  (void)stats().counter("catalog.values_not_fitting");  // there from the start: payload_values.cpp
  auto impl = std::make_unique<Impl>(shards, catalog);
  Impl* state = impl.get();
  state->gauges.push_back(stats().add_gauge("catalog.rows_behind", [state] {
    const auto seen = state->snapshot();
    const int64_t behind =
        seen == nullptr ? 0 : last_ids(*seen) - state->ids_sampled.load(std::memory_order_relaxed);
    return static_cast<double>(std::max<int64_t>(behind, 0));
  }));
  state->gauges.push_back(stats().add_gauge("catalog.generation", [state] {
    return static_cast<double>(state->catalog.snapshot()->generation());
  }));
  state->thread = std::thread([state] { state->run(); });
  return std::unique_ptr<FieldSampler>(new FieldSampler(std::move(impl)));
}

void FieldSampler::stop() {
  if (!impl_->thread.joinable()) return;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping.store(true, std::memory_order_relaxed);
  }
  impl_->wake.notify_all();
  impl_->thread.join();
  impl_->gauges.clear();
}

}  // namespace eventd::engine
