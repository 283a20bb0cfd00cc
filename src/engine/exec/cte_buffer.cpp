#include "engine/exec/cte_buffer.h"

#include "engine/exec/status_copy.h"

namespace eventd::engine {

Result<bool> CteBuffer::read(size_t index, Batch& batch) {
  const std::lock_guard lock(mutex_);
  while (index >= rows_.batch_count()) {
    RETURN_IF_ERROR(copy_of(status_));
    if (source_ == nullptr) return false;
    Batch next;
    Result<bool> more = source_->next(next);
    if (!more.ok()) {
      status_ = std::move(more).take_status();
    } else if (*more) {
      // As they come: a reader must not wait for rows that a recursion may never make.
      status_ = rows_.keep(std::move(next));
    }
    if (!status_.ok() || !*more) source_.reset();
  }
  batch = rows_.batch(index);
  return true;
}

}  // namespace eventd::engine
