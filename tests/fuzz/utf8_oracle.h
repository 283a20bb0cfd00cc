// UTF-8 judged the other way round than the code under test does: decode, then look at the code point.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "tests/fuzz/fuzz_random.h"

namespace eventd::fuzz {

inline bool is_utf8(const uint8_t* bytes, size_t size) {
  for (size_t at = 0; at < size;) {
    const uint8_t lead = bytes[at++];
    if (lead < 0x80) continue;
    const int more = lead >= 0xf8 ? -1 : lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : -1;
    if (more < 0) return false;
    uint32_t code = lead & (0x3fU >> more);
    for (int i = 0; i < more; ++i) {
      if (at == size || bytes[at] >> 6 != 2) return false;
      code = code << 6 | (bytes[at++] & 0x3f);
    }
    static constexpr uint32_t kSmallest[] = {0, 0x80, 0x800, 0x10000};
    if (code < kSmallest[more] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
  }
  return true;
}

/// One code point, mostly at an edge, or a sequence that is wrong at an edge (one time in four).
inline std::string odd_character(FuzzRandom& random) {
  static constexpr std::array<const char*, 22> kGood = {
      "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xe0\xbf\xbf", "\xe1\x80\x80", "\xec\xbf\xbf",
      "\xed\x80\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80",
      "\xf0\xbf\xbf\xbf", "\xf1\x80\x80\x80", "\xf3\xbf\xbf\xbf", "\xf4\x80\x80\x80",
      "\xf4\x8f\xbf\xbf", "a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xd0\x96"};
  static constexpr std::array<const char*, 20> kBad = {
      "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xed\xa0\x80",
      "\xed\xbf\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
      "\xff", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xf0\x9f", "\xe2", "\xf4", "\xf0\x9f\x98\x80\x80"};
  return random.below(4) == 0 ? random.pick(kBad) : random.pick(kGood);
}

}  // namespace eventd::fuzz
