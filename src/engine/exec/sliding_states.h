// An aggregate over a range of rows whose ends only move forward.
#pragma once

#include <cstdint>

#include "engine/exec/aggregate_state.h"
#include "engine/functions/function.h"
#include "result.h"

namespace eventd::engine {

/// Combines states of single rows, about three combine() a row whatever the range's length:
///
///            begin       middle        end
///     … | gone | s s s s s | r r r r r r | not yet
///
/// In front of `middle` state i holds the rows [i, middle); what lies behind is in one more state.
/// When `begin` passes `middle`, the rows behind become the front. REQUIRES: partials not kUnfit.
/// One thread.
class SlidingStates {
 public:
  /// Takes the states of the rows 0, 1 … and changes them.
  SlidingStates(const AggregateFunction& function, const EvalContext& eval,
                std::unique_ptr<AggregateStates> rows)
      : function_(function), eval_(eval), rows_(std::move(rows)), back_(function, 1) {}

  /// The range is now [begin, end). REQUIRES: neither goes back; begin <= end.
  Status move(uint32_t begin, uint32_t end);
  /// Adds the rows of the range to `into`.
  Status add_to(void* into);

 private:
  Status combine(void* into, void* from) { return function_.combine(eval_, into, from); }

  const AggregateFunction& function_;
  const EvalContext& eval_;
  std::unique_ptr<AggregateStates> rows_;
  AggregateStates back_;
  uint32_t begin_ = 0, middle_ = 0, end_ = 0;
};

}  // namespace eventd::engine
