// Runs of equal integers: a constant is one run, a sorted column of few values a few.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/segments/column_format.h"

namespace eventd::engine {

/// Runs in `values`; stops counting above `limit`.
size_t count_runs(std::span<const int64_t> values, size_t limit);
/// Bytes of the values as runs, about, when that is less than the `blocks_size` they take in blocks;
/// else blocks_size.
size_t runs_size_if_less(std::span<const int64_t> values, size_t blocks_size);

void append_run_length(std::span<const int64_t> values, std::string& out);

/// Reads such a column; its runs are decoded when it is opened. Immutable; any thread may decode.
class RunLength {
 public:
  /// XX001 when the bytes are no such column of `rows` values. Allocates for `rows` runs at most.
  static Result<RunLength> open(ByteSpan column, uint32_t rows);

  uint32_t rows() const { return rows_; }
  size_t runs() const { return values_.size(); }
  int64_t run_value(size_t run) const { return values_[run]; }
  /// Row after the run's last.
  uint32_t run_end(size_t run) const { return ends_[run]; }
  /// The run that `row` is in. REQUIRES: row < rows().
  size_t run_of(uint32_t row) const;
  /// Values of rows [first, first + count). REQUIRES: they exist.
  template <class T>
  void decode(uint32_t first, uint32_t count, T* out) const;

 private:
  std::vector<int64_t> values_;
  std::vector<uint32_t> ends_;
  uint32_t rows_ = 0;
};

}  // namespace eventd::engine
