// The session's side of a SQL transaction on its way to a writer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "engine/ingest/batch_writer.h"
#include "engine/ingest/event_ingest.h"
#include "engine/ingest/handoff.h"
#include "engine/ingest/sql_transaction.h"
#include "guid.h"

namespace eventd::engine {

/// EventTransaction over one shard's writer and its handoff, which outlive it. Owned by one session
/// thread.
class SqlRows final : public EventTransaction {
 public:
  /// `busy`: held while it lives, so that the shard counts as busy; may be null.
  SqlRows(BatchWriter& writer, Handoff& handoff, const Guid& boot_id, size_t emit_buffer_bytes,
          int64_t emit_spool_max_bytes, std::shared_ptr<void> busy);
  ~SqlRows() override;

  void set_stamp(const Stamp& stamp) override;
  Status add(std::string_view event_type, ByteSpan payload) override;
  uint64_t row_count() const override { return staged_rows_ + shared_->rows.row_count(); }
  bool spilled() const override { return shared_->staged; }
  bool ready_for_more(Wake wake) override;
  Status truncate(uint64_t row_count) override;
  std::shared_ptr<const PendingEvents> pending() const override;
  void submit(std::function<void(Status, Outcome)> durable) override;
  void commit_here(std::function<void(Status, Outcome)> durable) override;

 private:
  void send_chunk();

  BatchWriter& writer_;
  Handoff& handoff_;
  const Guid boot_id_;
  const size_t emit_buffer_bytes_;
  const int64_t emit_spool_max_bytes_;
  const std::shared_ptr<void> busy_;
  const std::shared_ptr<SqlTransaction> shared_;
  uint64_t staged_rows_ = 0;
  size_t staged_bytes_ = 0;
  bool submitted_ = false;
  // What pending() has copied so far; mutable because asking for it changes nothing else.
  mutable std::shared_ptr<const PendingEvents> pending_;
  mutable std::unique_ptr<RowBuffer::Cursor> pending_cursor_;
};

}  // namespace eventd::engine
