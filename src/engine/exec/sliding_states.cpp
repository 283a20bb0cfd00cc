#include "engine/exec/sliding_states.h"

#include <algorithm>

namespace eventd::engine {

namespace {
/// Rows between two looks at the cancel token.
constexpr uint32_t kCancelRows = 1U << 16;
}  // namespace

Status SlidingStates::move(uint32_t begin, uint32_t end) {
  if (begin >= end_) {  // nothing of the old range is left
    if (end_ > middle_) back_.clear(0);
    middle_ = end_ = begin;
  }
  for (; end_ < end; ++end_) {
    RETURN_IF_ERROR(combine(back_.at(0), rows_->at(end_)));
    if (eval_.cancel != nullptr && end_ % kCancelRows == 0) RETURN_IF_ERROR(eval_.cancel->check());
  }
  begin_ = begin;
  if (begin < middle_ || middle_ == end_) return {};
  for (uint32_t i = end_ - 1; i-- > begin;) RETURN_IF_ERROR(combine(rows_->at(i), rows_->at(i + 1)));
  middle_ = end_;
  back_.clear(0);
  return {};
}

Status SlidingStates::add_to(void* into) {
  if (begin_ < middle_) RETURN_IF_ERROR(combine(into, rows_->at(begin_)));
  return middle_ < end_ ? combine(into, back_.at(0)) : Status();
}

}  // namespace eventd::engine
