// General compression of bytes: lz4 (quick) and zstd level 1 (small).
#pragma once

#include <cstdint>
#include <string>

#include "engine/segments/column_format.h"

namespace eventd::engine {

/// Numbers are part of the storage format.
enum class ByteCodec : uint8_t { kNone = 0, kLz4 = 1, kZstd = 2 };

/// Appends `raw` compressed, or as it is when that is not smaller; returns the bytes appended. As many
/// as `raw` has means: as it is. REQUIRES: raw below 1 GB.
size_t append_compressed(ByteCodec codec, ByteSpan raw, std::string& out);

/// Fills `raw` with what append_compressed made of `raw.size()` bytes. XX001 when `stored` is anything
/// else.
Status decompress(ByteCodec codec, ByteSpan stored, std::span<char> raw);

/// Most bytes that `stored_bytes` can stand for: a larger claim is refused before memory is taken.
uint64_t decompressed_bytes_max(ByteCodec codec, size_t stored_bytes);

}  // namespace eventd::engine
