#include "engine/storage/pending_events.h"

#include <algorithm>
#include <utility>

namespace eventd::engine {

PendingEvents::PendingEvents(std::vector<PendingEvent> rows,
                             std::shared_ptr<const PendingEvents> previous)
    : rows_(std::move(rows)), previous_(std::move(previous)), size_(rows_.size()) {
  if (previous_) size_ += previous_->size_;
}

// Unlinks a long chain step by step: destroying it recursively could exhaust the stack.
PendingEvents::~PendingEvents() {
  std::shared_ptr<const PendingEvents> next = std::move(previous_);
  while (next && next.use_count() == 1) {
    next = std::move(const_cast<PendingEvents&>(*next).previous_);
  }
}

std::vector<const PendingEvent*> PendingEvents::all() const {
  std::vector<const PendingEvents*> runs;
  for (const PendingEvents* run = this; run; run = run->previous_.get()) runs.push_back(run);
  std::reverse(runs.begin(), runs.end());
  std::vector<const PendingEvent*> rows;
  rows.reserve(size_);
  for (const PendingEvents* run : runs) {
    for (const PendingEvent& row : run->rows_) rows.push_back(&row);
  }
  return rows;
}

}  // namespace eventd::engine
