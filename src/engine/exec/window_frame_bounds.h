// Which rows the frame of each row has.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/exec/batch_source.h"
#include "engine/exec/window_block.h"
#include "engine/exec/window_plan.h"

namespace eventd::engine {

/// The frame of row i is [begin[i], end[i]), numbers of the block's rows, before EXCLUDE. Within a
/// partition neither of them ever goes back.
struct FrameBounds {
  std::vector<uint32_t> begin, end;
  size_t memory_bytes() const { return (begin.capacity() + end.capacity()) * sizeof(uint32_t); }
};

/// Errors: 22013 (RANGE with a negative offset), 22008, 57014.
Status find_frame_bounds(const WindowPlan& plan, const WindowBlock& block, const WindowFrame& frame,
                         const FrameOffsets& offsets, const OperatorContext& context,
                         FrameBounds& bounds);

/// One end of a RANGE frame with an offset, for every row of the block.
struct RangeEnd {
  bool is_start;   ///< else one past the end
  bool preceding;  ///< else following
  const Datum* offset;
};
Status find_range_end(const WindowBlock& block, const WindowPlan::Order& order, const RangeEnd& which,
                      const OperatorContext& context, std::vector<uint32_t>& rows);

}  // namespace eventd::engine
