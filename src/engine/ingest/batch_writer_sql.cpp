// Rows of a batch that come from SQL transactions, and what their clients are told.
#include <algorithm>
#include <string>
#include <utility>

#include "engine/ingest/batch_writer.h"
#include "engine/limits.h"

namespace eventd::engine {

namespace {

/// Larger transactions and slower disks would hold up the thread's other work for too long, and gain
/// nothing.
constexpr size_t kCommitHereBytesMax = 64 * 1024;
constexpr double kCommitHereCostMaxNs = 5e6;

}  // namespace

bool BatchWriter::commit_here(const std::shared_ptr<SqlTransaction>& transaction) {
  if (transaction->staged || transaction->rows.used_bytes() > kCommitHereBytesMax) return false;
  if (!handoff_.try_borrow()) return false;
  const bool worth_it = arrivals_.commit_cost_ns() < kCommitHereCostMaxNs;
  if (worth_it) {
    commits_here_.add();
    sql_.push_back(transaction);
    if (Status status = fill(); !status.ok()) {
      fail(std::move(status));
    } else {
      commit();
    }
  }
  // Checkpoints, retries and lost ranges are the writer thread's.
  handoff_.end_borrow(!idle() || failures_in_a_row_ != 0 || shard_.checkpoint_due());
  return worth_it;
}

Status BatchWriter::fill_from_sql() {
  while (!sql_.empty() && !batch_full()) {
    const uint64_t rows = sql_.front()->rows.row_count();
    // A transaction stays whole: one that does not fit starts the next batch.
    if (batch_rows_ != 0 && batch_rows_ + rows > max_batch_size_.load(std::memory_order_relaxed))
      break;
    auto transaction = std::move(sql_.front());
    sql_.pop_front();
    RETURN_IF_ERROR(append_sql(std::move(transaction)));
  }
  return {};
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

bool BatchWriter::may_defer_receipts() const {
  if (batch_sql_.empty() || restore_known_ || !batch_receipts_.empty() || !staged_coverage_.empty() ||
      deferred_rows_ + batch_rows_ > kDeferredReceiptRowsMax)
    return false;
  for (const Coverage::Range& range : batch_coverage_.ranges()) {
    if (range.cpu_id != sql_cpu_id_) return false;
  }
  // The rows of a published tail have sequences from before the last receipts.
  return std::none_of(batch_sql_.begin(), batch_sql_.end(), [](const CommittingSql& sql) {
    return sql.transaction->tail.has_value();
  });
}

void BatchWriter::note_deferred() {
  if (!batch_deferred_) {
    deferred_coverage_.clear();
    deferred_rows_ = 0;
    return;
  }
  deferred_coverage_.add(batch_coverage_);
  deferred_rows_ += batch_rows_;
  // A fresh file in this one's place would need them.
  known_.add(batch_coverage_);
}

void BatchWriter::settle_receipts() {
  if (deferred_coverage_.empty() || begun_ || failures_in_a_row_ != 0) return;
  if (Status status = ensure_begun(); !status.ok()) return fail(std::move(status));
  commit();
}

void BatchWriter::acknowledge_sql() {
  for (CommittingSql& sql : batch_sql_) {
    sql_transactions_.add();
    finish_sql(*sql.transaction, {}, sql.first_sequence);
  }
}

void BatchWriter::refuse_sql(const Error& error) {
  const auto refuse = [&](SqlTransaction& transaction) {
    if (transaction.tail) shard_.stage_discard(*transaction.tail);
    finish_sql(transaction, Error(error), 0);
  };
  for (CommittingSql& sql : batch_sql_) refuse(*sql.transaction);
  for (auto& transaction : sql_) refuse(*transaction);
  sql_.clear();
}

void BatchWriter::finish_sql(SqlTransaction& transaction, Status status, uint64_t first_sequence) {
  auto durable = std::exchange(transaction.durable, nullptr);
  if (durable) durable(std::move(status), {.first_sequence = first_sequence, .cpu_id = sql_cpu_id_});
}

}  // namespace eventd::engine
