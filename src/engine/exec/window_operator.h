// Window functions and aggregates over rows that come in the window's order.
#pragma once

#include <memory>
#include <vector>

#include "engine/exec/batch_source.h"
#include "engine/exec/window_block.h"
#include "engine/exec/window_frame_bounds.h"
#include "engine/exec/window_plan.h"

namespace eventd::engine {

/// The child's rows, in its order, with a column for each call. Holds the rows of one partition at a
/// time (of some, when they are short); 53200 when they don't fit. Threads: see BatchSource.
class WindowOperator : public BatchSource {
 public:
  /// `child` gives rows sorted by the plan's partition keys, then its order.
  WindowOperator(const OperatorContext& context, OperatorStats* stats, BatchSourcePtr child,
                 std::shared_ptr<const WindowPlan> plan)
      : BatchSource(context, stats), child_(std::move(child)), plan_(std::move(plan)),
        grant_(context.memory) {}

 protected:
  Result<bool> produce(Batch& batch) override;

 private:
  Status start();
  /// Collects whole partitions into a block; false at the end.
  Result<bool> fill();
  Status take(Batch batch, bool& block_is_full);
  Status make_block();
  Status compute_calls();
  void give(Batch& batch);
  /// The last row of `batch` that begins a partition; 0 if only row 0 may, and does not.
  uint32_t last_partition_start(const Batch& batch) const;
  bool starts_partition(const Batch& batch, uint32_t row) const;
  size_t bytes_of(const Batch& batch);

  BatchSourcePtr child_;
  std::shared_ptr<const WindowPlan> plan_;
  MemoryGrant grant_;
  bool started_ = false;
  std::vector<FrameOffsets> offsets_;    // of each call
  std::vector<WindowSegment> segments_;  // rows not in a block yet
  uint64_t pending_rows_ = 0;
  size_t pending_bytes_ = 0;
  std::vector<const void*> identities_;
  std::vector<WindowSegment> carried_;   // what goes to the block after this one
  std::unique_ptr<WindowBlock> block_;
  std::vector<WindowColumn> results_;
  uint32_t next_row_ = 0;
};

}  // namespace eventd::engine
