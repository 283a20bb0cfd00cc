// The writer of one shard: batches from the rings, SQL transactions and synthetic events become
// SQLite transactions. Spec: ingest.md "Writer: adaptive batches", "A failed commit".
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "clock.h"
#include "engine/ingest/arrival_estimate.h"
#include "engine/ingest/commit_ages.h"
#include "engine/ingest/coverage.h"
#include "engine/ingest/handoff.h"
#include "engine/ingest/maintenance_queue.h"
#include "engine/ingest/ring_progress.h"
#include "engine/stats/registry.h"
#include "engine/storage/shard.h"
#include "guid.h"

namespace eventd::engine {

struct BatchWriterOptions {
  Guid boot_id;
  Guid epoch;  ///< of the rings; zeros in user mode
  uint32_t max_batch_size = 10'000;
  int64_t max_batch_latency_ns = 100'000'000;
  /// Last sequence of this shard's SQL rows in this boot.
  uint64_t last_sql_sequence = 0;
  /// Ranges found lost at start: gap records with the first commit.
  Coverage lost;
  /// What the shard's receipts say of this boot and epoch: a fresh file gets them should this one
  /// turn out to be damaged.
  Coverage known;
  /// Covered by any shard before the start, where batches may span it: rings that outlive the server.
  Coverage covered_before;
  /// By ring; null for rings with one shard, whose receipts are one range anyway.
  std::vector<RingProgress*> progress;
  const Clock* clock = &Clock::system();
  /// Called on the writer's thread when commits begin to fail, and when the file was set aside:
  /// then the shard itself is `healthy` again.
  std::function<void(uint32_t shard, const Error& error, bool healthy)> on_storage_error;
  /// Called on the writer's thread when commits fail with 53100, at most once a second.
  std::function<void()> on_storage_full;
};

/// The only user of its Shard's writer methods: between start() and stop() its own thread or, while
/// that sleeps, a thread in commit_here(); before and after nobody. Public methods may be called from
/// any thread.
class BatchWriter {
 public:
  BatchWriter(Shard& shard, Handoff& handoff, BatchWriterOptions options);
  ~BatchWriter();

  void start();
  /// Closes the handoff, commits what is in it and joins. Idempotent.
  void stop();

  /// Commits a small `transaction` on the calling thread, which stands in for the writer while it
  /// sleeps; its `durable` has been called when this returns true. False: nothing was done, post it.
  bool commit_here(const std::shared_ptr<SqlTransaction>& transaction);

  /// Any thread: `task` runs between batches. Its ended() is always called, at the latest by stop().
  void post_maintenance(std::shared_ptr<MaintenanceTask> task);

  /// False while the last commit failed.
  bool healthy() const { return healthy_.load(std::memory_order_relaxed); }
  /// Of all writers this shard has had in this process.
  uint64_t commit_failures() const { return commit_failures_.value(); }
  void set_max_batch(uint32_t size, int64_t latency_ns);
  uint64_t last_sql_sequence() const { return sql_sequence_shown_.load(std::memory_order_relaxed); }
  /// Sequences of ring events taken by failed commits and not told as gaps yet. Any thread.
  uint64_t lost_sequences() const { return lost_shown_.load(std::memory_order_relaxed); }
  /// The last failure. Any thread.
  struct Failure {
    std::string message;       ///< empty = there was none
    int64_t timestamp_ns = 0;  ///< realtime
  };
  Failure last_failure() const;
  /// Of the oldest ring event of each batch, when its commit was done. Any thread.
  const CommitAges& commit_ages() const { return commit_ages_; }

 private:
  /// How far a drained batch has been written.
  struct DrainedCursor {
    DrainedBatch* batch;
    size_t offset = 0;
    uint32_t event = 0;
    uint32_t gap = 0;
    uint64_t covered_from = 0;
  };

  void run();
  void accept(Handoff::Contents& contents);
  // Filling the open transaction. An error means that it has to be failed.
  Status fill();
  Status ensure_begun();
  Status append_lost();
  Status append_synthetic(const SyntheticEvent& event);
  Status append_gap(const Gap& gap);
  Status append_drained(DrainedCursor& cursor, uint32_t rows_max);
  Status fill_from_rings();
  Status fill_from_sql();
  Status append_sql(std::shared_ptr<SqlTransaction> transaction);
  bool batch_full() const { return batch_rows_ >= max_batch_size_.load(std::memory_order_relaxed); }
  bool has_backlog() const;
  /// Nothing to do until something is posted.
  bool idle() const;
  bool should_commit() const;
  void commit();
  Status write_receipts();
  /// Whether the batch's receipts may come later: it has SQL rows only, and few of those before it
  /// lack theirs. The rows themselves tell of them until then (storage/receipts.h).
  bool may_defer_receipts() const;
  /// After a commit.
  void note_deferred();
  /// Writes the receipts that are due, if nothing else does.
  void settle_receipts();
  RingProgress* progress(uint16_t cpu_id) const {
    return cpu_id < options_.progress.size() ? options_.progress[cpu_id] : nullptr;
  }
  /// Rolls back; what the batch had taken from the rings goes on the lost list.
  void fail(Status status);
  void lose_batch();
  void show_lost();
  void note_failure(const Error& error);
  /// Puts a fresh file in the place of a damaged one. REQUIRES: not begun.
  void set_aside();
  /// Whether a transaction is needed that says what has become of sequences.
  bool owes_receipts() const { return restore_known_ || !lost_.empty(); }
  /// Stopping while commits fail: gives up what waits, telling its clients.
  void abandon();
  void reach_fences(bool committed);
  void reset_batch();

  /// One step of what waits, if the rows leave time for it. REQUIRES: not begun.
  void run_maintenance();

  void run_staging();
  Status stage_rows(SqlTransaction& transaction, RowBuffer::Cursor& cursor, uint64_t rows_max,
                    bool& finished);
  /// After the commit: tells the clients of the batch.
  void acknowledge_sql();
  /// Tells the clients of the batch, and those that wait behind it, that it failed.
  void refuse_sql(const Error& error);
  void finish_sql(SqlTransaction& transaction, Status status, uint64_t first_sequence);

  // Constant.
  Shard& shard_;
  Handoff& handoff_;
  const BatchWriterOptions options_;
  const uint16_t sql_cpu_id_;
  Counter& events_committed_;
  Counter& batches_;
  Counter& commit_failures_;
  Counter& sql_transactions_;
  Counter& commits_here_;

  // Any thread.
  std::atomic<uint32_t> max_batch_size_;
  std::atomic<int64_t> max_batch_latency_ns_;
  std::atomic<uint64_t> sql_sequence_shown_;
  std::atomic<uint64_t> lost_shown_{0};
  std::atomic<bool> healthy_{true};
  CommitAges commit_ages_;
  mutable std::mutex failure_mutex_;
  Failure last_failure_;  // GUARDED_BY(failure_mutex_)

  // Writer thread only: what has been taken and not written.
  std::deque<DrainedCursor> drained_;
  std::deque<std::shared_ptr<SqlTransaction>> sql_;
  std::deque<SyntheticEvent> synthetic_;
  std::vector<Fence> fences_;
  struct Staging {
    WriterItem item;  // SqlChunk, SqlCommit or SqlDiscard
    std::unique_ptr<RowBuffer::Cursor> cursor;
  };
  std::deque<Staging> staging_;

  // The open transaction.
  struct CommittingSql {
    std::shared_ptr<SqlTransaction> transaction;
    uint64_t first_sequence;
  };
  std::vector<CommittingSql> batch_sql_;
  Coverage batch_coverage_;
  std::vector<ReceiptRange> batch_receipts_;
  bool batch_deferred_ = false;  // its receipts come later
  size_t batch_synthetic_ = 0;  // from the front of synthetic_
  uint64_t batch_rows_ = 0;
  int64_t batch_started_ns_ = 0;
  int64_t batch_oldest_ns_ = INT64_MAX;  // timestamp of a ring event
  std::optional<uint64_t> batch_first_sql_sequence_;  // before the batch
  bool begun_ = false;
  size_t batch_lost_ = 0;  // ranges from the front of lost_

  MaintenanceQueue maintenance_;

  // Across transactions.
  Coverage lost_;
  Coverage known_;  // the receipts of this boot and epoch that the file holds
  std::optional<Error> damage_;  // found in the file; it is to be set aside
  bool restore_known_ = false;   // the file is a fresh one and lacks them
  int64_t last_set_aside_ns_ = 0;
  Coverage staged_coverage_;  // sequences given to staged rows: covered whatever becomes of them
  Coverage deferred_coverage_;  // committed SQL rows without receipts: the file's last rows
  uint64_t deferred_rows_ = 0;
  uint64_t sql_sequence_ = 0;
  ArrivalEstimate arrivals_;
  std::vector<EventRow> stage_rows_;
  int64_t last_error_log_ns_ = 0;
  uint32_t failures_in_a_row_ = 0;

  std::thread thread_;
};

}  // namespace eventd::engine
