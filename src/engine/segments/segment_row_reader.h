// Reads whole rows of a segment: unsealing, the last rows, single rows by their place.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/segments/sealed_row.h"
#include "engine/segments/segment_directory.h"

namespace eventd::engine {

/// Ascending rows cost least: each column keeps the block last decoded. Borrows the directory and the
/// columns' bytes; owned by one thread.
class SegmentRowReader {
 public:
  /// `columns` as the directory has them, whose checksums must be right: XX001.
  static Result<SegmentRowReader> open(const SegmentDirectory& directory, std::vector<ByteSpan> columns);
  SegmentRowReader(SegmentRowReader&&) noexcept;
  SegmentRowReader& operator=(SegmentRowReader&&) noexcept;
  ~SegmentRowReader();

  /// The row at a place by time; its bytes are valid until the next call. XX001.
  /// REQUIRES: row < directory.rows.
  Status read(uint32_t row, SealedRow& out);

 private:
  struct Impl;
  explicit SegmentRowReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace eventd::engine
