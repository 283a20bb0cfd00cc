// One row for each of many groups, replaced as better ones come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/vector/vector.h"

namespace eventd::engine {

/// Rows by group number, column by column. Owned by one thread at a time.
class TopRows {
 public:
  explicit TopRows(std::vector<Oid> types);

  /// Row rows[i] - 1 of `columns` becomes that of group groups[i]. `rows` is indexed by group.
  void replace(const std::vector<Vector>& columns, const std::vector<uint32_t>& groups,
               const std::vector<uint32_t>& rows, size_t group_count);
  /// The rows of the groups [first, first + count), copied.
  std::vector<Vector> columns_of(uint32_t first, uint32_t count) const;
  size_t memory_bytes() const;

 private:
  struct Column {
    Oid type;
    std::vector<std::byte> data;  // values side by side
    std::vector<uint8_t> nulls;
    std::unique_ptr<StringHeap> heap;
    size_t live_bytes = 0;  // of the heap
  };
  template <class T>
  void replace_in(Column& column, const Vector& from, const std::vector<uint32_t>& groups,
                  const std::vector<uint32_t>& rows);
  /// Copies the strings that are left, when most of the heap is of rows replaced.
  static void compact(Column& column);

  std::vector<Column> columns_;
};

}  // namespace eventd::engine
