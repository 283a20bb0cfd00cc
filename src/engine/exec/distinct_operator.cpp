#include "engine/exec/aggregation.h"

namespace eventd::engine {

Status DistinctOperator::spill(const Batch& batch, const uint32_t* rows, uint32_t count) {
  if (spilled_ == nullptr) {
    ASSIGN_OR_RETURN(spilled_, SpillPartitions::create(context(), types_, level_));
  }
  std::vector<uint64_t> hashes(batch.size);
  for (size_t c = 0; c < batch.columns.size(); ++c) {
    hash_vector(batch.columns[c], hashes.data(), batch.size, c > 0);
  }
  return spilled_->add(batch, hashes.data(), rows, count);
}

Result<bool> DistinctOperator::next_part() {
  child_.reset();
  reader_.reset();
  if (spilled_ != nullptr) {
    RETURN_IF_ERROR(spilled_->finish());
    pending_.push_back({std::move(spilled_), 0});
  }
  while (!pending_.empty()) {
    Pending& last = pending_.back();
    while (last.next < SpillPartitions::kFanout && last.parts->partition(last.next).row_count() == 0) {
      ++last.next;
    }
    if (last.next == SpillPartitions::kFanout) {
      pending_.pop_back();
      continue;
    }
    level_ = last.parts->level() + 1;
    reader_ = std::make_unique<SpillReader>(last.parts->partition(last.next++).read());
    seen_table_ = std::make_unique<GroupTable>(types_);
    grant_.reset();
    frozen_ = false;
    return true;
  }
  return false;
}

Result<bool> DistinctOperator::read(Batch& batch) {
  for (;;) {
    if (child_ != nullptr || reader_ != nullptr) {
      ASSIGN_OR_RETURN(const bool more, child_ != nullptr ? child_->next(batch) : reader_->next(batch));
      if (more) return true;
    }
    ASSIGN_OR_RETURN(const bool another, next_part());
    if (!another) return false;
  }
}

Result<bool> DistinctOperator::produce(Batch& batch) {
  uint32_t* groups = groups_.get();
  std::vector<uint32_t> unknown;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, read(batch));
    if (!more) return false;
    uint32_t next_new = seen_table_->group_count();
    const bool can_spill = context().temp != nullptr && level_ < SpillPartitions::kLevelsMax;
    if (can_spill && !frozen_ && next_new > 0) {
      frozen_ = !grant_.try_ensure(seen_table_->memory_bytes() + seen_table_->growth_bytes(batch.size));
      seen_table_->set_frozen(frozen_);
    }
    seen_table_->find_or_add(batch.columns, batch.size, groups);
    RETURN_IF_ERROR(grant_.ensure(seen_table_->memory_bytes()));
    uint32_t count = 0;
    unknown.clear();
    for (uint32_t i = 0; i < batch.size; ++i) {
      if (groups[i] == GroupTable::kNoGroup) {
        unknown.push_back(i);
      } else if (groups[i] == next_new) {
        ++next_new;
        groups[count++] = i;
      }
    }
    if (!unknown.empty()) {
      RETURN_IF_ERROR(spill(batch, unknown.data(), static_cast<uint32_t>(unknown.size())));
    }
    if (count == 0) continue;
    if (count < batch.size) batch = batch.select(groups, count);
    return true;
  }
}

}  // namespace eventd::engine
