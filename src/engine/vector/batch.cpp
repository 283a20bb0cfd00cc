#include <algorithm>
#include <cassert>

#include "engine/vector/physical_dispatch.h"
#include "engine/vector/vector.h"

namespace eventd::engine {

Batch Batch::select(const uint32_t* ids, uint32_t count) const {
  Batch result;
  result.size = count;
  if (columns.empty()) return result;
  std::shared_ptr<uint32_t[]> selection(new uint32_t[std::max<uint32_t>(count, 1)]);
  std::copy_n(ids, count, selection.get());
  result.columns.reserve(columns.size());
  for (size_t c = 0; c < columns.size(); ++c) {
    const Vector& column = columns[c];
    // Columns that an earlier select() made share their ids: compose those once.
    bool reused = false;
    if (column.form_ == Vector::Form::kDictionary) {
      for (size_t e = 0; e < c && !reused; ++e) {
        if (columns[e].ids_ != column.ids_) continue;
        Vector same = column;
        same.ids_ = result.columns[e].ids_;
        same.size_ = same.capacity_ = count;
        result.columns.push_back(std::move(same));
        reused = true;
      }
    }
    if (!reused) result.columns.push_back(Vector::dictionary(column, selection, count));
  }
  return result;
}

BatchBuilder::BatchBuilder(std::vector<Oid> types) : types_(std::move(types)) { reset(); }

void BatchBuilder::reset() {
  size_ = 0;
  columns_.clear();
  columns_.reserve(types_.size());
  for (Oid type : types_) columns_.push_back(Vector::flat(type, kBatchRows));
}

uint32_t BatchBuilder::add_row() {
  assert(size_ < kBatchRows);
  return size_++;
}

void BatchBuilder::append(const Batch& batch, uint32_t row) {
  const uint32_t to = add_row();
  for (size_t c = 0; c < columns_.size(); ++c) {
    const Vector& from = batch.columns[c];
    if (from.is_null(row)) {
      columns_[c].set_null(to);
      continue;
    }
    dispatch_physical(physical_of(types_[c]), [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (std::is_same_v<T, StringRef>) {
        columns_[c].set_string(to, from.view<T>()[row].view());
      } else {
        columns_[c].data<T>()[to] = from.view<T>()[row];
      }
    });
  }
}

Batch BatchBuilder::take() {
  Batch result;
  result.size = size_;
  result.columns = std::move(columns_);
  for (Vector& column : result.columns) column.set_size(size_);
  reset();
  return result;
}

}  // namespace eventd::engine
