#include "engine/segments/byte_codec.h"

#include <lz4.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

namespace eventd::engine {
namespace {

constexpr int kZstdLevel = 1;

struct ZstdFree {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

// Contexts cost more to make than a small block to compress; one a thread.
ZSTD_CCtx* zstd_compressor() {
  thread_local const std::unique_ptr<ZSTD_CCtx, ZstdFree> context(ZSTD_createCCtx());
  return context.get();
}
ZSTD_DCtx* zstd_decompressor() {
  thread_local const std::unique_ptr<ZSTD_DCtx, ZstdFree> context(ZSTD_createDCtx());
  return context.get();
}

/// Bytes written to `to`; 0 when it did not fit or failed.
size_t compress_to(ByteCodec codec, ByteSpan raw, std::span<char> to) {
  if (codec == ByteCodec::kLz4) {
    const int size = LZ4_compress_default(reinterpret_cast<const char*>(raw.data()), to.data(),
                                          static_cast<int>(raw.size()), static_cast<int>(to.size()));
    return size > 0 ? static_cast<size_t>(size) : 0;
  }
  if (codec != ByteCodec::kZstd || zstd_compressor() == nullptr) return 0;
  const size_t size = ZSTD_compressCCtx(zstd_compressor(), to.data(), to.size(), raw.data(), raw.size(),
                                        kZstdLevel);
  return ZSTD_isError(size) ? 0 : size;
}

}  // namespace

size_t append_compressed(ByteCodec codec, ByteSpan raw, std::string& out) {
  const size_t begin = out.size();
  if (codec != ByteCodec::kNone && raw.size() > 16) {
    // Room for one byte less: what is not smaller does not fit.
    out.resize(begin + raw.size() - 1);
    const size_t size = compress_to(codec, raw, {out.data() + begin, raw.size() - 1});
    out.resize(begin + size);
    if (size > 0) return size;
  }
  out.append(as_text(raw));
  return raw.size();
}

Status decompress(ByteCodec codec, ByteSpan stored, std::span<char> raw) {
  if (stored.size() == raw.size()) {
    std::copy(stored.begin(), stored.end(), raw.begin());
    return {};
  }
  if (codec == ByteCodec::kLz4) {
    if (stored.size() > LZ4_MAX_INPUT_SIZE || raw.size() > LZ4_MAX_INPUT_SIZE) {
      return column_damaged("a compressed block is too large");
    }
    const int size = LZ4_decompress_safe(reinterpret_cast<const char*>(stored.data()), raw.data(),
                                         static_cast<int>(stored.size()), static_cast<int>(raw.size()));
    if (size < 0 || static_cast<size_t>(size) != raw.size()) return column_damaged("a compressed block");
    return {};
  }
  if (codec != ByteCodec::kZstd) return column_damaged("a block has an unknown compression");
  if (zstd_decompressor() == nullptr) return {sqlstate::kOutOfMemory, "out of memory"};
  const size_t size = ZSTD_decompressDCtx(zstd_decompressor(), raw.data(), raw.size(), stored.data(),
                                          stored.size());
  if (ZSTD_isError(size) || size != raw.size()) return column_damaged("a compressed block");
  return {};
}

uint64_t decompressed_bytes_max(ByteCodec codec, size_t stored_bytes) {
  // lz4: a byte of a match's length is 255 bytes at most. zstd: a block of 128 kB takes four bytes.
  switch (codec) {
    case ByteCodec::kLz4: return uint64_t{stored_bytes} * 255 + 64;
    case ByteCodec::kZstd: return uint64_t{stored_bytes} * 32'768 + 131'072;
    case ByteCodec::kNone: break;
  }
  return stored_bytes;
}

}  // namespace eventd::engine
