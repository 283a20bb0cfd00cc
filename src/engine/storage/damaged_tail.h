// Finding the rows of a damaged tail table that SQLite can still read. Spec: storage.md "Corruption".
#pragma once

#include <cstdint>
#include <vector>

#include "engine/storage/read_pool.h"
#include "engine/storage/tail_range.h"

namespace eventd::engine {

/// A readable row's place. Its other columns may still prove unreadable.
struct ReadableRow {
  int64_t timestamp_ns = 0, rowid = 0;
};

/// Where a reader that met damage goes on: after this row, in the order of its range.
struct TailPosition {
  bool resumed = false;
  int64_t timestamp_ns = 0, rowid = 0;
};

/// The rows of `range` after `from`, in its order. Walks the table, not the index, and where a page
/// can't be read tries the next rowids until one can: every one at first, then in growing steps. Bounded;
/// one pass takes as long as it takes, but for an interruption. XX001 only when there are too many
/// rows to list.
Result<std::vector<ReadableRow>> find_readable_rows(ReadConnection& connection,
                                                    const TailRange& range,
                                                    const TailPosition& from,
                                                    ScanCounters& counters);

/// Rows of `file` were left out, or may have been: counted, and logged once a file. Its writer is told.
void note_damage(ShardFile& file, const Status& why);

/// Whether the status means damage rather than a passing trouble.
inline bool is_damage(const Status& status) {
  return !status.ok() && status.error().code == sqlstate::kDataCorrupted;
}

}  // namespace eventd::engine
