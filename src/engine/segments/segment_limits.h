// Bounds of a sealed segment. What is larger is not sealed that way; what claims to be larger is damaged.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/limits.h"

namespace eventd::engine {

/// Rows of one segment; a tail is 65,536 at most, merged segments may be larger.
inline constexpr uint32_t kSegmentRowsMax = 1'048'576;
/// Values of one block of a column: one batch of the executor.
inline constexpr uint32_t kColumnBlockRows = kBatchRows;
/// Bytes of one text value, so also of a payload.
inline constexpr size_t kSegmentValueBytesMax = size_t{1} << 26;
/// Bytes of all text values of a column, uncompressed.
inline constexpr size_t kSegmentColumnBytesMax = size_t{1} << 32;
/// Text values are compressed together until a block has this many bytes.
inline constexpr size_t kTextBlockBytes = size_t{64} << 10;
/// Columns that payload fields become; fields past it are kept as msgpack in one column for all.
inline constexpr size_t kPayloadColumnsMax = 256;
/// Shapes of payloads; rows of others keep their bytes.
inline constexpr size_t kPayloadShapesMax = 1'024;
/// Shapes that are counted while a segment is made, to find the most frequent ones.
inline constexpr size_t kPayloadShapesCountedMax = 16'384;
/// Nesting of maps whose fields become columns; deeper maps are kept as msgpack.
inline constexpr int kPayloadShapeDepthMax = 8;
/// Bytes of keys and headers in one shape, and fields; a payload with more keeps its bytes.
inline constexpr size_t kPayloadShapeBytesMax = size_t{16} << 10;
inline constexpr size_t kPayloadShapeSlotsMax = 1'024;

}  // namespace eventd::engine
