#include "engine/ingest/sql_rows.h"

#include <cassert>
#include <string>
#include <utility>
#include <vector>

#include "engine/storage/pending_events.h"

namespace eventd::engine {
namespace {

/// Once a transaction spills, rows go to the writer in pieces of this size.
constexpr size_t kChunkBytes = 1 << 20;

Status shutting_down() {
  return {sqlstate::kAdminShutdown, "terminating connection due to administrator command"};
}

Status with_hint(SqlState code, std::string message, std::string hint) {
  Error error;
  error.code = code;
  error.message = std::move(message);
  error.hint = std::move(hint);
  return error;
}

}  // namespace

SqlRows::SqlRows(BatchWriter& writer, Handoff& handoff, const Guid& boot_id, size_t emit_buffer_bytes,
                 int64_t emit_spool_max_bytes, std::shared_ptr<void> busy)
    : writer_(writer),
      handoff_(handoff),
      boot_id_(boot_id),
      emit_buffer_bytes_(emit_buffer_bytes),
      emit_spool_max_bytes_(emit_spool_max_bytes),
      busy_(std::move(busy)),
      shared_(std::make_shared<SqlTransaction>()) {}

SqlRows::~SqlRows() {
  if (!submitted_ && shared_->staged) handoff_.post(SqlDiscard{shared_});
}

void SqlRows::set_stamp(const Stamp& stamp) { shared_->rows.set_stamp(stamp); }

Status SqlRows::add(std::string_view event_type, ByteSpan payload) {
  assert(!submitted_);
  const size_t total = staged_bytes_ + shared_->rows.used_bytes() + event_type.size() + payload.size();
  if (static_cast<int64_t>(total) > emit_spool_max_bytes_) {
    return with_hint(sqlstate::kConfigurationLimitExceeded,
                     "transaction writes more than " + std::to_string(emit_spool_max_bytes_) +
                         " bytes of events",
                     "Raise the setting emit_spool_max, or commit in smaller parts.");
  }
  shared_->rows.add(event_type, payload);
  const size_t bytes = shared_->rows.used_bytes();
  if (bytes > emit_buffer_bytes_ || (shared_->staged && bytes >= kChunkBytes)) send_chunk();
  return {};
}

void SqlRows::send_chunk() {
  staged_rows_ += shared_->rows.row_count();
  shared_->staged = true;
  pending_.reset();
  pending_cursor_.reset();
  SqlChunk chunk{shared_, shared_->rows.take()};
  const size_t bytes = chunk.rows.used_bytes();
  staged_bytes_ += bytes;
  if (shared_->failed.load()) return;  // submit() will report it
  shared_->queued_bytes.fetch_add(bytes);
  // So will it that the handoff is closed.
  if (!handoff_.post(std::move(chunk))) shared_->queued_bytes.fetch_sub(bytes);
}

bool SqlRows::ready_for_more(Wake wake) { return shared_->wait_for_room(std::move(wake)); }

Status SqlRows::truncate(uint64_t row_count) {
  assert(!submitted_);
  if (row_count < staged_rows_) {
    return with_hint(sqlstate::kFeatureNotSupported,
                     "cannot roll back to a savepoint before events that were already spilled",
                     "Raise the setting emit_buffer, or roll back the whole transaction.");
  }
  shared_->rows.truncate(row_count - staged_rows_);
  pending_.reset();
  pending_cursor_.reset();
  return {};
}

std::shared_ptr<const PendingEvents> SqlRows::pending() const {
  if (shared_->rows.row_count() == 0) return nullptr;
  if (!pending_cursor_) pending_cursor_ = std::make_unique<RowBuffer::Cursor>(shared_->rows);
  std::vector<PendingEvent> added;
  RowBuffer::Row row;
  while (pending_cursor_->next(row)) {
    PendingEvent& event = added.emplace_back();
    event.timestamp_ns = row.stamp->timestamp_ns;
    event.boot_id = boot_id_;
    event.effective_token_guid = row.stamp->effective_token_guid;
    event.true_token_guid = row.stamp->true_token_guid;
    event.process_guid = row.stamp->process_guid;
    event.event_type = row.event_type;
    event.payload = as_text(row.payload);
    event.origin_class = KMES_ORIGIN_USERSPACE;
  }
  if (!added.empty())
    pending_ = std::make_shared<const PendingEvents>(std::move(added), std::move(pending_));
  return pending_;
}

void SqlRows::commit_here(std::function<void(Status, Outcome)> durable) {
  assert(!submitted_);
  shared_->durable = std::move(durable);
  if (writer_.commit_here(shared_)) {
    submitted_ = true;
  } else {
    submit(std::exchange(shared_->durable, nullptr));
  }
}

void SqlRows::submit(std::function<void(Status, Outcome)> durable) {
  assert(!submitted_);
  submitted_ = true;
  if (shared_->staged && shared_->rows.row_count() != 0) send_chunk();
  shared_->durable = std::move(durable);
  if (handoff_.post(SqlCommit{shared_})) return;
  auto failed = std::exchange(shared_->durable, nullptr);
  if (failed) failed(shutting_down(), {});
}

}  // namespace eventd::engine
