// Loads and stores of fixed-width integers in byte buffers.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>

namespace eventd {

using ByteSpan = std::span<const uint8_t>;

static_assert(std::endian::native == std::endian::little,
              "rings and shards are little-endian; so is every platform we build for");

/// Unaligned little-endian load. REQUIRES: sizeof(T) readable bytes at `from`.
template <class T>
T load_le(const void* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

template <class T>
void store_le(void* to, T value) {
  std::memcpy(to, &value, sizeof(T));
}

template <class T>
constexpr T byte_swap(T value) {
  static_assert(std::is_integral_v<T>);
  if constexpr (sizeof(T) == 1) return value;
  if constexpr (sizeof(T) == 2) return static_cast<T>(__builtin_bswap16(static_cast<uint16_t>(value)));
  if constexpr (sizeof(T) == 4) return static_cast<T>(__builtin_bswap32(static_cast<uint32_t>(value)));
  if constexpr (sizeof(T) == 8) return static_cast<T>(__builtin_bswap64(static_cast<uint64_t>(value)));
}

/// Network (big-endian) order, as in the PostgreSQL protocol and msgpack.
template <class T>
T load_be(const void* from) {
  return byte_swap(load_le<T>(from));
}

template <class T>
void store_be(void* to, T value) {
  store_le(to, byte_swap(value));
}

/// Appends `value` in network order.
template <class T>
void append_be(std::string& to, T value) {
  char buffer[sizeof(T)];
  store_be(buffer, value);
  to.append(buffer, sizeof(T));
}

inline std::string_view as_text(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline ByteSpan as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace eventd
