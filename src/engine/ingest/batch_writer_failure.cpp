// What becomes of a batch that could not be committed. Spec: ingest.md "A failed commit".
#include <string>
#include <utility>

#include "engine/ingest/batch_writer.h"
#include "log.h"

namespace eventd::engine {
namespace {

constexpr int64_t kErrorLogIntervalNs = 1'000'000'000;

}  // namespace

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
  // Clients that wait behind the failed batch are told at once too.
  refuse_sql(error);
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
