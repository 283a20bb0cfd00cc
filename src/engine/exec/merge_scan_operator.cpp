#include <algorithm>

#include "engine/exec/source_operators.h"
#include "engine/vector/physical_dispatch.h"

namespace eventd::engine {

Status MergeScanOperator::open() {
  opened_ = true;
  partitions_.resize(scan_->partitions());
  for (uint32_t i = 0; i < partitions_.size(); ++i) {
    ASSIGN_OR_RETURN(partitions_[i].cursor, scan_->open_partition(i));
    ASSIGN_OR_RETURN(const bool more, refill(partitions_[i]));
    if (more) heap_.push_back(i);
  }
  const auto after = [this](uint32_t a, uint32_t b) { return comes_after(a, b); };
  std::make_heap(heap_.begin(), heap_.end(), after);
  return {};
}

Result<bool> MergeScanOperator::refill(Partition& partition) {
  if (context().cancel != nullptr) RETURN_IF_ERROR(context().cancel->check());
  auto batch = std::make_shared<Batch>();
  ASSIGN_OR_RETURN(const bool more, partition.cursor->next(*batch));
  partition.row = 0;
  if (!more) {
    partition.cursor.reset();
    return false;
  }
  const VectorView<int64_t> keys = batch->columns[key_column_].view<int64_t>();
  partition.keys.resize(batch->size);
  for (uint32_t i = 0; i < batch->size; ++i) {
    // Descending order of x is ascending order of ~x.
    partition.keys[i] = descending_ ? ~keys[i] : keys[i];
  }
  partition.batch = std::move(batch);
  return true;
}

Status MergeScanOperator::refill_due() {
  if (!due_) return {};
  const uint32_t partition = *due_;
  due_.reset();
  ASSIGN_OR_RETURN(const bool more, refill(partitions_[partition]));
  if (!more) return {};
  heap_.push_back(partition);
  std::push_heap(heap_.begin(), heap_.end(),
                 [this](uint32_t a, uint32_t b) { return comes_after(a, b); });
  return {};
}

bool MergeScanOperator::comes_after(uint32_t a, uint32_t b) const {
  const int64_t left = partitions_[a].keys[partitions_[a].row];
  const int64_t right = partitions_[b].keys[partitions_[b].row];
  return left != right ? left > right : a > b;
}

Result<bool> MergeScanOperator::produce(Batch& batch) {
  if (!opened_) RETURN_IF_ERROR(open());
  RETURN_IF_ERROR(refill_due());
  if (heap_.empty()) return false;
  const auto after = [this](uint32_t a, uint32_t b) { return comes_after(a, b); };
  if (heap_.size() == 1 && partitions_[heap_[0]].row == 0) {
    // The only partition left: its batches go up as they are.
    Partition& last = partitions_[heap_[0]];
    batch = *last.batch;
    if (drop_key_) batch.columns.pop_back();
    due_ = heap_[0];
    heap_.clear();
    return true;
  }
  picks_.clear();
  bool exhausted = false;
  while (picks_.size() < kBatchRows && !exhausted) {
    std::pop_heap(heap_.begin(), heap_.end(), after);
    Partition& first = partitions_[heap_.back()];
    picks_.push_back({heap_.back(), first.row++});
    exhausted = first.row == first.batch->size;
    if (!exhausted) std::push_heap(heap_.begin(), heap_.end(), after);
  }
  gather(batch);
  if (exhausted) {
    due_ = heap_.back();
    heap_.pop_back();
  }
  return true;
}

void MergeScanOperator::gather(Batch& out) const {
  const Batch& model = *partitions_[picks_.front().partition].batch;
  const size_t columns = model.columns.size() - (drop_key_ ? 1 : 0);
  out.columns.clear();
  out.size = static_cast<uint32_t>(picks_.size());
  for (size_t c = 0; c < columns; ++c) {
    const Oid type = model.columns[c].type();
    Vector column = Vector::flat(type, out.size);
    dispatch_physical(physical_of(type), [&](auto tag) {
      using T = typename decltype(tag)::type;
      T* to = column.data<T>();
      for (uint32_t i = 0; i < out.size; ++i) {
        const Vector& from = partitions_[picks_[i].partition].batch->columns[c];
        const VectorView<T> values(from);
        to[i] = values[picks_[i].row];
        if (!values.valid(picks_[i].row)) column.set_null(i);
      }
      if constexpr (std::is_same_v<T, StringRef>) {
        for (const Partition& partition : partitions_) {
          if (partition.batch != nullptr) column.share_heaps(partition.batch->columns[c]);
        }
      }
    });
    out.columns.push_back(std::move(column));
  }
}

}  // namespace eventd::engine
