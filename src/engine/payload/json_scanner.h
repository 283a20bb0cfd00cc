// Finding the ends of JSON strings and spaces, eight bytes at a time.
#pragma once

#include <bit>
#include <cstdint>

#include "bytes.h"

namespace eventd::engine::json_scanner {

inline constexpr uint64_t kOnes = 0x0101010101010101, kHighs = 0x8080808080808080;

/// High bit set in each zero byte; exact for the lowest one.
inline uint64_t zero_bytes(uint64_t w) { return (w - kOnes) & ~w & kHighs; }

/// First quote, backslash or control character at or after `at`, or `end`. `any_high` collects
/// whether a byte from 0x80 was passed (it may also be set by bytes just behind the result).
inline const char* find_string_end(const char* at, const char* end, uint64_t& any_high) {
  while (end - at >= 8) {
    const auto w = load_le<uint64_t>(at);
    const uint64_t special = zero_bytes(w ^ kOnes * '"') | zero_bytes(w ^ kOnes * '\\') |
                             ((w - kOnes * 0x20) & ~w & kHighs);
    any_high |= w & kHighs;
    if (special != 0) return at + (std::countr_zero(special) >> 3);
    at += 8;
  }
  for (; at < end; ++at) {
    const auto c = static_cast<uint8_t>(*at);
    if (c == '"' || c == '\\' || c < 0x20) break;
    any_high |= c & 0x80;
  }
  return at;
}

inline bool is_json_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

inline const char* skip_space(const char* at, const char* end) {
  while (at < end && is_json_space(*at)) ++at;
  return at;
}

}  // namespace eventd::engine::json_scanner
