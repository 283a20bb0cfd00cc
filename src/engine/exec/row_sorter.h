// Collects rows and gives them back in order: full sorts and top-k.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/exec/batch_source.h"
#include "engine/exec/packed_keys.h"
#include "engine/exec/row_gatherer.h"
#include "engine/exec/run_merger.h"
#include "engine/exec/sort_order.h"

namespace eventd::engine {

/// Owned by one thread at a time. Rows past what the query may hold go to disk as sorted runs. With
/// `keep`, only the first `keep` rows of the order are held (top-k): memory is bounded by about
/// twice that many rows; when they don't fit either, everything is sorted. Ties stay in the order
/// they came.
class RowSorter {
 public:
  RowSorter(const OperatorContext& context, std::shared_ptr<const SortOrder> order,
            std::optional<uint64_t> keep);

  /// Takes the rows of `batch`. Errors: those of evaluating keys and of writing to disk; 53200 when
  /// the memory is used up and nothing can be spilled.
  Status add(Batch batch);
  /// Sorts what is held, unless it is sorted sooner as a whole: what a worker does before another
  /// takes it over. No add() may follow.
  Status seal();
  /// Takes the rows another sorter (same order and keep, same columns) holds; their ties come after
  /// ours. REQUIRES: both are sealed.
  Status absorb(RowSorter& other);
  /// Ends the input.
  Status finish();
  /// After finish(): the next rows in order, at most kBatchRows; false at the end. Rows with
  /// `keep` may be more than those.
  Result<bool> next(Batch& batch);
  size_t peak_memory_bytes() const { return grant_.peak_bytes(); }
  /// Written to disk so far, each run once.
  uint64_t spilled_bytes() const { return spilled_bytes_; }

 private:
  using Entry = SortEntry;
  /// Everything the entries refer to; kept alive by the batches given out.
  struct Store {
    std::vector<Batch> batches;
    std::vector<std::vector<Vector>> keys;
    StringHeap anchor;
  };
  bool before(const Entry& a, const Entry& b) const;
  /// Sorts the entries and drops those past keep_.
  Status compact();
  /// Asks for the memory of what is held; spills it when refused.
  Status make_room();
  /// Writes the entries as a sorted run and forgets them.
  Status spill();
  Batch gather(const RowGatherer& gatherer, size_t first, uint32_t count) const;
  /// May change prefixes with `may_pack`: nothing can be merged then.
  Status sort_entries(bool may_pack);
  Status sort_in_pieces();
  Status sort_in_place();
  Status sort_for_merge();
  /// Without comparing; false when the keys or the memory don't allow it.
  bool sort_packed();
  void account(const Batch& batch);
  size_t needed_bytes() const { return held_bytes_ + entries_.capacity() * sizeof(Entry); }

  const OperatorContext context_;
  std::shared_ptr<const SortOrder> order_;
  std::optional<uint64_t> keep_;
  std::shared_ptr<Store> store_ = std::make_shared<Store>();
  std::vector<Entry> entries_;
  std::vector<SortOrder::Leading> leading_;
  /// With keep_ rows known: rows that come after this one need not be taken.
  std::optional<SortOrder::Leading> threshold_;
  size_t compact_at_ = 0;
  size_t held_bytes_ = 0;
  std::vector<const void*> identities_;  // values of each column in the last batch taken
  MemoryGrant grant_;
  std::vector<SortedRun> runs_;
  uint64_t spilled_bytes_ = 0;
  bool sealed_ = false;
  bool sorted_ = false;  // the entries, once sealed
  std::unique_ptr<RowGatherer> gatherer_;  // of what is given out
  std::unique_ptr<RunMerger> merger_;
  size_t position_ = 0;
};

}  // namespace eventd::engine
