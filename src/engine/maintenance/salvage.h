// What is still readable of a damaged event shard, in a new file. Spec: storage.md "Corruption".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "result.h"

namespace eventd::engine {

struct SalvageReport {
  uint64_t rows_copied = 0;
  /// Ids missing between rows that could be read; at least so many.
  uint64_t rows_missing = 0;
  /// Read, but not what an event can be: the page has other bytes than were written.
  uint64_t rows_refused = 0;
  uint64_t receipts = 0, event_types = 0;
  /// What could not be read, in words.
  std::vector<std::string> remarks;
  bool complete() const { return rows_missing == 0 && rows_refused == 0 && remarks.empty(); }
};

/// Copies rows, receipts and event types of `damaged`, an event shard, into `output`, which must not
/// exist: an event shard again, with the same ids. `damaged` is only read; with a WAL beside it, a
/// private copy of both is worked on. Receipts of the copied rows are added to those that could be read.
/// XX001 when nothing can be read at all, 42710, 53100, 58030: then there is no output.
Result<SalvageReport> salvage_shard(const std::string& damaged, const std::string& output);

}  // namespace eventd::engine
