// Values as unsigned numbers that sort as the values do. Private to engine/exec.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "bytes.h"
#include "engine/vector/vector.h"

namespace eventd::engine {

/// Text types whose order is that of their bytes, as all of them are in the C collation.
inline bool is_byte_ordered(Oid type) {
  return type == oid::kText || type == oid::kVarchar || type == oid::kName || type == oid::kBytea;
}

/// An unsigned number in the order of the doubles; NaN greatest, as PostgreSQL has it.
inline uint64_t float_prefix(double value) {
  constexpr uint64_t kSignBit = uint64_t{1} << 63;
  if (std::isnan(value)) return ~uint64_t{0};
  if (value == 0) value = 0;  // -0 equals 0
  const uint64_t bits = std::bit_cast<uint64_t>(value);
  return (bits & kSignBit) != 0 ? ~bits : bits | kSignBit;
}

inline uint64_t bytes_prefix(const char* data, size_t size) {
  char buffer[8] = {};
  if (size > 0) std::memcpy(buffer, data, std::min<size_t>(size, 8));
  return load_be<uint64_t>(buffer);
}

/// Of the first eight bytes where that is not the whole value; 0 for types without such an order.
template <class T>
uint64_t prefix_of(Oid type, const T& value) {
  if constexpr (std::is_same_v<T, uint8_t>) {
    return value;
  } else if constexpr (std::is_floating_point_v<T>) {
    return float_prefix(static_cast<double>(value));
  } else if constexpr (std::is_integral_v<T>) {
    if constexpr (sizeof(T) == 4) {
      // oid and the reg* types hold uint32 bits.
      if (type != oid::kInt4 && type != oid::kDate) return static_cast<uint32_t>(value);
    }
    return static_cast<uint64_t>(static_cast<int64_t>(value)) ^ (uint64_t{1} << 63);
  } else if constexpr (std::is_same_v<T, UuidValue>) {
    return bytes_prefix(reinterpret_cast<const char*>(value.bytes), 8);
  } else if constexpr (std::is_same_v<T, StringRef>) {
    return is_byte_ordered(type) ? bytes_prefix(value.data, value.size) : 0;
  } else {
    return 0;
  }
}

/// Whether prefix_of() is the whole value.
inline bool prefix_is_whole(Oid type) {
  switch (physical_of(type)) {
    case Physical::kBool:
    case Physical::kInt16:
    case Physical::kInt32:
    case Physical::kInt64:
    case Physical::kFloat32:
    case Physical::kFloat64: return true;
    default: return false;
  }
}

}  // namespace eventd::engine
