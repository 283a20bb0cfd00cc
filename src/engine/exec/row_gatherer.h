// Rows picked from many batches as one. Private to engine/exec.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/vector/vector.h"

namespace eventd::engine {

/// Row `row` of batch number `batch`.
struct RowPlace {
  uint32_t batch;
  uint32_t row;
};

/// Looks at the batches' vectors once, then copies rows by place: values only, strings stay where
/// they are. Immutable once made; borrows the batches.
class RowGatherer {
 public:
  /// REQUIRES: all batches have the first one's columns; they outlive this.
  explicit RowGatherer(const std::vector<Batch>& batches);

  /// Flat columns whose strings `anchor` keeps alive. REQUIRES: there was a batch.
  Batch gather(const RowPlace* places, uint32_t count, const std::shared_ptr<const StringHeap>& anchor) const;

 private:
  struct Column {
    Oid type;
    bool may_be_null = false;
    std::shared_ptr<const void> views;  // a VectorView of the column's C++ type for each batch
  };
  std::vector<Column> columns_;
};

}  // namespace eventd::engine
