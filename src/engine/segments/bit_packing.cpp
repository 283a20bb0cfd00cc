#include "engine/segments/bit_packing.h"

#include <algorithm>

namespace eventd::engine {
namespace {

constexpr uint64_t low_bits(unsigned width) {
  return width == 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1;
}

bool holds_packed(ByteSpan from, unsigned width, size_t count, unsigned width_max) {
  return width <= width_max && count <= UINT32_MAX &&
         from.size() >= packed_bytes(count, width) + kPackedPadding;
}

/// Values [first, count). Their bytes and the padding are there.
template <class T>
void unpack_from(const uint8_t* bytes, unsigned width, size_t first, size_t count, T* out) {
  const uint64_t mask = low_bits(width);
  if (width <= 57) {
    for (size_t i = first; i < count; ++i) {
      const size_t bit = i * width;
      out[i] = static_cast<T>(load_le<uint64_t>(bytes + bit / 8) >> (bit & 7) & mask);
    }
    return;
  }
  for (size_t i = first; i < count; ++i) {
    const size_t bit = i * width;
    const unsigned shift = bit & 7;
    uint64_t value = load_le<uint64_t>(bytes + bit / 8) >> shift;
    if (shift != 0) value |= uint64_t{bytes[bit / 8 + 8]} << (64 - shift);
    out[i] = static_cast<T>(value & mask);
  }
}

template <class T>
bool unpack_by_loads(ByteSpan from, unsigned width, size_t count, T* out) {
  if (!holds_packed(from, width, count, sizeof(T) * 8)) return false;
  unpack_from(from.data(), width, 0, count, out);
  return true;
}

template <class T>
bool unpack_quickest(ByteSpan from, unsigned width, size_t count, unsigned vector_width_max, T* out) {
  if (!holds_packed(from, width, count, sizeof(T) * 8)) return false;
  if (width == 0) {
    std::fill_n(out, count, T{0});
    return true;
  }
  size_t done = 0;
  if (width <= vector_width_max && unpacks_with_avx2()) {
    done = bit_packing_avx2::unpack(from, width, count, out);
  }
  unpack_from(from.data(), width, done, count, out);
  return true;
}

}  // namespace

bool unpacks_with_avx2() {
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
}

void pack_bits(std::span<const uint64_t> values, unsigned width, std::string& out) {
  const size_t begin = out.size();
  // Eight bytes more than needed, so that whole words can be stored.
  out.resize(begin + packed_bytes(values.size(), width) + sizeof(uint64_t));
  char* at = out.data() + begin;
  const uint64_t mask = low_bits(width);
  uint64_t word = 0;
  unsigned used = 0;  // bits of `word`
  for (const uint64_t value : values) {
    const uint64_t bits = value & mask;
    word |= used < 64 ? bits << used : 0;
    used += width;
    if (used < 64) continue;
    store_le(at, word);
    at += sizeof(word);
    used -= 64;
    // The bits that did not fit; a shift by the whole width would be undefined.
    word = used == 0 ? 0 : bits >> (width - used);
  }
  store_le(at, word);
  out.resize(begin + packed_bytes(values.size(), width));
}

bool unpack_bits(ByteSpan from, unsigned width, size_t count, uint64_t* out) {
  return unpack_quickest(from, width, count, bit_packing_avx2::kWidthMax64, out);
}
bool unpack_bits(ByteSpan from, unsigned width, size_t count, uint32_t* out) {
  return unpack_quickest(from, width, count, bit_packing_avx2::kWidthMax32, out);
}
bool unpack_bits_scalar(ByteSpan from, unsigned width, size_t count, uint64_t* out) {
  return unpack_by_loads(from, width, count, out);
}
bool unpack_bits_scalar(ByteSpan from, unsigned width, size_t count, uint32_t* out) {
  return unpack_by_loads(from, width, count, out);
}

}  // namespace eventd::engine
