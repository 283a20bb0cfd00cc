// Random choices of the structure-aware mutators: the same for the same seed everywhere.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

/// Changes bytes without knowing their structure: libFuzzer's, or fuzz_driver's in its place.
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace eventd::fuzz {

/// splitmix64 (https://prng.di.unimi.it/splitmix64.c). Owned by one thread.
class FuzzRandom {
 public:
  explicit FuzzRandom(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t value = state_ += 0x9e3779b97f4a7c15;
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
    value = (value ^ value >> 27) * 0x94d049bb133111eb;
    return value ^ value >> 31;
  }
  /// In [0, limit). REQUIRES: limit > 0.
  size_t below(size_t limit) { return static_cast<size_t>(next() % limit); }
  char byte() { return static_cast<char>(next()); }
  template <class T, size_t kCount>
  T pick(const std::array<T, kCount>& from) {
    return from[below(kCount)];
  }
  /// Numbers at the edges of length fields.
  uint32_t edge() {
    static constexpr std::array<uint32_t, 20> kEdges = {
        0, 1, 2, 15, 16, 31, 32, 76, 77, 78, 127, 128, 255, 256, 257, 0xffff, 0x10000, 0x7fffffff,
        0x80000000, 0xffffffff};
    return pick(kEdges);
  }

 private:
  uint64_t state_;
};

/// Copies what fits back into the buffer of a mutator; the new size.
template <class Bytes>
size_t give_back(const Bytes& bytes, uint8_t* data, size_t max_size) {
  const size_t size = bytes.size() < max_size ? bytes.size() : max_size;
  std::memcpy(data, bytes.data(), size);
  return size;
}

}  // namespace eventd::fuzz
