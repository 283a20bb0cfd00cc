#include "pgwire/utf8.h"

#include <cstdint>

#include "bytes.h"

namespace eventd::pgwire {
namespace {

constexpr uint64_t kHighBits = 0x8080808080808080;
constexpr uint64_t kOnes = 0x0101010101010101;

/// True when all eight bytes are ASCII and none is zero.
bool is_plain(uint64_t word) { return ((word | (word - kOnes)) & kHighBits) == 0; }

bool is_continuation(uint8_t byte) { return (byte & 0xc0) == 0x80; }

/// Length of the sequence at `p` (`left` bytes), 0 if malformed.
size_t sequence_length(const uint8_t* p, size_t left) {
  const uint8_t b = p[0];
  if (b >= 0xc2 && b <= 0xdf) return left >= 2 && is_continuation(p[1]) ? 2 : 0;
  if ((b & 0xf0) == 0xe0) {
    if (left < 3 || !is_continuation(p[1]) || !is_continuation(p[2])) return 0;
    if (b == 0xe0 && p[1] < 0xa0) return 0;
    if (b == 0xed && p[1] > 0x9f) return 0;
    return 3;
  }
  if (b >= 0xf0 && b <= 0xf4) {
    if (left < 4 || !is_continuation(p[1]) || !is_continuation(p[2]) || !is_continuation(p[3]))
      return 0;
    if (b == 0xf0 && p[1] < 0x90) return 0;
    if (b == 0xf4 && p[1] > 0x8f) return 0;
    return 4;
  }
  return 0;
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
  const auto* p = reinterpret_cast<const uint8_t*>(text.data());
  size_t left = text.size();
  while (left > 0) {
    if (left >= 8 && is_plain(load_le<uint64_t>(p))) {
      p += 8;
      left -= 8;
      continue;
    }
    size_t length = 1;
    if (*p == 0) return false;
    if (*p >= 0x80) length = sequence_length(p, left);
    if (length == 0) return false;
    p += length;
    left -= length;
  }
  return true;
}

size_t count_characters(std::string_view text) {
  size_t count = 0;
  for (const char c : text) count += is_continuation(static_cast<uint8_t>(c)) ? 0 : 1;
  return count;
}

}  // namespace eventd::pgwire
