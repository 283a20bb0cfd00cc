#include "tests/fuzz/frame_mutator.h"

#include "tests/fuzz/msgpack_mutator.h"
#include "tests/fuzz/utf8_oracle.h"

namespace eventd::fuzz {
namespace {

// event_socket_protocol.h, written down once more.
constexpr size_t kHeadSize = 8;   // "EMIT", count u16, version of the limits u16
constexpr size_t kEntrySize = 8;  // payload_len u32, type_len u16, zero u16
constexpr size_t kEventsMax = 256;

uint64_t little_endian(const std::string& bytes, size_t at, size_t width) {
  uint64_t value = 0;
  for (size_t i = width; i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return value;
}

void put(std::string& bytes, size_t at, uint64_t value, size_t width) {
  for (size_t i = 0; i < width; ++i) bytes[at + i] = static_cast<char>(value >> 8 * i);
}

FrameEvent random_event(FuzzRandom& random) {
  std::string type = random.below(4) == 0 ? odd_character(random) : "t";
  return {type, random_msgpack(random)};
}

}  // namespace

bool read_frame(const std::string& message, std::vector<FrameEvent>& events) {
  events.clear();
  if (message.size() < kHeadSize || message.compare(0, 4, "EMIT") != 0) return false;
  const uint64_t count = little_endian(message, 4, 2);
  if (count == 0 || count > kEventsMax) return false;
  uint64_t at = kHeadSize;
  for (uint64_t i = 0; i < count; ++i) {
    if (at + kEntrySize > message.size()) return false;
    const uint64_t payload = little_endian(message, at, 4);
    const uint64_t type = little_endian(message, at + 4, 2);
    if (type == 0 || little_endian(message, at + 6, 2) != 0) return false;
    at += kEntrySize;
    if (at + type + payload > message.size()) return false;
    events.push_back({message.substr(at, type), message.substr(at + type, payload)});
    at += type + payload;
  }
  return at == message.size();
}

std::string write_frame(const std::vector<FrameEvent>& events) {
  std::string message = "EMIT" + std::string(4, '\0');
  put(message, 4, events.size(), 2);
  for (const FrameEvent& event : events) {
    std::string entry(kEntrySize, '\0');
    put(entry, 0, event.payload.size(), 4);
    put(entry, 4, event.type.size(), 2);
    message += entry + event.type + event.payload;
  }
  return message;
}

std::string mutate_frame(std::string message, FuzzRandom& random) {
  std::vector<FrameEvent> events;
  if (!read_frame(message, events)) {
    if (random.below(4) == 0 && message.size() >= kHeadSize) {  // perhaps right again
      message.replace(0, 4, "EMIT");
      put(message, 4, 1 + random.below(3), 2);
      return message;
    }
    return write_frame({random_event(random)});
  }
  const size_t place = random.below(events.size());
  FrameEvent& event = events[place];
  switch (random.below(9)) {
    case 0:
    case 1: event.payload = mutate_msgpack(event.payload, random); break;
    case 2: event.type = odd_character(random) + (random.below(2) != 0 ? event.type : ""); break;
    case 3: events.insert(events.begin() + static_cast<ptrdiff_t>(place), random_event(random)); break;
    case 4: events.erase(events.begin() + static_cast<ptrdiff_t>(place)); break;
    case 5: events.resize(random.below(8) == 0 ? 257 : 256, {"m", "\xc0"}); break;
    case 6: {  // one field
      std::string bytes = write_frame(events);
      size_t at = kHeadSize;
      for (size_t i = 0; i < place; ++i) {
        at += kEntrySize + events[i].type.size() + events[i].payload.size();
      }
      switch (random.below(5)) {
        case 0: put(bytes, 4, random.edge(), 2); break;
        case 1: put(bytes, 6, random.edge(), 2); break;  // the version: no harm
        case 2: put(bytes, at, random.edge(), 4); break;
        case 3: put(bytes, at + 4, random.edge(), 2); break;
        default: put(bytes, at + 6, random.edge(), 2); break;
      }
      return bytes;
    }
    case 7: {
      const std::string bytes = write_frame(events);
      return bytes.substr(0, random.below(bytes.size() + 1));
    }
    default: return write_frame(events) + std::string(1 + random.below(3), random.byte());
  }
  return write_frame(events);
}

}  // namespace eventd::fuzz
