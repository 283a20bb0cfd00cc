// UTF-8 counting and ASCII case for text functions. Text in vectors is valid UTF-8 or, from event
// payloads, may hold stray bytes: every function here terminates and stays inside its input.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace eventd::engine {

inline bool is_utf8_continuation(char c) { return (static_cast<uint8_t>(c) & 0xc0) == 0x80; }

/// True if every byte is below 0x80: then characters are bytes.
inline bool is_ascii(std::string_view text) {
  uint8_t bits = 0;
  for (const char c : text) bits = static_cast<uint8_t>(bits | static_cast<uint8_t>(c));
  return bits < 0x80;
}

/// Characters: bytes that start one.
inline size_t utf8_length(std::string_view text) {
  size_t count = 0;
  for (const char c : text) count += !is_utf8_continuation(c);
  return count;
}

/// Bytes of the first `characters` characters (all if there are fewer).
inline size_t utf8_prefix_bytes(std::string_view text, size_t characters) {
  size_t at = 0;
  while (at < text.size()) {
    if (!is_utf8_continuation(text[at])) {
      if (characters == 0) break;
      --characters;
    }
    ++at;
  }
  return at;
}

/// Bytes of the character at the start of `text`; 0 if empty.
inline size_t utf8_first_bytes(std::string_view text) {
  if (text.empty()) return 0;
  size_t at = 1;
  while (at < text.size() && at < 4 && is_utf8_continuation(text[at])) ++at;
  return at;
}

inline char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }
inline char ascii_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c & ~0x20) : c;
}

inline bool equal_ignoring_ascii_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return ascii_lower(x) == ascii_lower(y);
         });
}

inline void append_lower(std::string_view text, std::string& out) {
  for (const char c : text) out.push_back(ascii_lower(c));
}

/// Appends the UTF-8 form of a code point. REQUIRES: below 0x110000.
inline void append_utf8(uint32_t code, std::string& out) {
  const auto byte = [&](uint32_t b) { out.push_back(static_cast<char>(static_cast<uint8_t>(b))); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xc0 | code >> 6);
    byte(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    byte(0xe0 | code >> 12);
    byte(0x80 | (code >> 6 & 0x3f));
    byte(0x80 | (code & 0x3f));
  } else {
    byte(0xf0 | code >> 18);
    byte(0x80 | (code >> 12 & 0x3f));
    byte(0x80 | (code >> 6 & 0x3f));
    byte(0x80 | (code & 0x3f));
  }
}

}  // namespace eventd::engine
