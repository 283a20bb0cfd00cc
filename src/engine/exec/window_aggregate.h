// An aggregate over the frame of every row.
#pragma once

#include <memory>
#include <vector>

#include "engine/exec/aggregate_state.h"
#include "engine/exec/batch_source.h"
#include "engine/exec/sliding_states.h"
#include "engine/exec/window_block.h"
#include "engine/exec/window_frame_bounds.h"

namespace eventd::engine {

/// Fills one column of a block. Three ways, chosen by how far frames overlap:
///  - frames that share their beginning go on from the last one's state;
///  - frames that slide are put together by SlidingStates, where that gives what adding up gives;
///  - otherwise each frame's rows are added up, as PostgreSQL does for floats.
/// One thread; used once.
class WindowAggregate {
 public:
  WindowAggregate(const WindowPlan::Call& call, const WindowBlock& block, const FrameBounds& bounds,
                  const OperatorContext& context, MemoryGrant& grant, size_t held_bytes);

  /// `held_bytes` (of the constructor) are in the grant already. Errors: the function's, 53200, 57014.
  Status run(WindowColumn& out);

 private:
  /// A range of the rows that pass the filter.
  struct Range {
    uint32_t begin, end;
    bool empty() const { return begin >= end; }
    bool operator==(const Range&) const = default;
  };
  /// A frame without what EXCLUDE takes out: rows before it, the row itself, rows behind it.
  struct Pieces {
    Range before{0, 0}, own{0, 0}, behind{0, 0};
    bool operator==(const Pieces&) const = default;
  };

  void apply_filter();
  Pieces pieces_of(uint32_t row) const;
  Range kept(uint32_t begin, uint32_t end) const;
  bool is_excluding() const {
    return call_.call->frame.exclusion != WindowFrame::Exclusion::kNone;
  }
  /// Whether to slide, by the rows that adding up would take.
  bool should_slide() const;
  Status run_adding(WindowColumn& out);
  Status run_sliding(WindowColumn& out);
  Status add_rows(const Range& range, void* state);
  Status finish(void* state, uint32_t row, uint32_t end, WindowColumn& out);
  Result<std::unique_ptr<AggregateStates>> row_states();
  Status account(const WindowColumn& out, size_t more);

  const WindowPlan::Call& call_;
  const AggregateFunction& function_;
  const WindowBlock& block_;
  const FrameBounds& bounds_;
  const OperatorContext& context_;
  MemoryGrant& grant_;
  const size_t held_bytes_;
  std::vector<Vector> arguments_;   // of the rows that pass the filter
  uint32_t kept_rows_ = 0;
  std::vector<uint32_t> kept_before_;  // with a filter: how many rows before row i pass it
  std::unique_ptr<AggregateStates> singles_;  // a state each row, made when wanted
  std::vector<void*> pointers_;
  size_t state_bytes_ = 0;
};

}  // namespace eventd::engine
