#include "engine/ingest/batch_writer.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "engine/limits.h"
#include "log.h"

namespace eventd::engine {
namespace {

constexpr int64_t kIdleWaitNs = 1'000'000'000;
constexpr int64_t kRetryPauseNs = 50'000'000;
constexpr int kLastTries = 1;
constexpr size_t kSyntheticMax = 4096;

Counter& shard_counter(const Shard& shard, std::string_view name) {
  return stats().counter("ingest.shard." + std::to_string(shard.index()) + "." + std::string(name));
}

}  // namespace

BatchWriter::BatchWriter(Shard& shard, Handoff& handoff, BatchWriterOptions options)
    : shard_(shard),
      handoff_(handoff),
      options_(std::move(options)),
      sql_cpu_id_(static_cast<uint16_t>(kSqlCpuIdBase + shard.index())),
      events_committed_(shard_counter(shard, "events_committed")),
      batches_(shard_counter(shard, "batches")),
      commit_failures_(shard_counter(shard, "commit_failures")),
      sql_transactions_(shard_counter(shard, "sql_transactions")),
      commits_here_(shard_counter(shard, "commits_here")),
      max_batch_size_(options_.max_batch_size),
      max_batch_latency_ns_(options_.max_batch_latency_ns),
      sql_sequence_shown_(options_.last_sql_sequence),
      maintenance_(*options_.clock),
      lost_(options_.lost),
      known_(options_.known),
      sql_sequence_(options_.last_sql_sequence) {}

BatchWriter::~BatchWriter() { stop(); }

void BatchWriter::start() { 
  thread_ = std::thread([this] {
    run();
    maintenance_.end_all(Status(sqlstate::kAdminShutdown, "the server is shutting down").error());
  });
}

void BatchWriter::stop() {
  handoff_.close();
  if (thread_.joinable()) thread_.join();
}

void BatchWriter::set_max_batch(uint32_t size, int64_t latency_ns) {
  max_batch_size_.store(size, std::memory_order_relaxed);
  max_batch_latency_ns_.store(latency_ns, std::memory_order_relaxed);
  handoff_.set_events_max(size);
}

bool BatchWriter::has_backlog() const {
  return !drained_.empty() || !sql_.empty() || synthetic_.size() > batch_synthetic_;
}

bool BatchWriter::idle() const {
  return !has_backlog() && staging_.empty() && batch_rows_ == 0 && fences_.empty() &&
         maintenance_.empty() && !owes_receipts() && !damage_;
}

void BatchWriter::run() {
  Handoff::Contents contents;
  int failures_while_closed = 0;
  for (;;) {
    if (!begun_ && !damage_ && shard_.damage_reported())
      damage_ = Status(sqlstate::kDataCorrupted, "a query met a damaged page").error();
    if (damage_ && !begun_) set_aside();
    const bool idle_now = idle();
    if (idle_now) shard_.checkpoint_if_due();
    const bool open = handoff_.take(contents, idle_now ? kIdleWaitNs : 0, failures_in_a_row_ == 0);
    accept(contents);
    const bool quiet = idle_now && idle();
    if (Status status = fill(); !status.ok()) {
      fail(std::move(status));
    } else if (should_commit()) {
      commit();
      if (failures_in_a_row_ == 0) shard_.checkpoint_if_due();
    }
    if (quiet || !open) settle_receipts();
    if (!begun_) {
      run_staging();
      if (!damage_) run_maintenance();
    }
    if (failures_in_a_row_ != 0) {
      // When the server stops, once more: the trouble may have passed, and what is lost be told.
      if (!open && ++failures_while_closed > kLastTries) {
        abandon();
        return;
      }
      // A full disk stays full for a while; the rings absorb meanwhile.
      std::this_thread::sleep_for(std::chrono::nanoseconds(kRetryPauseNs));
      continue;
    }
    if (!open && !has_backlog() && staging_.empty() && batch_rows_ == 0 && fences_.empty()) return;
  }
}

void BatchWriter::accept(Handoff::Contents& contents) {
  if (contents.empty()) return;
  uint64_t rows = 0;
  for (DrainedBatch* batch : contents.batches) {
    rows += batch->rows();
    drained_.push_back({.batch = batch, .covered_from = batch->covered_first});
  }
  for (WriterItem& item : contents.items) {
    if (auto* maintenance = std::get_if<Maintenance>(&item)) {
      maintenance_.add(std::move(maintenance->task));
      continue;
    }
    ++rows;
    if (auto* commit = std::get_if<SqlCommit>(&item); commit && !commit->transaction->staged) {
      sql_.push_back(std::move(commit->transaction));
    } else if (auto* event = std::get_if<SyntheticEvent>(&item)) {
      if (synthetic_.size() < kSyntheticMax) {
        synthetic_.push_back(std::move(*event));
      } else {
        log::error("a " + event->type + " event could not be kept until commits succeed again");
      }
    } else if (auto* fence = std::get_if<Fence>(&item)) {
      fences_.push_back(std::move(*fence));
    } else {
      staging_.push_back({std::move(item), nullptr});
    }
  }
  contents.clear();
  arrivals_.note_arrival(rows, options_.clock->monotonic_ns());
}

Status BatchWriter::ensure_begun() {
  if (begun_) return {};
  batch_first_sql_sequence_ = sql_sequence_;
  RETURN_IF_ERROR(shard_.begin());
  begun_ = true;
  batch_started_ns_ = options_.clock->monotonic_ns();
  return {};
}

Status BatchWriter::fill() {
  if (!begun_ && owes_receipts()) {
    RETURN_IF_ERROR(ensure_begun());
    RETURN_IF_ERROR(append_lost());
    // While commits fail only what is lost already is tried: the rings keep their newest events
    // longer than a failing batch would.
    if (failures_in_a_row_ != 0) return {};
  }
  while (synthetic_.size() > batch_synthetic_ && !batch_full()) {
    RETURN_IF_ERROR(append_synthetic(synthetic_[batch_synthetic_]));
    ++batch_synthetic_;
  }
  // SQL first: its clients wait for the commit, the rings do not.
  RETURN_IF_ERROR(fill_from_sql());
  return fill_from_rings();
}

bool BatchWriter::should_commit() const {
  if (!begun_) return !batch_sql_.empty() || (!fences_.empty() && !has_backlog());
  if (has_backlog()) return true;  // full, or out of time
  // SQL clients wait for this commit, whatever the rings bring meanwhile; those that come during it
  // share the next one.
  if (!batch_sql_.empty()) return true;
  return arrivals_.commit_now(handoff_.waiting(), batch_started_ns_, options_.clock->monotonic_ns(),
                              max_batch_latency_ns_.load(std::memory_order_relaxed));
}

void BatchWriter::commit() {
  if (begun_) {
    const int64_t started_ns = options_.clock->monotonic_ns();
    if (Status status = write_receipts(); !status.ok()) return fail(std::move(status));
    Status status = shard_.commit();
    if (!status.ok()) {
      begun_ = false;  // it has rolled back itself
      return fail(std::move(status));
    }
    arrivals_.note_commit(options_.clock->monotonic_ns() - started_ns);
    if (batch_oldest_ns_ != INT64_MAX)
      commit_ages_.add(options_.clock->realtime_ns() - batch_oldest_ns_);
    batches_.add();
    events_committed_.add(batch_rows_);
    sql_sequence_shown_.store(sql_sequence_, std::memory_order_relaxed);
    healthy_.store(true, std::memory_order_relaxed);
    failures_in_a_row_ = 0;
    staged_coverage_.clear();
    for (const Coverage::Range& range : batch_coverage_.ranges()) {
      if (RingProgress* ring = progress(range.cpu_id)) ring->committed(range.first, range.last);
    }
    for (const ReceiptRange& receipt : batch_receipts_) {
      if (receipt.boot_id == options_.boot_id)
        known_.add(receipt.cpu_id, receipt.first, receipt.last);
    }
    restore_known_ = false;
    note_deferred();
    if (batch_lost_ != 0) {
      lost_.drop_front(batch_lost_);
      show_lost();
    }
    synthetic_.erase(synthetic_.begin(), synthetic_.begin() + static_cast<ptrdiff_t>(batch_synthetic_));
  }
  acknowledge_sql();
  reset_batch();
  if (!has_backlog()) reach_fences(true);
}

Status BatchWriter::write_receipts() {
  batch_deferred_ = may_defer_receipts();
  if (batch_deferred_) return {};
  batch_coverage_.add(staged_coverage_);
  batch_coverage_.add(deferred_coverage_);
  const auto add = [this](uint16_t cpu_id, uint64_t first, uint64_t last) {
    batch_receipts_.push_back({.boot_id = options_.boot_id,
                               .epoch = cpu_id >= kSqlCpuIdBase ? Guid{} : options_.epoch,
                               .cpu_id = cpu_id,
                               .first = first,
                               .last = last});
  };
  if (restore_known_) {
    for (const Coverage::Range& range : known_.ranges()) add(range.cpu_id, range.first, range.last);
  }
  for (const Coverage::Range& range : batch_coverage_.ranges()) {
    add(range.cpu_id, range.first, range.last);
    const RingProgress* ring = progress(range.cpu_id);
    if (const uint64_t through = ring ? ring->covered_through() : 0) add(range.cpu_id, 1, through);
  }
  return batch_receipts_.empty() ? Status() : shard_.add_receipts(batch_receipts_);
}

void BatchWriter::post_maintenance(std::shared_ptr<MaintenanceTask> task) {
  if (!maintenance_.reserve()) {
    task->ended({sqlstate::kInsufficientResources, "too much maintenance of this shard is waiting"});
  } else if (!handoff_.post(Maintenance{task})) {
    maintenance_.cancel();
    task->ended({sqlstate::kAdminShutdown, "the server is shutting down"});
  }
}

void BatchWriter::run_maintenance() {
  static const std::atomic<bool> kNeverWaiting{false};
  if (maintenance_.empty()) return;
  const bool loaded = handoff_.waiting() || has_backlog() || !staging_.empty();
  if (loaded && !maintenance_.due_under_load()) return;
  settle_receipts();
  const auto& rows_wait = loaded ? kNeverWaiting : handoff_.waiting_flag();
  Status status = maintenance_.step(shard_, rows_wait);
  if (!status.ok() && status.error().code == sqlstate::kDataCorrupted)
    damage_ = std::move(status).take_error();
}

void BatchWriter::reset_batch() {
  begun_ = false;
  batch_lost_ = 0;
  batch_first_sql_sequence_.reset();
  batch_sql_.clear();
  batch_coverage_.clear();
  batch_receipts_.clear();
  batch_deferred_ = false;
  batch_oldest_ns_ = INT64_MAX;
  batch_synthetic_ = 0;
  batch_rows_ = 0;
}

void BatchWriter::reach_fences(bool committed) {
  for (Fence& fence : fences_) fence.reached(committed);
  fences_.clear();
}

}  // namespace eventd::engine
