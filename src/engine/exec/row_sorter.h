// Collects rows and gives them back in order: full sorts and top-k.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/exec/batch_source.h"
#include "engine/exec/sort_order.h"

namespace eventd::engine {

/// Owned by one thread at a time. With `keep`, only the first `keep` rows of the order are held
/// (top-k): memory is bounded by about twice that many rows. Ties stay in the order they came.
class RowSorter {
 public:
  RowSorter(const OperatorContext& context, std::shared_ptr<const SortOrder> order,
            std::optional<uint64_t> keep);

  /// Takes the rows of `batch`. 53200 when they don't fit the query's memory.
  Status add(Batch batch);
  /// Takes the rows another sorter (same order and keep) holds; their ties come after ours.
  Status absorb(RowSorter& other);
  /// Ends the input.
  Status finish();
  /// After finish(): the next rows in order, at most kBatchRows; false at the end.
  bool next(Batch& batch);
  uint64_t row_count() const { return entries_.size(); }
  size_t peak_memory_bytes() const { return grant_.peak_bytes(); }

 private:
  struct Entry {
    uint64_t prefix;
    uint32_t rank;
    uint32_t batch;
    uint32_t row;
  };
  /// Everything the entries refer to; kept alive by the batches given out.
  struct Store {
    std::vector<Batch> batches;
    std::vector<std::vector<Vector>> keys;
    StringHeap anchor;
  };
  bool before(const Entry& a, const Entry& b) const;
  /// Sorts the entries and drops those past keep_.
  Status compact();
  Batch gather(size_t first, uint32_t count) const;
  void sort_entries();
  void account(const Batch& batch);

  const OperatorContext context_;
  std::shared_ptr<const SortOrder> order_;
  const std::optional<uint64_t> keep_;
  std::shared_ptr<Store> store_ = std::make_shared<Store>();
  std::vector<Entry> entries_;
  std::vector<SortOrder::Leading> leading_;
  /// With keep_ rows known: rows that come after this one need not be taken.
  std::optional<SortOrder::Leading> threshold_;
  size_t compact_at_ = 0;
  size_t held_bytes_ = 0;
  std::vector<const void*> identities_;  // values of each column in the last batch taken
  MemoryGrant grant_;
  size_t position_ = 0;
};

}  // namespace eventd::engine
