// RingReader over a ring whose data and positions are any bytes: no read past the mapping, always
// an end, and of every event what another parser finds.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "kmes/ring_reader.h"
#include "tests/fuzz/fuzz_random.h"

using namespace eventd::kmes;
using eventd::fuzz::FuzzRandom;

namespace {

constexpr uint64_t kCapacity = KMES_CAPACITY_MIN;

uint64_t load(const uint8_t* at, size_t width) {
  uint64_t value = 0;
  for (size_t i = width; i-- > 0;) value = value << 8 | at[i];
  return value;
}

const uint8_t* as_unsigned(const std::string& bytes) {
  return reinterpret_cast<const uint8_t*>(bytes.data());
}

/// Of the event at `at`, with `available` bytes: its size by kmes.md §4, or 0 when it is none.
uint64_t size_of_event(const uint8_t* at, uint64_t available) {
  if (available < 77 || available > kCapacity) return 0;
  const uint64_t event = load(at, 4), header = load(at + 4, 4), type = load(at + 75, 2);
  return header >= 77 + type && event >= header && event <= kCapacity / 2 && event <= available
             ? event : 0;
}

}  // namespace

// Input: 8 bytes write_pos, 8 bytes tail_pos (both taken as they are), then data at the tail.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::unique_ptr<RingMapping> ring =
      std::move(RingMapping::create(0, kCapacity)).value();
  static std::vector<uint8_t> buffer(kCapacity / 2);
  const bool whole = size >= 77 && size <= kCapacity && size_of_event(data, size) != 0;
  if (EventView::check_structure(data, size, kCapacity / 2) != whole) std::abort();
  if (whole) {
    const EventView event(data);
    if (event.type().size() + event.payload().size() + KMES_HEADER_FIXED_SIZE > size) std::abort();
  }
  if (size < 16) return 0;
  uint64_t positions[2];
  std::memcpy(positions, data, sizeof(positions));
  data += sizeof(positions);
  size -= sizeof(positions);
  if (positions[0] % 4 != 0) {  // mostly positions that can be
    positions[1] %= 4 * kCapacity;
    positions[0] = positions[1] + positions[0] % (size + 200);
  }
  if (positions[1] > UINT64_MAX - 2 * kCapacity) return 0;  // they never wrap: kmes.md §2
  ring->producer().write_pos = positions[0];
  ring->producer().tail_pos = positions[1];
  std::memset(ring->data(), 0, kCapacity);
  std::memcpy(ring->data() + (positions[1] & ring->mask()), data, size);

  RingReader reader(*ring);
  uint64_t at = positions[1];  // where the other parser is
  for (size_t reads = 0;; ++reads) {
    const RingReader::Next next = reader.next(buffer);
    if (next == RingReader::Next::kEmpty) break;
    // Each event takes 77 bytes of the ring at least; a corrupt one ends it.
    if (reads > kCapacity / KMES_HEADER_FIXED_SIZE + 2) std::abort();
    if (next == RingReader::Next::kTooSmall) std::abort();  // the buffer holds any event
    const uint8_t* bytes = ring->data() + (at & ring->mask());
    const uint64_t expected = size_of_event(bytes, positions[0] - at);
    if ((next == RingReader::Next::kEvent) != (expected != 0)) std::abort();
    if (next == RingReader::Next::kEvent) {
      if (reader.event_size() != expected || std::memcmp(buffer.data(), bytes, expected) != 0) {
        std::abort();
      }
      const EventView event(buffer.data());
      const uint64_t header = load(bytes + 4, 4);
      if (event.payload().size() != expected - header || event.sequence() != load(bytes + 16, 8) ||
          static_cast<uint64_t>(event.timestamp_ns()) != load(bytes + 8, 8) ||
          event.type().size() != load(bytes + 75, 2)) {
        std::abort();
      }
      at += expected;
    } else {
      at = positions[0];
    }
    if (reader.read_pos() != at) std::abort();
  }
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  FuzzRandom random(seed);
  std::string input(reinterpret_cast<const char*>(data), size);
  if (input.size() < 16) input.resize(16, '\1');
  // Where events begin, as far as they can be followed.
  std::vector<size_t> starts;
  size_t at = 16;
  while (at < input.size()) {
    const uint64_t event = size_of_event(as_unsigned(input) + at, input.size() - at);
    if (event == 0) break;
    starts.push_back(at);
    at += event;
  }
  const auto put = [&](size_t place, uint64_t value, size_t width) {
    for (size_t i = 0; i < width && place + i < input.size(); ++i) {
      input[place + i] = static_cast<char>(value >> 8 * i);
    }
  };
  const auto append_event = [&] {
    const size_t type = random.below(20), extra = random.below(4) == 0 ? random.below(30) : 0;
    const size_t payload = random.below(100), begin = at;
    input.resize(begin + 77 + type + extra + payload, 'e');
    put(begin, input.size() - begin, 4);
    put(begin + 4, 77 + type + extra, 4);
    put(begin + 75, type, 2);
    put(0, (input.size() - 16) | 1, 8);  // write_pos just behind it, of those that can be
  };
  switch (random.below(5)) {
    case 0:
    case 1: append_event(); break;
    case 2: {
      if (starts.empty()) return LLVMFuzzerMutate(data, size, max_size);
      const size_t event = starts[random.below(starts.size())];
      static constexpr std::array<size_t, 4> kFields = {0, 4, 75, 75};
      const size_t field = random.pick(kFields);
      const uint64_t value = load(as_unsigned(input) + event + field, field == 75 ? 2 : 4);
      put(event + field, random.below(2) != 0 ? random.edge() : value + random.below(3) - 1,
          field == 75 ? 2 : 4);
      break;
    }
    case 3:
      put(0, random.below(2) != 0 ? random.next() : input.size() - 16 + random.below(3), 8);
      break;
    default:
      if (random.below(2) != 0) return LLVMFuzzerMutate(data, size, max_size);
      put(8, random.below(2) != 0 ? random.next() : kCapacity - random.below(200), 8);
  }
  return eventd::fuzz::give_back(input, data, max_size);
}
