// kmes_utf8_valid against a decoder written the other way round: decode, then judge the code point.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "kmes/validate.h"

namespace {

bool decodes(const uint8_t* bytes, size_t size) {
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (kmes_utf8_valid(data, size) != decodes(data, size)) {
    std::fprintf(stderr, "disagreement over %zu bytes\n", size);
    std::abort();
  }
  return 0;
}
