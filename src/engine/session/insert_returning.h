// The rows of INSERT INTO events … RETURNING: what was stored, with the server's stamps.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bytes.h"
#include "engine/ingest/event_ingest.h"
#include "engine/plan/logical_plan.h"
#include "engine/scan/memory_account.h"
#include "engine/scan/relation.h"
#include "engine/vector/vector.h"
#include "result.h"

namespace eventd::engine {

/// Kept in memory until the statement has ended, bounded by its memory account. Owned by its portal.
class InsertReturning {
 public:
  /// The columns `names` (`*` = all) of `events`. 42703.
  static Result<std::vector<OutputColumn>> columns(const Relation& events,
                                                   std::span<const std::string> names);

  /// `columns` and `memory` are borrowed.
  InsertReturning(const std::vector<OutputColumn>& columns, const Guid& boot_id,
                  const EventTransaction::Stamp& stamp, MemoryAccount& memory);

  /// True when a column is known only after the commit (sequence, cpu_id).
  bool needs_commit() const { return needs_commit_; }
  /// A row as it was given to the transaction. 53200.
  Status add(std::string_view event_type, ByteSpan payload);
  /// Of the commit; without it sequence and cpu_id are NULL.
  void set_outcome(const EventTransaction::Outcome& outcome) { outcome_ = outcome; }
  /// The next rows; false at the end.
  bool next(Batch& batch);

 private:
  struct Row {
    std::string event_type, payload;
  };
  Vector column(const OutputColumn& output, size_t first, uint32_t count) const;

  const std::vector<OutputColumn>& columns_;
  const Guid boot_id_;
  const EventTransaction::Stamp stamp_;
  MemoryAccount& memory_;
  bool needs_commit_ = false;
  std::vector<Row> rows_;
  size_t next_row_ = 0;
  EventTransaction::Outcome outcome_;
};

}  // namespace eventd::engine
