#include "engine/exec/sort_operator.h"

namespace eventd::engine {

Result<bool> SortOperator::produce(Batch& batch) {
  if (child_ != nullptr) {
    for (;;) {
      Batch input;
      ASSIGN_OR_RETURN(const bool more, child_->next(input));
      if (!more) break;
      RETURN_IF_ERROR(sorter_.add(std::move(input)));
    }
    child_.reset();
    RETURN_IF_ERROR(sorter_.finish());
    if (stats() != nullptr) {
      stats()->memory_bytes.store(sorter_.peak_memory_bytes());
      stats()->disk_bytes.store(sorter_.spilled_bytes());
    }
  }
  return sorter_.next(batch);
}

}  // namespace eventd::engine
