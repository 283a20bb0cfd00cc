// Byte offsets → the 1-based character positions that error responses carry.
#pragma once

#include <cstddef>
#include <string_view>

namespace eventd::engine {

/// Number of UTF-8 characters that start before `offset`, plus one. Offsets past the end count as
/// the end.
inline int character_position(std::string_view text, size_t offset) {
  int position = 1;
  const size_t end = offset < text.size() ? offset : text.size();
  for (size_t i = 0; i < end; ++i) position += (text[i] & 0xC0) != 0x80;
  return position;
}

}  // namespace eventd::engine
