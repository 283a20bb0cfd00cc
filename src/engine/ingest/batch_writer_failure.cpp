// What becomes of a batch that could not be committed, and of a damaged file. Spec: ingest.md "A
// failed commit", storage.md "Corruption".
#include <string>
#include <utility>

#include "engine/ingest/batch_writer.h"
#include "log.h"

namespace eventd::engine {
namespace {

constexpr int64_t kErrorLogIntervalNs = 1'000'000'000;
/// Of log lines about lost ranges.
constexpr size_t kRangesPerLine = 32;
/// Past it, neighbours among the lost ranges become one.
constexpr size_t kLostRangesMax = 65'536;
/// A disk that damages every file must not fill up with them.
constexpr int64_t kSetAsideIntervalNs = 10'000'000'000;

std::string range_text(const Coverage::Range& range) {
  return "cpu " + std::to_string(range.cpu_id) + " sequences " + std::to_string(range.first) + "-" +
         std::to_string(range.last);
}

}  // namespace

void BatchWriter::fail(Status status) {
  if (begun_) shard_.rollback();
  const Error error = std::move(status).take_error();
  note_failure(error);
  lose_batch();
  if (error.code == sqlstate::kDataCorrupted) damage_ = error;
  // Clients that wait behind the failed batch are told at once too.
  refuse_sql(error);
  reach_fences(false);
  reset_batch();
  const bool was_healthy = healthy_.exchange(false, std::memory_order_relaxed);
  // A damaged file is told of once it has been set aside.
  if (was_healthy && !damage_ && options_.on_storage_error)
    options_.on_storage_error(shard_.index(), error, false);
}

void BatchWriter::note_failure(const Error& error) {
  ++failures_in_a_row_;
  commit_failures_.add();
  {
    const std::lock_guard lock(failure_mutex_);
    last_failure_ = {error.message, options_.clock->realtime_ns()};
  }
  const int64_t now_ns = options_.clock->monotonic_ns();
  if (failures_in_a_row_ > 1 && now_ns - last_error_log_ns_ < kErrorLogIntervalNs) return;
  last_error_log_ns_ = now_ns;
  log::error("commit to \"" + shard_.path() + "\" failed: " + error.message);
  if (error.code == sqlstate::kDiskFull && options_.on_storage_full) options_.on_storage_full();
}

void BatchWriter::lose_batch() {
  // SQL rows were never acknowledged: their sequences are given out again. What the rings had handed
  // over is gone, and told as gaps by the next commit.
  if (batch_first_sql_sequence_) sql_sequence_ = *batch_first_sql_sequence_;
  Coverage lost;
  for (const Coverage::Range& range : batch_coverage_.ranges()) {
    if (range.cpu_id < kSqlCpuIdBase) lost.add(range.cpu_id, range.first, range.last);
  }
  // Gap records that failed with the batch are lost already, and in the log.
  for (size_t i = 0; i < batch_lost_; ++i) {
    const Coverage::Range& range = lost_.ranges()[i];
    lost.remove(range.cpu_id, range.first, range.last);
  }
  for (const Coverage::Range& range : options_.covered_before.ranges())
    lost.remove(range.cpu_id, range.first, range.last);
  std::string line;
  for (size_t i = 0; i < lost.ranges().size(); ++i) {
    line += (line.empty() ? "" : ", ") + range_text(lost.ranges()[i]);
    if ((i + 1) % kRangesPerLine != 0 && i + 1 != lost.ranges().size()) continue;
    log::error("lost with the commit to \"" + shard_.path() + "\": " + line);
    line.clear();
  }
  if (lost.empty()) return;
  lost_.add(lost);
  lost_.coarsen(kLostRangesMax);
  show_lost();
}

void BatchWriter::show_lost() {
  uint64_t sequences = 0;
  for (const Coverage::Range& range : lost_.ranges()) sequences += range.count();
  lost_shown_.store(sequences, std::memory_order_relaxed);
}

BatchWriter::Failure BatchWriter::last_failure() const {
  const std::lock_guard lock(failure_mutex_);
  return last_failure_;
}

void BatchWriter::set_aside() {
  const int64_t now_ns = options_.clock->monotonic_ns();
  if (last_set_aside_ns_ != 0 && now_ns - last_set_aside_ns_ < kSetAsideIntervalNs) {
    damage_.reset();  // found again by the next commit that fails on it
    return;
  }
  last_set_aside_ns_ = now_ns;
  const Error why = std::move(*damage_);
  damage_.reset();
  // What holds on to the old connection lets go of it.
  maintenance_.end_all(why);
  Status status = shard_.quarantine(why);
  // Whatever the old file held stays covered, readable or not: a restart repeats no sequence.
  restore_known_ = true;
  if (!status.ok()) note_failure(status.error());
  healthy_.store(status.ok(), std::memory_order_relaxed);
  if (options_.on_storage_error) options_.on_storage_error(shard_.index(), why, status.ok());
}

void BatchWriter::abandon() {
  for (DrainedCursor& cursor : drained_) handoff_.recycle(cursor.batch);
  drained_.clear();
  const Status stopped(sqlstate::kIoError, "the server is shutting down and its storage fails");
  for (Staging& staging : staging_) {
    if (auto* commit = std::get_if<SqlCommit>(&staging.item))
      finish_sql(*commit->transaction, Error(stopped.error()), 0);
    // Its session may be waiting for room; submit() will tell it.
    if (auto* chunk = std::get_if<SqlChunk>(&staging.item)) {
      chunk->transaction->failed.store(true);
      chunk->transaction->release(chunk->rows.used_bytes());
    }
  }
  staging_.clear();
  reach_fences(false);
}

}  // namespace eventd::engine
