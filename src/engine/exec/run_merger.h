// Sorted runs on disk, merged into one order. Private to engine/exec.
#pragma once

#include <memory>
#include <vector>

#include "engine/exec/batch_source.h"
#include "engine/exec/sort_order.h"
#include "engine/exec/spill_file.h"

namespace eventd::engine {

/// One run: rows in order, each followed by its keys that are not simply columns
/// (SortOrder::spilled_columns).
using SortedRun = std::unique_ptr<SpillStream>;

/// Reads up to kFanIn runs at once; ties go by the runs' order. Owned by one thread at a time.
class RunMerger {
 public:
  static constexpr size_t kFanIn = 16;

  /// Merges runs until at most kFanIn are left, always neighbours, so that ties keep their order.
  static Status reduce(const OperatorContext& context, const SortOrder& order,
                       std::vector<SortedRun>& runs);

  /// REQUIRES: at most kFanIn runs, all finished.
  RunMerger(const OperatorContext& context, const SortOrder& order, std::vector<SortedRun> runs);

  /// The next rows as they were written, at most kBatchRows; false at the end. Errors: those of
  /// SpillReader::next, 53200.
  Result<bool> next(Batch& batch);

 private:
  struct Input {
    SpillReader reader;
    size_t slot = 0;  // its batch in Rows
    uint32_t row = 0;
    size_t held_bytes = 0;
  };
  /// The batches being read and those that rows already picked lie in.
  struct Rows {
    std::vector<Batch> batches;
    std::vector<std::vector<Vector>> keys;
    std::vector<std::vector<SortOrder::Leading>> leading;
  };
  Status open();
  /// The input's next batch; false at its end.
  Result<bool> refill(Input& input);
  bool comes_after(size_t a, size_t b) const;
  /// Only the batches still being read stay.
  void renew_rows();

  const OperatorContext context_;
  const SortOrder& order_;
  std::vector<SortedRun> runs_;
  std::vector<Input> inputs_;
  std::vector<size_t> heap_;  // inputs with rows; the next row's on top
  Rows rows_;
  MemoryGrant grant_;
  bool opened_ = false;
};

}  // namespace eventd::engine
