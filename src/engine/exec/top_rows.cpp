#include "engine/exec/top_rows.h"

#include <algorithm>

#include "engine/vector/physical_dispatch.h"

namespace eventd::engine {

namespace {
/// Bytes of replaced strings that are not worth copying the others.
constexpr size_t kGarbageBytesMax = 1U << 20;
}  // namespace

TopRows::TopRows(std::vector<Oid> types) {
  for (const Oid type : types) {
    Column column;
    column.type = type;
    if (physical_of(type) == Physical::kBytes) column.heap = std::make_unique<StringHeap>();
    columns_.push_back(std::move(column));
  }
}

template <class T>
void TopRows::replace_in(Column& column, const Vector& from, const std::vector<uint32_t>& groups,
                         const std::vector<uint32_t>& rows) {
  const VectorView<T> values(from);
  T* data = reinterpret_cast<T*>(column.data.data());
  for (const uint32_t group : groups) {
    const uint32_t row = rows[group] - 1;
    const bool valid = values.valid(row);
    column.nulls[group] = valid ? 0 : 1;
    if constexpr (std::is_same_v<T, StringRef>) {
      column.live_bytes -= data[group].size;
      data[group] = valid ? column.heap->add(values[row].view()) : StringRef{};
      column.live_bytes += data[group].size;
    } else {
      data[group] = valid ? values[row] : T{};
    }
  }
}

void TopRows::replace(const std::vector<Vector>& columns, const std::vector<uint32_t>& groups,
                      const std::vector<uint32_t>& rows, size_t group_count) {
  for (size_t c = 0; c < columns_.size(); ++c) {
    Column& column = columns_[c];
    column.nulls.resize(group_count);
    dispatch_physical(physical_of(column.type), [&](auto tag) {
      using T = typename decltype(tag)::type;
      column.data.resize(group_count * sizeof(T));  // zeros are a readable value of every type
      replace_in<T>(column, columns[c], groups, rows);
    });
    if (column.heap != nullptr &&
        column.heap->bytes_allocated() > 2 * column.live_bytes + kGarbageBytesMax) {
      compact(column);
    }
  }
}

void TopRows::compact(Column& column) {
  auto heap = std::make_unique<StringHeap>();
  StringRef* data = reinterpret_cast<StringRef*>(column.data.data());
  for (size_t group = 0; group < column.nulls.size(); ++group) data[group] = heap->add(data[group].view());
  column.heap = std::move(heap);
}

std::vector<Vector> TopRows::columns_of(uint32_t first, uint32_t count) const {
  std::vector<Vector> result;
  for (const Column& column : columns_) {
    Vector vector = Vector::flat(column.type, count);
    dispatch_physical(physical_of(column.type), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T* data = reinterpret_cast<const T*>(column.data.data()) + first;
      for (uint32_t i = 0; i < count; ++i) {
        if constexpr (std::is_same_v<T, StringRef>) {
          vector.set_string(i, data[i].view());
        } else {
          vector.data<T>()[i] = data[i];
        }
        if (column.nulls[first + i] != 0) vector.set_null(i);
      }
    });
    result.push_back(std::move(vector));
  }
  return result;
}

size_t TopRows::memory_bytes() const {
  size_t bytes = 0;
  for (const Column& column : columns_) {
    bytes += column.data.capacity() + column.nulls.capacity();
    if (column.heap != nullptr) bytes += column.heap->bytes_allocated();
  }
  return bytes;
}

}  // namespace eventd::engine
