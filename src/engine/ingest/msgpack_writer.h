// Appends msgpack values to a string: just what the payloads of synthetic events need.
// Source of the format: https://github.com/msgpack/msgpack/blob/master/spec.md
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bytes.h"

namespace eventd::engine {

/// Each integer and length in its shortest form. Single thread; the buffer is the caller's.
class MsgpackWriter {
 public:
  explicit MsgpackWriter(std::string& out) : out_(out) {}

  /// Followed by `pairs` keys and values.
  void map(uint32_t pairs) { head(pairs, 0x80, 15, 0xde); }
  void nil() { byte(0xc0); }
  void boolean(bool value) { byte(value ? 0xc3 : 0xc2); }
  void integer(uint64_t value) {
    if (value < 0x80) return byte(static_cast<uint8_t>(value));
    if (value <= 0xff) return tagged(0xcc, static_cast<uint8_t>(value));
    if (value <= 0xffff) return tagged(0xcd, static_cast<uint16_t>(value));
    if (value <= 0xffff'ffff) return tagged(0xce, static_cast<uint32_t>(value));
    tagged(0xcf, value);
  }
  void text(std::string_view value) {
    const auto size = static_cast<uint32_t>(value.size());
    if (size > 31 && size <= 0xff) {
      tagged(0xd9, static_cast<uint8_t>(size));
    } else {
      head(size, 0xa0, 31, 0xda);
    }
    out_.append(value.substr(0, size));
  }
  void time(std::optional<int64_t> timestamp_ns) {
    timestamp_ns && *timestamp_ns >= 0 ? integer(static_cast<uint64_t>(*timestamp_ns)) : nil();
  }

 private:
  void byte(uint8_t value) { out_.push_back(static_cast<char>(value)); }
  template <class T>
  void tagged(uint8_t tag, T value) {
    byte(tag);
    append_be(out_, value);
  }
  void head(uint32_t count, uint8_t fix, uint32_t fix_max, uint8_t tag16) {
    if (count <= fix_max) return byte(static_cast<uint8_t>(fix | count));
    if (count <= 0xffff) return tagged(tag16, static_cast<uint16_t>(count));
    tagged(static_cast<uint8_t>(tag16 + 1), count);
  }

  std::string& out_;
};

}  // namespace eventd::engine
