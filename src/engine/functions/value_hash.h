// The hash that grouping and hash joins use.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace eventd::engine {

__extension__ typedef unsigned __int128 Uint128;  // NOLINT: `using` takes no __extension__

/// Folds the 128-bit product: two independent words to one well-mixed word.
inline uint64_t mix_words(uint64_t a, uint64_t b) {
  const auto product = static_cast<Uint128>(a ^ 0x9e3779b97f4a7c15u) *
                       (b ^ 0xe7037ed1a0b428dbu);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t hash_word(uint64_t word) { return mix_words(word, 0x8ebc6af09c88c6e3u); }

inline uint64_t hash_bytes(std::string_view bytes) {
  const char* at = bytes.data();
  size_t left = bytes.size();
  uint64_t hash = left;
  while (left >= 8) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    hash = mix_words(hash, word);
    at += 8;
    left -= 8;
  }
  uint64_t tail = 0;
  if (left > 0) std::memcpy(&tail, at, left);
  return mix_words(hash, tail ^ 0x589965cc75374cc3u);
}

/// -0 hashes as 0, every NaN alike.
inline uint64_t hash_double(double value) {
  if (value == 0) value = 0;
  if (std::isnan(value)) return hash_word(0x7ff8000000000000u);
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return hash_word(bits);
}

}  // namespace eventd::engine
