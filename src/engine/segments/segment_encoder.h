// Rows of events become a segment: one encoded column each, and a directory of them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/segments/byte_codec.h"
#include "engine/segments/sealed_row.h"
#include "engine/segments/segment_directory.h"

namespace eventd::engine {

/// A segment in memory, as it is stored: the directory's bytes and those of each of its columns.
struct EncodedSegment {
  SegmentDirectory info;
  std::string directory;
  std::vector<std::string> columns;  ///< as info.columns

  size_t bytes() const;
};

struct SegmentEncoderOptions {
  ByteCodec codec = ByteCodec::kLz4;
  /// Decodes everything again and compares it with the rows. Payloads that differ are kept as they are;
  /// any other difference is an error.
  bool verify = true;
};

/// Rows in any order; inside they are by timestamp, equal ones as they came. Takes O(rows) memory and
/// borrows the rows. 54000 when there are no rows, more than kSegmentRowsMax or longer values than
/// kSegmentValueBytesMax; XX000 when what was written does not read as the rows. Pure; any thread.
Result<EncodedSegment> encode_segment(std::span<const SealedRow> rows,
                                      const SegmentEncoderOptions& options = {});

}  // namespace eventd::engine
