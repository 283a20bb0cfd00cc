#include "engine/maintenance/retention.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "engine/ingest/maintenance_task.h"
#include "engine/maintenance/retention_plan.h"
#include "engine/stats/registry.h"
#include "engine/storage/event_snapshot.h"
#include "log.h"

namespace eventd::engine {
namespace {

constexpr std::chrono::seconds kFirstCheck{5};
// Not again before, however often it is asked for: a full disk asks with every failing commit.
constexpr std::chrono::seconds kChecksApart{1};
constexpr std::chrono::seconds kIdleSweep{30};
constexpr int64_t kIdleConnectionNs = 60'000'000'000;
// Estimates and measurements in turn; each deletes more.
constexpr int kSizeRoundsMax = 32;

/// What the tasks of one check have done so far, and whether they should go on.
struct Expiry {
  explicit Expiry(int64_t before) : before_ns(before) {}
  const int64_t before_ns;
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> rows{0};

  std::mutex mutex;
  std::condition_variable changed;
  uint32_t running = 0;  // GUARDED_BY(mutex)
};

/// One active shard's part, on its writer's thread.
class ExpiryTask final : public MaintenanceTask {
 public:
  ExpiryTask(std::shared_ptr<Expiry> expiry, uint32_t shard)
      : expiry_(std::move(expiry)), shard_(shard) {}

  Result<Progress> step(Shard& shard, const std::atomic<bool>& rows_wait) override {
    const int64_t until_ns = Clock::system().monotonic_ns() + kMaintenanceStepNs / 2;
    do {
      if (expiry_->stop.load(std::memory_order_relaxed)) return Progress::kFinished;
      ASSIGN_OR_RETURN(const ExpiryStep did, shard.expire(expiry_->before_ns));
      expiry_->rows.fetch_add(did.rows, std::memory_order_relaxed);
      if (!did.more) return Progress::kFinished;
    } while (!rows_wait.load(std::memory_order_relaxed) &&
             Clock::system().monotonic_ns() < until_ns);
    return Progress::kMore;
  }

  void ended(Status status) override {
    if (!status.ok() && status.error().code != sqlstate::kAdminShutdown) {
      static Counter& failures = stats().counter("retention.failures");
      failures.add();
      log::warning("retention of shard " + std::to_string(shard_) + ": " + status.error().message);
    }
    std::lock_guard lock(expiry_->mutex);
    --expiry_->running;
    expiry_->changed.notify_all();
  }

 private:
  const std::shared_ptr<Expiry> expiry_;
  const uint32_t shard_;
};

}  // namespace

struct Retention::Impl {
  Impl(ShardSet& shard_set, EventIngest& event_ingest, const RetentionOptions& retention_options)
      : shards(shard_set), ingest(event_ingest), options(retention_options) {}

  void run();
  void check(const RetentionOptions& now);
  /// Rows older than `before_ns`, everywhere. Returns how many.
  uint64_t expire(int64_t before_ns);
  uint64_t expire_historical(int64_t before_ns);
  void shrink(int64_t max_bytes, uint64_t& rows);
  RetentionPlan plan();
  bool stopping() const { return stop_historical.load(std::memory_order_relaxed); }

  ShardSet& shards;
  EventIngest& ingest;
  Counter& checks = stats().counter("retention.checks");
  Counter& rows_deleted = stats().counter("retention.events_deleted");
  Counter& failures = stats().counter("retention.failures");

  std::atomic<bool> stop_historical{false};
  std::mutex mutex;
  std::condition_variable wake;
  // GUARDED_BY(mutex)
  RetentionOptions options;
  bool requested = false;
  bool stopped = false;
  std::shared_ptr<Expiry> running;  // of the active shards, to be stopped early

  std::thread thread;
};

void Retention::Impl::run() {
  using Clock = std::chrono::steady_clock;
  const auto interval = [this] { return std::chrono::nanoseconds(options.check_interval_ns); };
  std::unique_lock lock(mutex);
  auto next_check = Clock::now() + std::min<std::chrono::nanoseconds>(kFirstCheck, interval());
  auto earliest_check = Clock::now();
  auto last_check = Clock::now();
  while (!stopped) {
    const auto now = Clock::now();
    const auto due = requested ? earliest_check : std::min(next_check, last_check + interval());
    if (now < due) {
      const bool asked = requested;
      wake.wait_until(lock, std::min(due, now + kIdleSweep),
                      [&] { return stopped || requested != asked; });
      if (stopped) return;
      lock.unlock();
      shards.close_idle_connections(kIdleConnectionNs);
      lock.lock();
      continue;
    }
    requested = false;
    const RetentionOptions current = options;
    lock.unlock();
    check(current);
    lock.lock();
    last_check = Clock::now();
    next_check = last_check + interval();
    earliest_check = last_check + kChecksApart;
  }
}

void Retention::Impl::check(const RetentionOptions& now) {
  const int64_t now_ns = now.clock->realtime_ns();
  uint64_t rows = expire(now_ns - std::min(now.event_retention_ns, now_ns));
  if (now.event_retention_max_bytes > 0 && !stopping()) {
    shrink(now.event_retention_max_bytes, rows);
  }
  checks.add();
  rows_deleted.add(rows);
  if (rows > 0) log::info("retention deleted " + std::to_string(rows) + " events");
}

uint64_t Retention::Impl::expire(int64_t before_ns) {
  auto expiry = std::make_shared<Expiry>(before_ns);
  const uint32_t count = shards.shard_count();
  expiry->running = count;
  {
    std::lock_guard lock(mutex);
    if (stopped) return 0;
    running = expiry;
  }
  for (uint32_t i = 0; i < count; ++i) {
    ingest.post_maintenance(i, std::make_shared<ExpiryTask>(expiry, i));
  }
  const uint64_t historical = expire_historical(before_ns);
  {
    std::unique_lock lock(expiry->mutex);
    expiry->changed.wait(lock, [&] { return expiry->running == 0; });
  }
  std::lock_guard lock(mutex);
  running.reset();
  return historical + expiry->rows.load();
}

uint64_t Retention::Impl::expire_historical(int64_t before_ns) {
  const auto snapshot = std::static_pointer_cast<const EventSnapshot>(shards.snapshot());
  uint64_t rows = 0;
  for (const ShardSnapshot& shard : *snapshot->historical) {
    if (stopping()) break;
    const bool expired = std::any_of(
        shard.view->tails.begin(), shard.view->tails.end(), [&](const TailInfo& tail) {
          return tail.row_count > 0 && tail.timestamp_min_ns < before_ns;
        });
    if (!expired) continue;
    auto deleted = shards.expire_historical(shard.file, before_ns, stop_historical);
    if (deleted.ok()) {
      rows += *deleted;
    } else {
      failures.add();
      log::warning("retention: " + deleted.error().message);
    }
  }
  return rows;
}

RetentionPlan Retention::Impl::plan() {
  const auto snapshot = std::static_pointer_cast<const EventSnapshot>(shards.snapshot());
  RetentionPlan plan;
  const auto add = [&](const ShardSnapshot& shard) {
    if (stopping()) return;
    const auto bytes = shards.used_bytes(shard.file);
    if (bytes.ok()) {
      plan.add(*bytes, shard.view->tails, shard.file->may_write());
    } else {
      log::warning("retention: " + bytes.error().message);
    }
  };
  for (const ShardSnapshot& shard : snapshot->active) add(shard);
  for (const ShardSnapshot& shard : *snapshot->historical) add(shard);
  return plan;
}

void Retention::Impl::shrink(int64_t max_bytes, uint64_t& rows) {
  for (int round = 0; round < kSizeRoundsMax && !stopping(); ++round) {
    const RetentionPlan plan = this->plan();
    if (plan.used_bytes() <= max_bytes) return;
    const auto before_ns = plan.cutoff(plan.used_bytes() - max_bytes);
    if (!before_ns) return;  // no row is left to delete
    const uint64_t deleted = expire(*before_ns);
    rows += deleted;
    if (deleted == 0) return;
  }
}

Retention::Retention(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Retention::~Retention() { stop(); }

Result<std::unique_ptr<Retention>> Retention::start(ShardSet& shards, EventIngest& ingest,
                                                    const RetentionOptions& options) {
  auto impl = std::make_unique<Impl>(shards, ingest, options);
  try {
    impl->thread = std::thread([state = impl.get()] { state->run(); });
  } catch (const std::system_error& error) {
    return Status(sqlstate::kSystemError,
                  std::string("could not start the retention thread: ") + error.what());
  }
  return std::unique_ptr<Retention>(new Retention(std::move(impl)));
}

void Retention::set_options(const RetentionOptions& options) {
  std::lock_guard lock(impl_->mutex);
  const Clock* clock = impl_->options.clock;
  impl_->options = options;
  impl_->options.clock = clock;
  impl_->requested = true;
  impl_->wake.notify_all();
}

void Retention::run_now() {
  std::lock_guard lock(impl_->mutex);
  impl_->requested = true;
  impl_->wake.notify_all();
}

void Retention::stop() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->stopped = true;
    impl_->stop_historical.store(true);
    if (impl_->running) impl_->running->stop.store(true);
    impl_->wake.notify_all();
  }
  if (impl_->thread.joinable()) impl_->thread.join();
}

}  // namespace eventd::engine
