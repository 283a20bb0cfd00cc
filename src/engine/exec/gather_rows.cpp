#include "engine/exec/gather_rows.h"

#include <utility>

#include "engine/exec/worker_group.h"

namespace eventd::engine {

GatherRowsOperator::Copy* GatherRowsOperator::claim() {
  const std::lock_guard lock(mutex_);
  for (Copy& copy : copies_) {
    if (copy.busy || copy.done) continue;
    copy.busy = true;
    return &copy;
  }
  if (scanned_ || copies_.size() > options_.helpers) return nullptr;
  copies_.push_back({fragment_.open(context()), true, false});
  return &copies_.back();
}

void GatherRowsOperator::give_back(Copy& copy, bool done) {
  const std::lock_guard lock(mutex_);
  copy.busy = false;
  copy.done = done;
  scanned_ = scanned_ || done;
}

bool GatherRowsOperator::add(Batch batch) {
  const std::lock_guard lock(mutex_);
  ready_.push_back(std::move(batch));
  return ready_.size() < kBatchesPerWorker * (options_.helpers + 1);
}

Status GatherRowsOperator::work(const std::atomic<bool>& stop) {
  while (Copy* copy = claim()) {
    for (bool more = true; more;) {
      Batch batch;
      Result<bool> read = copy->source->next(batch);
      if (!read.ok() || !*read) {
        give_back(*copy, true);
        if (!read.ok()) return std::move(read).take_status();
        break;
      }
      more = add(std::move(batch)) && !stop.load(std::memory_order_relaxed);
      if (more) continue;
      give_back(*copy, false);
      return {};
    }
  }
  return {};
}

Status GatherRowsOperator::run_round() {
  ready_.clear();
  taken_ = 0;
  return run_workers(*options_.pool, options_.helpers,
                     [this](size_t, const std::atomic<bool>& stop) { return work(stop); });
}

Result<bool> GatherRowsOperator::produce(Batch& batch) {
  if (taken_ == ready_.size()) RETURN_IF_ERROR(run_round());
  if (ready_.empty()) return false;
  batch = std::move(ready_[taken_++]);
  return true;
}

}  // namespace eventd::engine
