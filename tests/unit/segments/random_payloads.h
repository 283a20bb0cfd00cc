// Random msgpack payloads: plausible ones of few shapes, odd ones, and plain garbage.
#pragma once

#include <bit>
#include <limits>
#include <string>

#include "engine/payload/msgpack_writer.h"
#include "tests/unit/segments/segment_random.h"

namespace eventd::engine::segment_tests {

/// Makes payloads; equal seeds make equal ones. Owned by one thread.
class RandomPayloads {
 public:
  explicit RandomPayloads(uint64_t seed) : random_(seed) {}

  std::string next() {
    const uint64_t kind = random_.below(100);
    std::string out;
    if (kind < 4) return out;  // NULL
    if (kind < 8) return random_.bytes(random_.below(40));
    if (kind < 60) {
      usual(out);
      return out;
    }
    value(out, kind < 64 ? 12 : 4);
    if (kind >= 98) out += random_.bytes(1 + random_.below(3));         // more than a value
    if (kind == 97) out.resize(random_.below(out.size() + 1));          // cut off
    return out;
  }

 private:
  // A map of fields that come or don't, as programs write it.
  void usual(std::string& out) {
    static const char* const kKeys[] = {"granted_access", "path", "pid", "user", "ok", "load", "parent"};
    MsgpackWriter writer(out);
    const uint64_t set = random_.below(4) != 0 ? 0x7f : random_.below(128);
    writer.map_header(static_cast<uint32_t>(std::popcount(set)));
    for (uint64_t i = 0; i < 7; ++i) {
      if ((set >> i & 1) == 0) continue;
      writer.string(kKeys[i]);
      usual_value(writer, i);
    }
  }
  void usual_value(MsgpackWriter& writer, uint64_t field) {
    switch (field) {
      case 0: return writer.unsigned_integer(uint64_t{1} << random_.below(64));
      case 1: return writer.string("/usr/lib/part" + std::to_string(random_.below(500)));
      case 2: return writer.integer(static_cast<int64_t>(random_.below(100'000)) - 1'000);
      case 3: return random_.below(9) == 0 ? writer.nil() : writer.string("account" + std::to_string(random_.below(90)));
      case 4: return writer.boolean(random_.below(9) != 0);
      case 5: return writer.real(static_cast<double>(random_.below(10'000)) / 100);
      default:
        writer.map_header(1);
        writer.string("pid");
        writer.integer(static_cast<int64_t>(random_.below(1'000)));
    }
  }

  void big_endian(std::string& out, uint64_t value, unsigned bytes) {
    for (unsigned i = bytes; i-- > 0;) out.push_back(static_cast<char>(value >> 8 * i));
  }
  // A header of a family of 8, 16 and 32-bit sizes, at times wider than needed.
  void sized(std::string& out, uint8_t tag8, uint64_t size, bool has_8 = true) {
    unsigned width = size > 0xffff ? 2 : size > 0xff || !has_8 ? 1 : 0;
    if (random_.below(6) == 0) width += static_cast<unsigned>(random_.below(3 - width));
    out.push_back(static_cast<char>(tag8 + width - (has_8 ? 0 : 1)));
    big_endian(out, size, 1u << width);
  }

  void text(std::string& out, const std::string& value) {
    if (value.size() < 32 && random_.below(8) != 0) {
      out.push_back(static_cast<char>(0xa0 | value.size()));
    } else {
      sized(out, 0xd9, value.size());
    }
    out += value;
  }
  void key(std::string& out, int depth) {
    if (random_.below(30) == 0) return value(out, depth - 1);  // any value may be a key
    static const char* const kKeys[] = {"a", "b", "c", "d", "", "a.b", "k1", "k2"};
    text(out, random_.below(20) == 0 ? "rare" + std::to_string(random_.next()) : kKeys[random_.below(8)]);
  }
  void integer(std::string& out) {
    static constexpr int64_t kEdges[] = {0, 127, 128, 255, 256, 65'535, 65'536, 4'294'967'295, 4'294'967'296,
                                         -1, -32, -33, -128, -129, -32'768, -32'769, -2'147'483'648LL,
                                         -2'147'483'649LL, INT64_MAX, INT64_MIN};
    if (random_.below(3) != 0) return MsgpackWriter(out).integer(kEdges[random_.below(std::size(kEdges))]);
    const unsigned kind = static_cast<unsigned>(random_.below(8));  // of any form, whether needed or not
    out.push_back(static_cast<char>(0xcc + kind));
    big_endian(out, random_.any_width(), 1u << kind % 4);
  }
  void real(std::string& out) {
    static constexpr uint64_t kOdd[] = {0x7ff8000000000000, 0x7ff0000000000001, 0xfff8deadbeef0123,
                                        0x8000000000000000, 0x7ff0000000000000, 0xfff0000000000000, 1};
    if (random_.below(2) == 0) {
      out.push_back('\xca');
      return big_endian(out, random_.below(2) == 0 ? random_.next() : kOdd[random_.below(7)] >> 32, 4);
    }
    out.push_back('\xcb');
    big_endian(out, random_.below(3) == 0 ? kOdd[random_.below(7)] : random_.next(), 8);
  }
  void container(std::string& out, bool map, int depth) {
    const uint64_t count = depth <= 0 ? 0 : random_.below(random_.below(40) == 0 ? 20 : 4);
    if (count < 16 && random_.below(6) != 0) {
      out.push_back(static_cast<char>((map ? 0x80 : 0x90) | count));
    } else {
      sized(out, map ? 0xde : 0xdc, count, /*has_8=*/false);
    }
    for (uint64_t i = 0; i < count; ++i) {
      if (map) key(out, depth);
      value(out, depth - 1);
    }
  }
  void ext(std::string& out) {
    const uint64_t size = random_.below(20);
    if (random_.below(2) == 0) {
      MsgpackWriter(out).ext(static_cast<int8_t>(random_.next()), random_.bytes(size));
      return;
    }
    sized(out, 0xc7, size);
    out += random_.bytes(1 + size);
  }
  void value(std::string& out, int depth) {
    switch (random_.below(12)) {
      case 0: return MsgpackWriter(out).nil();
      case 1: return MsgpackWriter(out).boolean(random_.below(2) == 0);
      case 2: case 3: return integer(out);
      case 4: return real(out);
      case 5: case 6: return text(out, random_.bytes(random_.below(random_.below(50) == 0 ? 70'000 : 40)));
      case 7: {
        const std::string bytes = random_.bytes(random_.below(20));
        sized(out, 0xc4, bytes.size());
        out += bytes;
        return;
      }
      case 8: return ext(out);
      case 9: return container(out, /*map=*/false, depth);
      default: return container(out, /*map=*/true, depth);
    }
  }

  SegmentRandom random_;
};

}  // namespace eventd::engine::segment_tests
