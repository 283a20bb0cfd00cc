// The writer's side of transactions too large for one commit: storage.md "staged tails".
#include <algorithm>
#include <utility>

#include "engine/ingest/batch_writer.h"
#include "engine/limits.h"

namespace eventd::engine {
namespace {

/// Rows staged in one go: small enough that batches of the rings and of other clients don't wait.
constexpr uint64_t kStageRowsMax = 8192;

}  // namespace

void BatchWriter::run_staging() {
  // Discards and commits cost nothing here; at most one chunk is written before the next batch.
  for (bool wrote = false; !staging_.empty() && !wrote;) {
    Staging& front = staging_.front();
    if (auto* discard = std::get_if<SqlDiscard>(&front.item)) {
      if (discard->transaction->tail) shard_.stage_discard(*discard->transaction->tail);
      discard->transaction->tail.reset();
    } else if (auto* commit = std::get_if<SqlCommit>(&front.item)) {
      sql_.push_back(std::move(commit->transaction));
    } else {
      auto& chunk = std::get<SqlChunk>(front.item);
      SqlTransaction& transaction = *chunk.transaction;
      bool finished = true;
      if (transaction.failure.ok()) {
        if (!front.cursor) front.cursor = std::make_unique<RowBuffer::Cursor>(chunk.rows);
        wrote = true;
        const uint64_t rows = std::min<uint64_t>(
            kStageRowsMax, max_batch_size_.load(std::memory_order_relaxed));
        if (Status status = stage_rows(transaction, *front.cursor, rows, finished); !status.ok()) {
          if (status.error().code == sqlstate::kDataCorrupted) damage_ = status.error();
          transaction.failure = std::move(status);
          transaction.failed.store(true);
          finished = true;
        }
      }
      if (!finished) return;
      const size_t bytes = chunk.rows.used_bytes();
      // The rows go before the session is told that there is room for more.
      auto keep = std::move(chunk.transaction);
      staging_.pop_front();
      keep->release(bytes);
      continue;
    }
    staging_.pop_front();
  }
}

Status BatchWriter::stage_rows(SqlTransaction& transaction, RowBuffer::Cursor& cursor,
                               uint64_t rows_max, bool& finished) {
  if (!transaction.tail) {
    ASSIGN_OR_RETURN(transaction.tail, shard_.stage_create());
  }
  const uint64_t first = sql_sequence_ + 1;
  uint64_t last = sql_sequence_;
  stage_rows_.clear();
  RowBuffer::Row from;
  finished = false;
  while (stage_rows_.size() < rows_max) {
    if (!cursor.next(from)) {
      finished = true;
      break;
    }
    EventRow& row = stage_rows_.emplace_back();
    row.timestamp_ns = from.stamp->timestamp_ns;
    row.sequence = ++last;
    row.boot_id = options_.boot_id.bytes.data();
    row.effective_token_guid = from.stamp->effective_token_guid.bytes.data();
    row.true_token_guid = from.stamp->true_token_guid.bytes.data();
    row.process_guid = from.stamp->process_guid.bytes.data();
    row.event_type = from.event_type;
    row.payload = from.payload;
    row.cpu_id = sql_cpu_id_;
    row.origin_class = KMES_ORIGIN_USERSPACE;
  }
  if (stage_rows_.empty()) return {};
  RETURN_IF_ERROR(shard_.stage_append(*transaction.tail, stage_rows_));
  // Spent whatever becomes of the transaction: the next commit's receipts cover them, so that a
  // crash before it reports no gap for rows nobody was promised.
  sql_sequence_ = last;
  staged_coverage_.add(sql_cpu_id_, first, last);
  if (transaction.staged_last_sequence == 0) {
    transaction.staged_first_sequence = first;
  } else if (transaction.staged_last_sequence + 1 != first) {
    transaction.staged_first_sequence = 0;
  }
  transaction.staged_last_sequence = last;
  return {};
}

}  // namespace eventd::engine
