#include "engine/exec/window_block.h"

#include <algorithm>

#include "engine/functions/function.h"
#include "engine/vector/physical_dispatch.h"

namespace eventd::engine {

namespace {

/// What keeps the strings of a block alive: one reference instead of one for each batch.
struct SegmentStore {
  std::vector<WindowSegment> segments;
  StringHeap anchor;
};

Vector join_column(const std::shared_ptr<SegmentStore>& store, size_t column, uint32_t rows) {
  const std::vector<WindowSegment>& segments = store->segments;
  const Oid type = segments.front().batch.columns[column].type();
  Vector joined = Vector::flat(type, rows);
  dispatch_physical(physical_of(type), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* to = joined.data<T>();
    uint32_t at = 0;
    for (const WindowSegment& segment : segments) {
      const Vector& from = segment.batch.columns[column];
      const VectorView<T> values(from);
      if (from.form() == Vector::Form::kFlat) {
        std::copy_n(&values[segment.first], segment.count, to + at);
      } else {
        for (uint32_t i = 0; i < segment.count; ++i) to[at + i] = values[segment.first + i];
      }
      if (!values.all_valid()) {
        for (uint32_t i = 0; i < segment.count; ++i) {
          if (!values.valid(segment.first + i)) joined.set_null(at + i);
        }
      }
      at += segment.count;
    }
    if constexpr (std::is_same_v<T, StringRef>) {
      joined.share_heap(std::shared_ptr<const StringHeap>(store, &store->anchor));
    }
  });
  return joined;
}

/// Sets differs[i] where row i is unlike row i - 1 in `column`.
void mark_changes(const Vector& column, std::vector<uint8_t>& differs) {
  const uint32_t rows = static_cast<uint32_t>(differs.size());
  if (column.form() == Vector::Form::kConstant) return;
  dispatch_physical(physical_of(column.type()), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T>) {
      const VectorView<T> values(column);
      if (values.all_valid()) {
        for (uint32_t i = 1; i < rows; ++i) {
          if (values[i] != values[i - 1]) differs[i] = 1;
        }
        return;
      }
    }
    for (uint32_t i = 1; i < rows; ++i) {
      if (differs[i] != 0) continue;
      const bool null = column.is_null(i), null_before = column.is_null(i - 1);
      const bool same = null || null_before ? null == null_before
                                            : values_equal(column, i - 1, column, i);
      if (!same) differs[i] = 1;
    }
  });
}

std::vector<uint32_t> starts_of(const std::vector<uint8_t>& differs) {
  std::vector<uint32_t> starts{0};
  const uint32_t rows = static_cast<uint32_t>(differs.size());
  for (uint32_t i = 1; i < rows; ++i) {
    if (differs[i] != 0) starts.push_back(i);
  }
  starts.push_back(rows);
  return starts;
}

}  // namespace

WindowBlock::WindowBlock(const WindowPlan& plan, std::vector<WindowSegment> segments) {
  auto store = std::make_shared<SegmentStore>();
  store->segments = std::move(segments);
  for (const WindowSegment& segment : store->segments) rows_ += segment.count;
  const size_t count = plan.child_columns + plan.computed.size();
  for (size_t c = 0; c < count; ++c) {
    const bool constant = c >= plan.child_columns && plan.computed[c - plan.child_columns].filter < 0 &&
                          plan.computed[c - plan.child_columns].expression->expr().kind ==
                              Expr::Kind::kConstant;
    if (constant) {
      columns_.push_back(store->segments.front().batch.columns[c]);
      columns_.back().set_size(rows_);
    } else {
      columns_.push_back(join_column(store, c, rows_));
    }
  }
  find_boundaries(plan);
}

void WindowBlock::find_boundaries(const WindowPlan& plan) {
  std::vector<uint8_t> differs(rows_, 0);
  for (const int index : plan.partition_by) mark_changes(column(index), differs);
  partitions_ = starts_of(differs);
  if (!plan.needs_peers) return;
  for (const WindowPlan::Order& order : plan.order_by) mark_changes(column(order.column), differs);
  groups_ = starts_of(differs);
  group_of_.resize(rows_);
  for (uint32_t g = 0; g + 1 < groups_.size(); ++g) {
    std::fill(group_of_.begin() + groups_[g], group_of_.begin() + groups_[g + 1], g);
  }
}

size_t WindowBlock::memory_bytes() const {
  size_t bytes = (partitions_.capacity() + groups_.capacity() + group_of_.capacity()) * sizeof(uint32_t);
  for (const Vector& vector : columns_) bytes += vector.memory_bytes();
  return bytes;
}

bool same_values(const std::vector<int>& columns, const Batch& a, uint32_t row_a, const Batch& b,
                 uint32_t row_b) {
  for (const int index : columns) {
    const Vector& left = a.columns[static_cast<size_t>(index)];
    const Vector& right = b.columns[static_cast<size_t>(index)];
    const bool null = left.is_null(row_a);
    if (null != right.is_null(row_b)) return false;
    if (!null && !values_equal(left, row_a, right, row_b)) return false;
  }
  return true;
}

WindowColumn::WindowColumn(Oid type, uint32_t rows) : type_(type) {
  for (uint32_t first = 0; first < rows; first += kBatchRows) {
    chunks_.push_back(Vector::flat(type, std::min(kBatchRows, rows - first)));
  }
}

void WindowColumn::repeat(uint32_t row, uint32_t end) {
  Vector& chunk = chunk_of(row);
  const uint32_t from = place_of(row);
  const uint32_t count = end - row;
  const bool null = chunk.is_null(from);
  dispatch_physical(physical_of(type_), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* data = chunk.data<T>();
    std::fill_n(data + from + 1, count - 1, data[from]);
  });
  if (!null) return;
  for (uint32_t i = 1; i < count; ++i) chunk.set_null(from + i);
}

size_t WindowColumn::memory_bytes() const {
  size_t bytes = 0;
  for (const Vector& chunk : chunks_) bytes += chunk.memory_bytes();
  return bytes;
}

}  // namespace eventd::engine
