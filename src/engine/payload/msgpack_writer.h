// Appends msgpack values to a string, each in its shortest form.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

#include "bytes.h"

namespace eventd::engine {

/// Borrowed string; one thread.
class MsgpackWriter {
 public:
  explicit MsgpackWriter(std::string& out) : out_(out) {}

  void nil() { byte(0xc0); }
  void boolean(bool v) { byte(v ? 0xc3 : 0xc2); }
  void integer(int64_t v) {
    if (v >= 0) return unsigned_integer(static_cast<uint64_t>(v));
    if (v >= -32) return byte(static_cast<uint8_t>(v));
    if (v >= INT8_MIN) return with(0xd0, static_cast<int8_t>(v));
    if (v >= INT16_MIN) return with(0xd1, static_cast<int16_t>(v));
    if (v >= INT32_MIN) return with(0xd2, static_cast<int32_t>(v));
    with(0xd3, v);
  }
  void unsigned_integer(uint64_t v) {
    if (v < 128) return byte(static_cast<uint8_t>(v));
    if (v <= UINT8_MAX) return with(0xcc, static_cast<uint8_t>(v));
    if (v <= UINT16_MAX) return with(0xcd, static_cast<uint16_t>(v));
    if (v <= UINT32_MAX) return with(0xce, static_cast<uint32_t>(v));
    with(0xcf, v);
  }
  void real(double v) { with(0xcb, std::bit_cast<uint64_t>(v)); }
  void string_header(uint32_t size) {
    if (size < 32) return byte(static_cast<uint8_t>(0xa0 | size));
    sized(0xd9, size);
  }
  /// REQUIRES (here and below): sizes below 2^32.
  void string(std::string_view v) {
    string_header(static_cast<uint32_t>(v.size()));
    out_.append(v);
  }
  void binary(std::string_view v) {
    sized(0xc4, static_cast<uint32_t>(v.size()));
    out_.append(v);
  }
  void ext(int8_t type, std::string_view v) {
    const auto size = static_cast<uint32_t>(v.size());
    switch (size) {
      case 1: byte(0xd4); break;
      case 2: byte(0xd5); break;
      case 4: byte(0xd6); break;
      case 8: byte(0xd7); break;
      case 16: byte(0xd8); break;
      default: sized(0xc7, size);
    }
    byte(static_cast<uint8_t>(type));
    out_.append(v);
  }
  void array_header(uint32_t count) { container(0x90, 0xdc, count); }
  void map_header(uint32_t count) { container(0x80, 0xde, count); }

 private:
  void byte(uint8_t b) { out_.push_back(static_cast<char>(b)); }
  template <class T>
  void with(uint8_t tag, T value) {
    byte(tag);
    append_be(out_, value);
  }
  // Tags of 8, 16 and 32 bit sizes follow each other.
  void sized(uint8_t tag, uint32_t size) {
    if (size <= UINT8_MAX) return with(tag, static_cast<uint8_t>(size));
    if (size <= UINT16_MAX) return with(static_cast<uint8_t>(tag + 1), static_cast<uint16_t>(size));
    with(static_cast<uint8_t>(tag + 2), size);
  }
  void container(uint8_t fix, uint8_t tag16, uint32_t count) {
    if (count < 16) return byte(static_cast<uint8_t>(fix | count));
    if (count <= UINT16_MAX) return with(tag16, static_cast<uint16_t>(count));
    with(static_cast<uint8_t>(tag16 + 1), count);
  }

  std::string& out_;
};

}  // namespace eventd::engine
