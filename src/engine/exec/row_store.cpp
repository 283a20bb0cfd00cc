#include "engine/exec/row_store.h"

#include <algorithm>

#include "engine/vector/physical_dispatch.h"

namespace eventd::engine {

namespace {

constexpr uint32_t kRowsMax = 1U << 31;
constexpr uint32_t kFirstCapacity = 64;

/// The row of `from` that goes to place `i`.
uint32_t source_row(const uint32_t* ids, uint32_t i) { return ids == nullptr ? i : ids[i]; }

}  // namespace

RowStore::RowStore(const std::vector<Oid>& types) {
  for (const Oid type : types) {
    columns_.emplace_back();
    columns_.back().data = Vector::flat(type, 0);
  }
}

Status RowStore::reserve(uint32_t rows) {
  if (rows > kRowsMax - size_) {
    return {sqlstate::kOutOfMemory, "too many rows to keep"};
  }
  const uint32_t wanted = size_ + rows;
  if (wanted <= capacity_) return {};
  const uint32_t capacity = std::max({wanted, capacity_ + capacity_ / 2, kFirstCapacity});
  for (Column& column : columns_) {
    Vector grown = Vector::flat(column.data.type(), capacity);
    dispatch_physical(physical_of(column.data.type()), [&](auto tag) {
      using T = typename decltype(tag)::type;
      std::copy_n(column.data.data<T>(), size_, grown.data<T>());
      if (!column.data.view<T>().all_valid()) {
        for (uint32_t i = 0; i < size_; ++i) {
          if (column.data.is_null(i)) grown.set_null(i);
        }
      }
    });
    grown.share_heaps(column.data);
    grown.share_heap(heap_);
    column.data = std::move(grown);
  }
  capacity_ = capacity;
  return {};
}

void RowStore::append_strings(Column& column, const Vector& from, const uint32_t* ids,
                              uint32_t count) {
  StringRef* out = column.data.data<StringRef>() + size_;
  const VectorView<StringRef> values = from.view<StringRef>();
  if (from.form() == Vector::Form::kConstant) {
    const StringRef one = heap_->add(values[0].view());
    std::fill_n(out, count, one);
    return;
  }
  if (from.form() == Vector::Form::kDictionary) {
    const uint32_t distinct = from.dictionary_values().size();
    const bool known = !column.copied.empty() &&
                       column.dictionary.values_identity() == from.values_identity();
    if (known || distinct <= count) {
      if (!known) {
        column.dictionary = from;
        column.strings.assign(distinct, StringRef{});
        column.copied.assign(distinct, 0);
      }
      for (uint32_t i = 0; i < count; ++i) {
        const uint32_t id = from.dictionary_ids()[source_row(ids, i)];
        if (column.copied[id] == 0) {
          column.copied[id] = 1;
          column.strings[id] = heap_->add(values[source_row(ids, i)].view());
        }
        out[i] = column.strings[id];
      }
      return;
    }
  }
  for (uint32_t i = 0; i < count; ++i) out[i] = heap_->add(values[source_row(ids, i)].view());
}

void RowStore::append_column(Column& column, const Vector& from, const uint32_t* ids,
                             uint32_t count) {
  dispatch_physical(physical_of(column.data.type()), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const VectorView<T> values = from.view<T>();
    if constexpr (std::is_same_v<T, StringRef>) {
      append_strings(column, from, ids, count);
    } else {
      T* out = column.data.data<T>() + size_;
      for (uint32_t i = 0; i < count; ++i) out[i] = values[source_row(ids, i)];
    }
    if (values.all_valid()) return;
    for (uint32_t i = 0; i < count; ++i) {
      if (!values.valid(source_row(ids, i))) column.data.set_null(size_ + i);
    }
  });
}

Status RowStore::append(std::span<const Vector> columns, uint32_t rows) {
  return append(columns, nullptr, rows);
}

Status RowStore::append(std::span<const Vector> columns, const uint32_t* ids, uint32_t count) {
  RETURN_IF_ERROR(reserve(count));
  for (size_t c = 0; c < columns_.size(); ++c) append_column(columns_[c], columns[c], ids, count);
  size_ += count;
  return {};
}

Status RowStore::absorb(const RowStore& other) {
  RETURN_IF_ERROR(reserve(other.size_));
  for (size_t c = 0; c < columns_.size(); ++c) {
    Column& column = columns_[c];
    const Vector& from = other.columns_[c].data;
    dispatch_physical(physical_of(from.type()), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const VectorView<T> values = from.view<T>();
      T* out = column.data.data<T>() + size_;
      for (uint32_t i = 0; i < other.size_; ++i) out[i] = values[i];
      if (values.all_valid()) return;
      for (uint32_t i = 0; i < other.size_; ++i) {
        if (!values.valid(i)) column.data.set_null(size_ + i);
      }
    });
    column.data.share_heaps(from);
    column.data.share_heap(other.heap_);
  }
  size_ += other.size_;
  return {};
}

Result<uint32_t> RowStore::append_nulls() {
  RETURN_IF_ERROR(reserve(1));
  for (Column& column : columns_) {
    dispatch_physical(physical_of(column.data.type()), [&](auto tag) {
      using T = typename decltype(tag)::type;
      column.data.data<T>()[size_] = T{};
    });
    column.data.set_null(size_);
  }
  return size_++;
}

Vector RowStore::column(size_t i) const {
  Vector result = columns_[i].data;
  result.set_size(size_);
  return result;
}

size_t RowStore::memory_bytes() const {
  // Rows absorbed bring heaps of other stores, the same for all columns.
  size_t bytes = columns_.empty() ? heap_->bytes_allocated() : 0;
  size_t heaps = 0;
  for (const Column& column : columns_) {
    const size_t own = size_t{capacity_} * (physical_size(physical_of(column.data.type())));
    const size_t all = column.data.memory_bytes();
    bytes += own + capacity_ / 8;
    heaps = std::max(heaps, all > own ? all - own : 0);
    bytes += column.strings.capacity() * sizeof(StringRef) + column.copied.capacity();
  }
  return bytes + heaps;
}

void RowStore::seal() {
  for (Column& column : columns_) {
    column.dictionary = Vector();
    column.strings = {};
    column.copied = {};
  }
}

}  // namespace eventd::engine
