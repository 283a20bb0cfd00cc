#include "engine/ingest/batch_writer.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "engine/limits.h"
#include "kmes/event_view.h"
#include "log.h"

namespace eventd::engine {
namespace {

constexpr int64_t kIdleWaitNs = 1'000'000'000;
constexpr int64_t kRetryPauseNs = 50'000'000;
constexpr int64_t kErrorLogIntervalNs = 1'000'000'000;
constexpr size_t kSyntheticMax = 64;

Counter& shard_counter(const Shard& shard, std::string_view name) {
  return stats().counter("ingest.shard." + std::to_string(shard.index()) + "." + std::string(name));
}

Status copy_of(const Error& error) { return Error(error); }

}  // namespace

/// How far a drained batch has been written.
struct BatchWriter::DrainedCursor {
  DrainedBatch* batch;
  size_t offset = 0;
  uint32_t event = 0;
  uint32_t gap = 0;
  uint64_t covered_from = 0;
};

BatchWriter::BatchWriter(Shard& shard, Handoff& handoff, BatchWriterOptions options)
    : shard_(shard),
      handoff_(handoff),
      options_(std::move(options)),
      sql_cpu_id_(static_cast<uint16_t>(kSqlCpuIdBase + shard.index())),
      events_committed_(shard_counter(shard, "events_committed")),
      batches_(shard_counter(shard, "batches")),
      commit_failures_(shard_counter(shard, "commit_failures")),
      sql_transactions_(shard_counter(shard, "sql_transactions")),
      max_batch_size_(options_.max_batch_size),
      max_batch_latency_ns_(options_.max_batch_latency_ns),
      sql_sequence_shown_(options_.last_sql_sequence),
      lost_(options_.lost),
      sql_sequence_(options_.last_sql_sequence) {}

BatchWriter::~BatchWriter() { stop(); }

void BatchWriter::start() { thread_ = std::thread([this] { run(); }); }

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

void BatchWriter::run() {
  Handoff::Contents contents;
  for (;;) {
    const bool idle = !has_backlog() && staging_.empty() && batch_rows_ == 0 && fences_.empty() &&
                      (lost_.empty() || failures_in_a_row_ != 0);
    if (idle && batch_rows_ == 0) shard_.checkpoint_if_due();
    const bool open = handoff_.take(contents, idle ? kIdleWaitNs : 0);
    accept(contents);
    if (Status status = fill(); !status.ok()) {
      fail(std::move(status));
    } else if (should_commit()) {
      commit();
    }
    if (!begun_) run_staging();
    if (failures_in_a_row_ != 0) {
      if (!open) {
        abandon();
        return;
      }
      // A full disk stays full for a while; the rings absorb meanwhile.
      std::this_thread::sleep_for(std::chrono::nanoseconds(kRetryPauseNs));
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
    ++rows;
    if (auto* commit = std::get_if<SqlCommit>(&item); commit && !commit->transaction->staged) {
      sql_.push_back(std::move(commit->transaction));
    } else if (auto* event = std::get_if<SyntheticEvent>(&item)) {
      if (synthetic_.size() < kSyntheticMax) synthetic_.push_back(std::move(*event));
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
  if (!begun_ && !lost_.empty()) {
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
  while (!sql_.empty() && !batch_full()) {
    const uint64_t rows = sql_.front()->rows.row_count();
    // A transaction stays whole: one that does not fit starts the next batch.
    if (batch_rows_ != 0 && batch_rows_ + rows > max_batch_size_.load(std::memory_order_relaxed))
      break;
    auto transaction = std::move(sql_.front());
    sql_.pop_front();
    RETURN_IF_ERROR(append_sql(std::move(transaction)));
  }
  while (!drained_.empty() && !batch_full()) {
    DrainedCursor& cursor = drained_.front();
    const uint64_t room = max_batch_size_.load(std::memory_order_relaxed) - batch_rows_;
    RETURN_IF_ERROR(append_drained(cursor, static_cast<uint32_t>(room)));
    if (cursor.event == cursor.batch->events) {
      handoff_.recycle(cursor.batch);
      drained_.pop_front();
    }
    if (options_.clock->monotonic_ns() - batch_started_ns_ >=
        max_batch_latency_ns_.load(std::memory_order_relaxed))
      break;
  }
  return {};
}

Status BatchWriter::append_lost() {
  lost_written_ = true;
  for (const Coverage::Range& range : lost_.ranges()) {
    RETURN_IF_ERROR(append_gap({.first_missing = range.first,
                                .last_missing = range.last,
                                .last_timestamp_ns = std::nullopt,
                                .revealed_by_timestamp_ns = std::nullopt,
                                .cpu_id = range.cpu_id}));
    batch_coverage_.add(range.cpu_id, range.first, range.last);
  }
  return {};
}

Status BatchWriter::append_gap(const Gap& gap) {
  RETURN_IF_ERROR(ensure_begun());
  ++batch_rows_;
  const std::string payload = synthetic::gap_payload(gap);
  EventRow row;
  row.timestamp_ns = options_.clock->realtime_ns();
  row.boot_id = options_.boot_id.bytes.data();
  row.event_type = synthetic::kGap;
  row.payload = as_bytes(payload);
  row.cpu_id = gap.cpu_id;
  return shard_.append(row);
}

Status BatchWriter::append_synthetic(const SyntheticEvent& event) {
  RETURN_IF_ERROR(ensure_begun());
  ++batch_rows_;
  EventRow row;
  row.timestamp_ns = event.timestamp_ns;
  row.boot_id = options_.boot_id.bytes.data();
  row.event_type = event.type;
  row.payload = as_bytes(event.payload);
  batch_receipts_.insert(batch_receipts_.end(), event.receipts.begin(), event.receipts.end());
  return shard_.append(row);
}

Status BatchWriter::append_drained(DrainedCursor& cursor, uint32_t rows_max) {
  RETURN_IF_ERROR(ensure_begun());
  const DrainedBatch& batch = *cursor.batch;
  const uint8_t* events = batch.arena.used().data();
  uint32_t rows = 0;
  uint64_t covered = 0;
  Status status;
  while (cursor.event < batch.events && rows < rows_max && status.ok()) {
    const kmes::EventView event(events + cursor.offset);
    // Counted as covered before it is written: a failure loses it with the rest of the batch.
    covered = event.sequence();
    ++rows;
    if (cursor.gap < batch.gaps.size() && batch.gaps[cursor.gap].before_event == cursor.event) {
      const Gap& gap = batch.gaps[cursor.gap++].gap;
      covered = gap.last_missing;
      status = append_gap(gap);
      continue;
    }
    cursor.offset += event.event_size();
    ++cursor.event;
    EventRow row;
    row.timestamp_ns = event.timestamp_ns();
    row.sequence = event.sequence();
    row.boot_id = options_.boot_id.bytes.data();
    row.effective_token_guid = event.effective_token_guid();
    row.true_token_guid = event.true_token_guid();
    row.process_guid = event.process_guid();
    row.event_type = event.type();
    row.payload = event.payload();
    row.cpu_id = event.cpu_id();
    row.origin_class = event.origin_class();
    status = shard_.append(row);
    ++batch_rows_;
  }
  // Gaps revealed by refused events at the end come after the last event.
  while (status.ok() && cursor.event == batch.events && cursor.gap < batch.gaps.size())
    status = append_gap(batch.gaps[cursor.gap++].gap);
  if (cursor.event == batch.events) covered = batch.covered_last;
  if (covered != 0) {
    batch_coverage_.add(batch.cpu_id, cursor.covered_from, covered);
    cursor.covered_from = covered + 1;
  }
  return status;
}

Status BatchWriter::append_sql(std::shared_ptr<SqlTransaction> transaction) {
  SqlTransaction& sql = *transaction;
  if (!sql.failure.ok()) {
    if (sql.tail) shard_.stage_discard(*sql.tail);
    finish_sql(sql, std::move(sql.failure), 0);
    return {};
  }
  if (sql.tail) {
    batch_sql_.push_back({std::move(transaction), sql.staged_first_sequence});
    ++batch_rows_;
    RETURN_IF_ERROR(ensure_begun());
    return shard_.stage_publish(*sql.tail);
  }
  batch_sql_.push_back({std::move(transaction), sql_sequence_ + 1});
  if (sql.rows.row_count() == 0) return {};
  RETURN_IF_ERROR(ensure_begun());
  batch_rows_ += sql.rows.row_count();
  const uint64_t first = sql_sequence_ + 1;
  EventRow row;
  row.boot_id = options_.boot_id.bytes.data();
  row.cpu_id = sql_cpu_id_;
  row.origin_class = KMES_ORIGIN_USERSPACE;
  RowBuffer::Cursor cursor(sql.rows);
  RowBuffer::Row from;
  while (cursor.next(from)) {
    row.timestamp_ns = from.stamp->timestamp_ns;
    row.effective_token_guid = from.stamp->effective_token_guid.bytes.data();
    row.true_token_guid = from.stamp->true_token_guid.bytes.data();
    row.process_guid = from.stamp->process_guid.bytes.data();
    row.event_type = from.event_type;
    row.payload = from.payload;
    row.sequence = ++sql_sequence_;
    RETURN_IF_ERROR(shard_.append(row));
  }
  batch_coverage_.add(sql_cpu_id_, first, sql_sequence_);
  return {};
}

bool BatchWriter::should_commit() const {
  if (!begun_) return !batch_sql_.empty() || (!fences_.empty() && !has_backlog());
  if (has_backlog()) return true;  // full, or out of time
  // SQL clients wait for this commit, whatever the rings bring meanwhile; those that come during it
  // share the next one.
  if (!batch_sql_.empty()) return true;
  if (!handoff_.waiting()) return true;
  if (!arrivals_.fast()) return true;
  return options_.clock->monotonic_ns() - batch_started_ns_ >=
         max_batch_latency_ns_.load(std::memory_order_relaxed);
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
    batches_.add();
    events_committed_.add(batch_rows_);
    sql_sequence_shown_.store(sql_sequence_, std::memory_order_relaxed);
    healthy_.store(true, std::memory_order_relaxed);
    failures_in_a_row_ = 0;
    staged_coverage_.clear();
    for (const Coverage::Range& range : batch_coverage_.ranges()) {
      if (RingProgress* ring = progress(range.cpu_id)) ring->committed(range.first, range.last);
    }
    if (lost_written_) lost_.clear();
    synthetic_.erase(synthetic_.begin(), synthetic_.begin() + static_cast<ptrdiff_t>(batch_synthetic_));
  }
  for (CommittingSql& sql : batch_sql_) {
    sql_transactions_.add();
    finish_sql(*sql.transaction, {}, sql.first_sequence);
  }
  reset_batch();
  if (!has_backlog()) reach_fences(true);
  shard_.checkpoint_if_due();
}

Status BatchWriter::write_receipts() {
  batch_coverage_.add(staged_coverage_);
  const auto add = [this](uint16_t cpu_id, uint64_t first, uint64_t last) {
    batch_receipts_.push_back({.boot_id = options_.boot_id,
                               .epoch = cpu_id >= kSqlCpuIdBase ? Guid{} : options_.epoch,
                               .cpu_id = cpu_id,
                               .first = first,
                               .last = last});
  };
  for (const Coverage::Range& range : batch_coverage_.ranges()) {
    add(range.cpu_id, range.first, range.last);
    const RingProgress* ring = progress(range.cpu_id);
    if (const uint64_t through = ring ? ring->covered_through() : 0) add(range.cpu_id, 1, through);
  }
  return batch_receipts_.empty() ? Status() : shard_.add_receipts(batch_receipts_);
}

void BatchWriter::reset_batch() {
  begun_ = false;
  lost_written_ = false;
  batch_sql_.clear();
  batch_coverage_.clear();
  batch_receipts_.clear();
  batch_synthetic_ = 0;
  batch_rows_ = 0;
}

void BatchWriter::fail(Status status) {
  if (begun_) shard_.rollback();
  const Error& error = status.error();
  ++failures_in_a_row_;
  commit_failures_.add();
  // SQL rows were never acknowledged: their sequences are given out again. What the rings had
  // handed over is gone, and told as gaps by the next commit.
  sql_sequence_ = batch_first_sql_sequence_;
  for (const Coverage::Range& range : batch_coverage_.ranges()) {
    if (range.cpu_id < kSqlCpuIdBase) lost_.add(range.cpu_id, range.first, range.last);
  }
  const int64_t now_ns = options_.clock->monotonic_ns();
  if (now_ns - last_error_log_ns_ >= kErrorLogIntervalNs) {
    last_error_log_ns_ = now_ns;
    std::string text = "commit to " + shard_.path() + " failed: " + error.message;
    for (const Coverage::Range& range : lost_.ranges()) {
      text += "; lost cpu " + std::to_string(range.cpu_id) + " sequences " +
              std::to_string(range.first) + "-" + std::to_string(range.last);
    }
    log::error(text);
  }
  for (CommittingSql& sql : batch_sql_) {
    if (sql.transaction->tail) shard_.stage_discard(*sql.transaction->tail);
    finish_sql(*sql.transaction, copy_of(error), 0);
  }
  // Clients that wait behind the failed batch are told at once too.
  for (auto& transaction : sql_) {
    if (transaction->tail) shard_.stage_discard(*transaction->tail);
    finish_sql(*transaction, copy_of(error), 0);
  }
  sql_.clear();
  reach_fences(false);
  reset_batch();
  if (healthy_.exchange(false, std::memory_order_relaxed) && options_.on_storage_error)
    options_.on_storage_error(shard_.index(), error);
}

void BatchWriter::abandon() {
  for (DrainedCursor& cursor : drained_) handoff_.recycle(cursor.batch);
  drained_.clear();
  const Status stopped(sqlstate::kIoError, "the server is shutting down and its storage fails");
  for (Staging& staging : staging_) {
    if (auto* commit = std::get_if<SqlCommit>(&staging.item))
      finish_sql(*commit->transaction, copy_of(stopped.error()), 0);
    // Its session may be waiting for room; submit() will tell it.
    if (auto* chunk = std::get_if<SqlChunk>(&staging.item)) {
      chunk->transaction->failed.store(true);
      chunk->transaction->release(chunk->rows.used_bytes());
    }
  }
  staging_.clear();
  reach_fences(false);
}

void BatchWriter::reach_fences(bool committed) {
  for (Fence& fence : fences_) fence.reached(committed);
  fences_.clear();
}

void BatchWriter::finish_sql(SqlTransaction& transaction, Status status, uint64_t first_sequence) {
  auto durable = std::exchange(transaction.durable, nullptr);
  if (durable) durable(std::move(status), {.first_sequence = first_sequence, .cpu_id = sql_cpu_id_});
}

}  // namespace eventd::engine
