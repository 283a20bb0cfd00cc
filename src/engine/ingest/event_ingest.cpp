#include "engine/ingest/event_ingest.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "engine/ingest/batch_writer.h"
#include "engine/ingest/boot.h"
#include "engine/ingest/drain_thread.h"
#include "engine/ingest/handoff.h"
#include "engine/ingest/resume.h"
#include "engine/ingest/ring_progress.h"
#include "engine/ingest/sql_rows.h"
#include "engine/ingest/stored_receipts.h"
#include "engine/ingest/synthetic.h"
#include "engine/stats/registry.h"
#include "log.h"

namespace eventd::engine {

struct EventIngest::Impl {
  Impl(ShardSet& shard_set, kmes::UserRings& user_rings, const EventIngestOptions& ingest_options)
      : shards(shard_set), rings(user_rings), options(ingest_options) {}
  ~Impl() { stop(false); }

  Status start();
  /// Covered by earlier runs of this boot.
  uint64_t last_sequence(uint32_t cpu) const;
  /// Sequences up to it are covered, whatever is missing above it.
  uint64_t covered_prefix(uint32_t cpu) const;
  void make_progress();
  Status make_writers();
  void make_drains();
  /// Waits until every writer has committed what was posted to it. False if one could not.
  bool flush();
  /// False when something could not be committed.
  bool stop(bool announce);
  void post_synthetic(std::string_view type, std::string payload,
                      std::vector<ReceiptRange> receipts = {});
  /// To a healthy shard, the failed one itself last and only if it is `healthy` again.
  void report_storage_error(uint32_t shard, const Error& error, bool healthy);
  size_t least_busy_shard(std::shared_ptr<void>& busy);

  // Constant after start().
  ShardSet& shards;
  kmes::UserRings& rings;
  EventIngestOptions options;
  Resume resume;
  Coverage covered;  // at the start, all shards; empty in user mode
  // In this order, so that what is used goes last.
  std::vector<std::unique_ptr<RingProgress>> progress;  // by ring
  std::vector<std::unique_ptr<Handoff>> handoffs;
  std::vector<std::unique_ptr<BatchWriter>> writers;
  std::vector<std::unique_ptr<DrainThread>> drains;
  std::vector<std::unique_ptr<StatsRegistry::Gauge>> gauges;
  std::vector<std::shared_ptr<std::atomic<uint32_t>>> bulk_transactions;  // by shard

  std::mutex stop_mutex;
  bool stopped = false;       // GUARDED_BY(stop_mutex)
  bool all_committed = true;  // GUARDED_BY(stop_mutex)
};

EventIngest::EventIngest(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EventIngest::~EventIngest() { stop(); }

Result<std::unique_ptr<EventIngest>> EventIngest::start(ShardSet& shards, kmes::UserRings& rings,
                                                        const EventIngestOptions& options) {
  auto impl = std::make_unique<Impl>(shards, rings, options);
  RETURN_IF_ERROR(impl->start());
  return std::unique_ptr<EventIngest>(new EventIngest(std::move(impl)));
}

Status EventIngest::Impl::start() {
  if (options.boot_id.is_zero()) {
    ASSIGN_OR_RETURN(options.boot_id, read_boot_id());
  }
  ASSIGN_OR_RETURN(const auto receipts, read_stored_receipts(shards));
  resume = plan_resume(receipts, options.boot_id, options.epoch);
  if (!options.epoch.is_zero()) {
    covered = covered_by(receipts, resume.boot_id, options.epoch);
    // Their drain threads find out what is missing.
    for (uint16_t cpu = 0; cpu < rings.ring_count(); ++cpu) resume.holes.remove(cpu, 1, UINT64_MAX);
  }
  options.boot_id = resume.boot_id;
  // Rings that outlive the server know their sequences.
  for (uint16_t cpu = 0; options.epoch.is_zero() && cpu < rings.ring_count(); ++cpu) {
    if (const uint64_t last = last_sequence(cpu)) rings.resume_sequence(cpu, last);
  }
  make_progress();
  RETURN_IF_ERROR(make_writers());
  make_drains();
  for (auto& writer : writers) writer->start();
  for (auto& drain : drains) drain->start();
  for (auto& drain : drains) {
    while (!drain->caught_up()) std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  std::vector<ReceiptRange> startup_receipts = resume.startup_receipts;
  // Receipts of SQL rows may have been told by the rows alone (storage/receipts.h): rows to come would
  // hide those.
  for (const Coverage::Range& range : covered_by(receipts, options.boot_id, options.epoch).ranges()) {
    if (range.cpu_id < kSqlCpuIdBase || range.cpu_id == kRunCpuId) continue;
    startup_receipts.push_back({.boot_id = options.boot_id,
                                .epoch = {},
                                .cpu_id = range.cpu_id,
                                .first = range.first,
                                .last = range.last});
  }
  post_synthetic(synthetic::kStartup,
                 synthetic::startup_payload(options.boot_id, resume.restart, resume.clean,
                                            shards.shard_count(), resume.last),
                 std::move(startup_receipts));
  if (!flush()) {
    stop(false);
    return {sqlstate::kIoError, "the event shards could not be written; see the log"};
  }
  return {};
}

uint64_t EventIngest::Impl::last_sequence(uint32_t cpu) const {
  const auto last = resume.last.find(static_cast<uint16_t>(cpu));
  return last == resume.last.end() ? 0 : last->second;
}

uint64_t EventIngest::Impl::covered_prefix(uint32_t cpu) const {
  if (options.epoch.is_zero()) return last_sequence(cpu);
  for (const Coverage::Range& range : covered.ranges()) {
    if (range.cpu_id == cpu && range.first == 1) return range.last;
  }
  return 0;
}

void EventIngest::Impl::make_progress() {
  for (uint16_t cpu = 0; cpu < rings.ring_count(); ++cpu) {
    progress.push_back(nullptr);
    if (cpu + uint32_t{rings.ring_count()} >= shards.shard_count()) continue;  // one shard
    progress.back() = std::make_unique<RingProgress>(cpu, covered_prefix(cpu));
    for (const Coverage::Range& hole : resume.holes.ranges()) {
      if (hole.cpu_id == cpu) progress.back()->assign(hole.first, hole.last);
    }
  }
}

Status EventIngest::Impl::make_writers() {
  std::vector<RingProgress*> progress_of_rings;
  for (auto& ring : progress) progress_of_rings.push_back(ring.get());
  for (uint32_t i = 0; i < shards.shard_count(); ++i) {
    ASSIGN_OR_RETURN(const auto receipts, shards.shard(i).receipts());
    handoffs.push_back(std::make_unique<Handoff>(options.max_batch_size));
    writers.push_back(std::make_unique<BatchWriter>(
        shards.shard(i), *handoffs.back(),
        BatchWriterOptions{
            .boot_id = options.boot_id,
            .epoch = options.epoch,
            .max_batch_size = options.max_batch_size,
            .max_batch_latency_ns = options.max_batch_latency_ns,
            .last_sql_sequence = last_sequence(kSqlCpuIdBase + i),
            .lost = i == 0 ? resume.holes : Coverage{},
            .known = covered_by(receipts, options.boot_id, options.epoch),
            .covered_before = covered,
            .progress = progress_of_rings,
            .clock = options.clock,
            .on_storage_error =
                [this](uint32_t shard, const Error& error, bool healthy) {
                  report_storage_error(shard, error, healthy);
                },
            .on_storage_full = options.on_storage_full}));
    bulk_transactions.push_back(std::make_shared<std::atomic<uint32_t>>(0));
    gauges.push_back(stats().add_gauge(
        "ingest.shard." + std::to_string(i) + ".handoff_events",
        [handoff = handoffs.back().get()] { return double{0} + handoff->reserved_events(); }));
    gauges.push_back(stats().add_gauge(
        "ingest.shard." + std::to_string(i) + ".healthy",
        [writer = writers.back().get()] { return writer->healthy() ? 1.0 : 0.0; }));
    gauges.push_back(stats().add_gauge(
        "ingest.shard." + std::to_string(i) + ".lost_sequences",
        [writer = writers.back().get()] { return static_cast<double>(writer->lost_sequences()); }));
    gauges.push_back(stats().add_gauge(
        "ingest.shard." + std::to_string(i) + ".commit_age_p99_ms", [writer = writers.back().get()] {
          CommitAges::Counts counts{};
          writer->commit_ages().read(counts);
          return static_cast<double>(CommitAges::quantile(counts, 0.99)) / 1e6;
        }));
  }
  return {};
}

void EventIngest::Impl::make_drains() {
  const uint32_t shard_count = shards.shard_count();
  const uint32_t ring_count = rings.ring_count();
  for (uint32_t cpu = 0; cpu < ring_count; ++cpu) {
    DrainThreadOptions drain;
    drain.cpu_id = static_cast<uint16_t>(cpu);
    drain.producers = (ring_count + shard_count - 1) / shard_count;
    // Shard j belongs to CPU j % cpus; with fewer shards than CPUs they are shared.
    for (uint32_t shard = cpu % shard_count; shard < shard_count; shard += ring_count)
      drain.handoffs.push_back(handoffs[shard].get());
    drain.affinity = options.drain_affinity;
    if (drain.affinity == EventIngestOptions::Affinity::kCpu && shard_count != ring_count)
      drain.affinity = EventIngestOptions::Affinity::kNode;
    drain.last_handled = covered_prefix(cpu);
    // What a crash lost of earlier runs may still be in the ring.
    for (const Coverage::Range& range : covered.ranges()) {
      if (range.cpu_id == cpu && range.first > 1) drain.covered_ahead.push_back(range);
    }
    drain.progress = progress[cpu].get();
    drains.push_back(std::make_unique<DrainThread>(rings, std::move(drain)));
    gauges.push_back(stats().add_gauge(
        "ingest.ring." + std::to_string(cpu) + ".lag_bytes",
        [thread = drains.back().get()] { return static_cast<double>(thread->lag_bytes()); }));
  }
}

bool EventIngest::Impl::flush() {
  std::vector<std::future<bool>> reached;
  for (auto& handoff : handoffs) {
    auto promise = std::make_shared<std::promise<bool>>();
    reached.push_back(promise->get_future());
    if (!handoff->post(Fence{[promise](bool committed) { promise->set_value(committed); }}))
      promise->set_value(false);
  }
  bool committed = true;
  for (auto& fence : reached) committed = fence.get() && committed;
  return committed;
}

bool EventIngest::Impl::stop(bool announce) {
  std::lock_guard lock(stop_mutex);
  if (stopped) return all_committed;
  stopped = true;
  gauges.clear();
  std::vector<uint64_t> failures;
  for (const auto& writer : writers) failures.push_back(writer->commit_failures());
  for (auto& drain : drains) drain->request_stop();
  for (auto& drain : drains) {
    while (!drain->finished()) {
      // A writer that can't commit makes no room any more: its drain threads are let go. One that
      // failed before may be about to succeed.
      for (size_t i = 0; i < writers.size(); ++i) {
        if (!writers[i]->healthy() && writers[i]->commit_failures() != failures[i])
          handoffs[i]->close();
      }
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    drain->stop();
  }
  // Nobody makes room in the rings any more.
  rings.stop();
  if (announce) all_committed = flush();
  if (announce && all_committed) {
    synthetic::SequenceByCpu last;
    for (uint16_t cpu = 0; cpu < drains.size(); ++cpu) {
      if (const uint64_t sequence = drains[cpu]->last_sequence()) last[cpu] = sequence;
    }
    for (uint16_t i = 0; i < writers.size(); ++i) {
      if (const uint64_t sequence = writers[i]->last_sql_sequence())
        last[static_cast<uint16_t>(kSqlCpuIdBase + i)] = sequence;
    }
    post_synthetic(synthetic::kShutdown, synthetic::shutdown_payload(last),
                   {resume.shutdown_receipt});
    all_committed = flush();
  }
  for (auto& writer : writers) writer->stop();
  return all_committed;
}

void EventIngest::Impl::post_synthetic(std::string_view type, std::string payload,
                                       std::vector<ReceiptRange> receipts) {
  SyntheticEvent event{.type = std::string(type),
                       .payload = std::move(payload),
                       .timestamp_ns = options.clock->realtime_ns(),
                       .receipts = std::move(receipts)};
  for (size_t i = 0; i < writers.size(); ++i) {
    if (writers[i]->healthy()) {
      handoffs[i]->post(std::move(event));
      return;
    }
  }
  handoffs[0]->post(std::move(event));  // kept by its writer until a commit succeeds
}

void EventIngest::Impl::report_storage_error(uint32_t shard, const Error& error, bool healthy) {
  Handoff* target = healthy ? handoffs[shard].get() : nullptr;
  for (size_t i = 0; i < writers.size(); ++i) {
    if (i == shard || !writers[i]->healthy()) continue;
    target = handoffs[i].get();
    break;
  }
  // Without one there is only the log, which has it already.
  if (target == nullptr) return;
  target->post(SyntheticEvent{
      .type = std::string(synthetic::kStorageError),
      .payload = synthetic::storage_error_payload("event", shard, error.message),
      .timestamp_ns = options.clock->realtime_ns(),
      .receipts = {}});
}

size_t EventIngest::Impl::least_busy_shard(std::shared_ptr<void>& busy) {
  // From the back: the first one has the interactive sessions.
  size_t best = handoffs.size() - 1;
  const auto load = [&](size_t i) {
    return std::pair(bulk_transactions[i]->load(), handoffs[i]->reserved_events());
  };
  for (size_t i = best; i-- > 0;) {
    if (load(i) < load(best)) best = i;
  }
  auto count = bulk_transactions[best];
  count->fetch_add(1);
  busy = std::shared_ptr<void>(nullptr, [count](void*) { count->fetch_sub(1); });
  return best;
}

std::unique_ptr<EventTransaction> EventIngest::begin_transaction(bool bulk,
                                                                 size_t emit_buffer_bytes,
                                                                 int64_t emit_spool_max_bytes) {
  std::shared_ptr<void> busy;
  const size_t shard = bulk ? impl_->least_busy_shard(busy) : 0;
  return std::make_unique<SqlRows>(*impl_->writers[shard], *impl_->handoffs[shard],
                                   impl_->options.boot_id, emit_buffer_bytes,
                                   emit_spool_max_bytes, std::move(busy));
}

bool EventIngest::stop() { return impl_->stop(true); }

void EventIngest::add_synthetic(std::string_view type, std::string payload) {
  impl_->post_synthetic(type, std::move(payload));
}

void EventIngest::set_max_batch(uint32_t size, int64_t latency_ns) {
  for (auto& writer : impl_->writers) writer->set_max_batch(size, latency_ns);
}

CommitAges::Counts EventIngest::commit_ages() const {
  CommitAges::Counts counts{};
  for (const auto& writer : impl_->writers) writer->commit_ages().read(counts);
  return counts;
}

void EventIngest::describe(std::string& out) const {
  for (size_t i = 0; i < impl_->writers.size(); ++i) {
    const BatchWriter& writer = *impl_->writers[i];
    const BatchWriter::Failure failure = writer.last_failure();
    out += "shard " + std::to_string(i) + ": " + (writer.healthy() ? "healthy" : "commits fail") +
           ", handoff " + std::to_string(impl_->handoffs[i]->reserved_events()) + " of " +
           std::to_string(impl_->handoffs[i]->events_max()) + " events, " +
           std::to_string(writer.lost_sequences()) + " lost sequences not told yet";
    if (!failure.message.empty()) {
      out += ", last failure at " + std::to_string(failure.timestamp_ns) + ": " + failure.message;
    }
    out += '\n';
  }
  for (size_t i = 0; i < impl_->drains.size(); ++i) {
    const DrainThread& drain = *impl_->drains[i];
    out += "ring " + std::to_string(i) + ": " + std::to_string(drain.lag_bytes()) +
           " bytes wait, last sequence handed off " + std::to_string(drain.last_sequence()) + '\n';
  }
}

const Guid& EventIngest::boot_id() const { return impl_->options.boot_id; }

void EventIngest::post_maintenance(uint32_t shard, std::shared_ptr<MaintenanceTask> task) {
  if (shard >= impl_->writers.size()) {
    return task->ended({sqlstate::kInvalidParameterValue,
                        "there is no shard " + std::to_string(shard)});
  }
  impl_->writers[shard]->post_maintenance(std::move(task));
}

}  // namespace eventd::engine
