// Rows of whole partitions, and the columns that window calls make of them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/exec/window_plan.h"
#include "engine/vector/vector.h"

namespace eventd::engine {

/// Some rows of a batch with the computed columns.
struct WindowSegment {
  Batch batch;
  uint32_t first = 0, count = 0;
};

/// Whole partitions, one after the other, in the order of the window. Immutable once built.
class WindowBlock {
 public:
  /// Joins the segments. The first `plan.child_columns` columns are the child's.
  WindowBlock(const WindowPlan& plan, std::vector<WindowSegment> segments);

  uint32_t rows() const { return rows_; }
  /// Flat, or Constant.
  const Vector& column(int index) const { return columns_[static_cast<size_t>(index)]; }
  /// First row of each partition, then rows().
  const std::vector<uint32_t>& partitions() const { return partitions_; }
  /// First row of each group of peers, then rows(). Filled when plan.needs_peers.
  const std::vector<uint32_t>& groups() const { return groups_; }
  /// Number of the group of peers of each row.
  const std::vector<uint32_t>& group_of() const { return group_of_; }
  size_t memory_bytes() const;

  /// Calls f(first, end) for every partition.
  template <class F>
  void each_partition(const F& f) const {
    for (size_t p = 0; p + 1 < partitions_.size(); ++p) f(partitions_[p], partitions_[p + 1]);
  }

 private:
  void find_boundaries(const WindowPlan& plan);

  uint32_t rows_ = 0;
  std::vector<Vector> columns_;
  std::vector<uint32_t> partitions_, groups_, group_of_;
};

/// Whether two rows are equal in all of the columns; two NULLs are.
bool same_values(const std::vector<int>& columns, const Batch& a, uint32_t row_a, const Batch& b,
                 uint32_t row_b);

/// A column of a block's results: vectors of kBatchRows rows each, as they are given out.
class WindowColumn {
 public:
  WindowColumn(Oid type, uint32_t rows);
  /// The vector that holds `row`, at row % kBatchRows.
  Vector& chunk_of(uint32_t row) { return chunks_[row / kBatchRows]; }
  static uint32_t place_of(uint32_t row) { return row % kBatchRows; }
  const std::vector<Vector>& chunks() const { return chunks_; }
  Oid type() const { return type_; }
  /// Gives the rows (row, end), of the same chunk, the value of `row`.
  void repeat(uint32_t row, uint32_t end);
  size_t memory_bytes() const;

 private:
  Oid type_;
  std::vector<Vector> chunks_;
};

}  // namespace eventd::engine
