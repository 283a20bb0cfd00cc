// Unsigned integers of a fixed number of bits, one after the other from the lowest bit of the first byte.
//
// Eight values of `width` bits fill `width` bytes, so a group of eight always starts on a byte: this is
// what the vector kernel works on. It is chosen at run time; `…_scalar` is its twin for processors
// without AVX2 and for the tests. All functions are pure; any thread may call them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "bytes.h"

namespace eventd::engine {

inline constexpr unsigned kPackedWidthMax = 64;
/// Bytes that must follow packed values, whatever they hold, so that a load of nine bytes at any
/// value's first byte stays inside.
inline constexpr size_t kPackedPadding = 8;

/// Bits that `value` needs: 0 for 0, 64 at most.
inline unsigned bits_of(uint64_t value) {
  return value == 0 ? 0 : 64 - static_cast<unsigned>(__builtin_clzll(value));
}

/// Bytes of `count` packed values, without padding. REQUIRES: count < 2^32, width ≤ 64.
constexpr size_t packed_bytes(size_t count, unsigned width) { return (count * width + 7) / 8; }

/// Appends the low `width` bits of each value, without padding.
void pack_bits(std::span<const uint64_t> values, unsigned width, std::string& out);

/// False, and nothing written, when `from` is too short for `count` values and their padding or
/// `width` is more than 64 (32 for 32-bit values).
[[nodiscard]] bool unpack_bits(ByteSpan from, unsigned width, size_t count, uint64_t* out);
[[nodiscard]] bool unpack_bits(ByteSpan from, unsigned width, size_t count, uint32_t* out);
[[nodiscard]] bool unpack_bits_scalar(ByteSpan from, unsigned width, size_t count, uint64_t* out);
[[nodiscard]] bool unpack_bits_scalar(ByteSpan from, unsigned width, size_t count, uint32_t* out);

/// Whether this processor runs the vector kernel.
bool unpacks_with_avx2();

namespace bit_packing_avx2 {
/// The kernel: whole groups of eight, as many as can be loaded within `from`; returns the values written
/// (the caller unpacks the rest). REQUIRES: AVX2; width in 1 … 57 (25 for 32-bit values).
size_t unpack(ByteSpan from, unsigned width, size_t count, uint64_t* out);
size_t unpack(ByteSpan from, unsigned width, size_t count, uint32_t* out);
inline constexpr unsigned kWidthMax64 = 57;
inline constexpr unsigned kWidthMax32 = 25;
}  // namespace bit_packing_avx2

}  // namespace eventd::engine
