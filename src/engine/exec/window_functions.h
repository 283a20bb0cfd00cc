// row_number() and its kin over a block.
#pragma once

#include "engine/exec/batch_source.h"
#include "engine/exec/window_block.h"
#include "engine/exec/window_frame_bounds.h"

namespace eventd::engine {

/// Whether the function looks at the frame of its row, not only at the partition.
bool reads_frame(WindowFunction::Kind kind);

/// Fills `out`, one value a row. `bounds` only when reads_frame(). Errors: 22014, 22016, 57014.
Status run_window_function(const WindowPlan::Call& call, const WindowBlock& block,
                           const FrameBounds& bounds, const OperatorContext& context,
                           WindowColumn& out);

}  // namespace eventd::engine
