// RingReader over a ring whose data and positions are any bytes: no read past the mapping, nothing
// ill-formed handed out, and always an end.
#include <cstdint>
#include <cstring>
#include <cstdlib>
#include <memory>
#include <vector>

#include "kmes/ring_reader.h"

using namespace eventd::kmes;

// Input: 8 bytes write_pos, 8 bytes tail_pos (both taken as they are), then data at the tail.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::unique_ptr<RingMapping> ring =
      std::move(RingMapping::create(0, KMES_CAPACITY_MIN)).value();
  static std::vector<uint8_t> buffer(KMES_CAPACITY_MIN / 2);
  if (size > 0 && EventView::check_structure(data, size, KMES_CAPACITY_MIN / 2)) {
    const EventView event(data);
    if (event.type().size() + event.payload().size() + KMES_HEADER_FIXED_SIZE > size) std::abort();
  }
  if (size < 16) return 0;
  uint64_t positions[2];
  std::memcpy(positions, data, sizeof(positions));
  data += sizeof(positions);
  size -= sizeof(positions);
  if (positions[0] % 4 != 0) {  // mostly positions that can be
    positions[1] %= 4 * KMES_CAPACITY_MIN;
    positions[0] = positions[1] + positions[0] % (size + 200);
  }
  ring->producer().write_pos = positions[0];
  ring->producer().tail_pos = positions[1];
  std::memset(ring->data(), 0, KMES_CAPACITY_MIN);
  std::memcpy(ring->data() + (positions[1] & ring->mask()), data, size);

  RingReader reader(*ring);
  for (size_t reads = 0;; ++reads) {
    const RingReader::Next next = reader.next(buffer);
    if (next == RingReader::Next::kEmpty) break;
    // Each event takes 77 bytes of the ring at least; a corrupt one ends it.
    if (reads > KMES_CAPACITY_MIN / KMES_HEADER_FIXED_SIZE + 2) std::abort();
    if (next == RingReader::Next::kTooSmall) std::abort();  // the buffer holds any event
    if (next == RingReader::Next::kEvent &&
        !EventView::check_structure(buffer.data(), reader.event_size(), KMES_CAPACITY_MIN / 2)) {
      std::abort();
    }
  }
  return 0;
}
