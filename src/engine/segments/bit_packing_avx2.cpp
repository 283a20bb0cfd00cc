// Eight values of `width` bits lie in `width` bytes. The bytes of each value are gathered into its lane by
// a shuffle, the value's first bit is shifted down by the lane's own count, and the rest masked away.
#include <immintrin.h>

#include <algorithm>
#include <array>

#include "engine/segments/bit_packing.h"

namespace eventd::engine::bit_packing_avx2 {
namespace {

/// Four values in 32-bit lanes from one load of 16 bytes.
struct alignas(32) Shuffle32 {
  std::array<uint8_t, 32> bytes;   ///< lanes 0–3 from the first load, 4–7 from the second
  std::array<uint32_t, 8> shifts;
  uint32_t second;                 ///< where the second load starts
};
/// Two values in 64-bit lanes from each of four loads of 16 bytes.
struct alignas(32) Shuffle64 {
  std::array<std::array<uint8_t, 32>, 2> bytes;
  std::array<std::array<uint64_t, 4>, 2> shifts;
  std::array<uint32_t, 4> loads;
};

constexpr Shuffle32 shuffle32(unsigned width) {
  Shuffle32 s{};
  s.second = 4 * width / 8;
  for (unsigned i = 0; i < 8; ++i) {
    const unsigned bit = i * width - (i < 4 ? 0 : s.second * 8);
    s.shifts[i] = bit % 8;
    for (unsigned b = 0; b < 4; ++b) s.bytes[i * 4 + b] = static_cast<uint8_t>(bit / 8 + b);
  }
  return s;
}

constexpr Shuffle64 shuffle64(unsigned width) {
  Shuffle64 s{};
  for (unsigned pair = 0; pair < 4; ++pair) s.loads[pair] = 2 * pair * width / 8;
  for (unsigned i = 0; i < 8; ++i) {
    const unsigned bit = i * width - s.loads[i / 2] * 8;
    s.shifts[i / 4][i % 4] = bit % 8;
    for (unsigned b = 0; b < 8; ++b) {
      s.bytes[i / 4][i % 4 * 8 + b] = static_cast<uint8_t>(bit / 8 + b);
    }
  }
  return s;
}

constexpr auto kShuffles32 = [] {
  std::array<Shuffle32, kWidthMax32 + 1> all{};
  for (unsigned width = 1; width <= kWidthMax32; ++width) all[width] = shuffle32(width);
  return all;
}();
constexpr auto kShuffles64 = [] {
  std::array<Shuffle64, kWidthMax64 + 1> all{};
  for (unsigned width = 1; width <= kWidthMax64; ++width) all[width] = shuffle64(width);
  return all;
}();

constexpr size_t kLoadBytes = 16;

/// Groups of eight whose loads, the last of which starts `last_load` bytes into the group, stay inside.
size_t whole_groups(ByteSpan from, unsigned width, size_t count, size_t last_load) {
  if (from.size() < last_load + kLoadBytes) return 0;
  return std::min(count / 8, (from.size() - last_load - kLoadBytes) / width + 1);
}

__attribute__((target("avx2"))) inline __m256i two_loads(const uint8_t* low, const uint8_t* high) {
  return _mm256_inserti128_si256(
      _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(low))),
      _mm_loadu_si128(reinterpret_cast<const __m128i*>(high)), 1);
}

/// Eight 32-bit values of the group at `at`.
__attribute__((target("avx2"))) inline __m256i group32(const uint8_t* at, const Shuffle32& s,
                                                       __m256i bytes, __m256i shifts, __m256i mask) {
  const __m256i lanes = _mm256_shuffle_epi8(two_loads(at, at + s.second), bytes);
  return _mm256_and_si256(_mm256_srlv_epi32(lanes, shifts), mask);
}

__attribute__((target("avx2"))) size_t unpack_narrow(ByteSpan from, unsigned width, size_t count,
                                                     uint64_t* out) {
  const Shuffle32& s = kShuffles32[width];
  const auto bytes = _mm256_load_si256(reinterpret_cast<const __m256i*>(s.bytes.data()));
  const auto shifts = _mm256_load_si256(reinterpret_cast<const __m256i*>(s.shifts.data()));
  const auto mask = _mm256_set1_epi32(static_cast<int>((1u << width) - 1));
  const size_t groups = whole_groups(from, width, count, s.second);
  const uint8_t* at = from.data();
  for (size_t group = 0; group < groups; ++group, at += width, out += 8) {
    const __m256i values = group32(at, s, bytes, shifts, mask);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out),
                        _mm256_cvtepu32_epi64(_mm256_castsi256_si128(values)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + 4),
                        _mm256_cvtepu32_epi64(_mm256_extracti128_si256(values, 1)));
  }
  return groups * 8;
}

__attribute__((target("avx2"))) size_t unpack_wide(ByteSpan from, unsigned width, size_t count,
                                                   uint64_t* out) {
  const Shuffle64& s = kShuffles64[width];
  const auto* const tables = reinterpret_cast<const __m256i*>(&s);
  const __m256i bytes[2] = {_mm256_load_si256(tables), _mm256_load_si256(tables + 1)};
  const __m256i shifts[2] = {_mm256_load_si256(tables + 2), _mm256_load_si256(tables + 3)};
  const auto mask = _mm256_set1_epi64x(static_cast<int64_t>((uint64_t{1} << width) - 1));
  const size_t groups = whole_groups(from, width, count, s.loads[3]);
  const uint8_t* at = from.data();
  for (size_t group = 0; group < groups; ++group, at += width, out += 8) {
    for (int half = 0; half < 2; ++half) {
      const __m256i lanes = _mm256_shuffle_epi8(
          two_loads(at + s.loads[half * 2], at + s.loads[half * 2 + 1]), bytes[half]);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + half * 4),
                          _mm256_and_si256(_mm256_srlv_epi64(lanes, shifts[half]), mask));
    }
  }
  return groups * 8;
}

}  // namespace

size_t unpack(ByteSpan from, unsigned width, size_t count, uint64_t* out) {
  return width <= kWidthMax32 ? unpack_narrow(from, width, count, out)
                              : unpack_wide(from, width, count, out);
}

__attribute__((target("avx2"))) size_t unpack(ByteSpan from, unsigned width, size_t count,
                                              uint32_t* out) {
  const Shuffle32& s = kShuffles32[width];
  const auto bytes = _mm256_load_si256(reinterpret_cast<const __m256i*>(s.bytes.data()));
  const auto shifts = _mm256_load_si256(reinterpret_cast<const __m256i*>(s.shifts.data()));
  const auto mask = _mm256_set1_epi32(static_cast<int>((1u << width) - 1));
  const size_t groups = whole_groups(from, width, count, s.second);
  const uint8_t* at = from.data();
  for (size_t group = 0; group < groups; ++group, at += width, out += 8) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), group32(at, s, bytes, shifts, mask));
  }
  return groups * 8;
}

}  // namespace eventd::engine::bit_packing_avx2
