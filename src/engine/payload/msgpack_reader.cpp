#include "engine/payload/msgpack_reader.h"

#include <algorithm>
#include <bit>

#include "interrupt.h"

namespace eventd::engine {

bool MsgpackReader::next(MsgpackToken& token) {
  if (at_ == end_) return false;
  const uint8_t tag = *at_++;
  const auto left = static_cast<size_t>(end_ - at_);
  const auto bytes = [&](MsgpackKind kind, size_t header, size_t size) {
    if (left < header || left - header < size) return fail();
    token.kind = kind;
    token.bytes = {at_ + header, size};
    at_ += header + size;
    return true;
  };
  const auto container = [&](MsgpackKind kind, size_t header, uint32_t count) {
    token.kind = kind;
    token.count = count;
    at_ += header;
    // Each item takes a byte at least: a count beyond that is a lie.
    const uint64_t items = kind == MsgpackKind::kMap ? uint64_t{count} * 2 : count;
    return items <= static_cast<size_t>(end_ - at_) || fail();
  };
  const auto integer = [&](MsgpackKind kind, size_t size, int64_t value) {
    token.kind = kind;
    token.integer = value;
    at_ += size;
    return true;
  };
  const auto ext = [&](size_t header, size_t size) {
    if (left < header + 1) return fail();
    token.ext_type = static_cast<int8_t>(at_[header]);
    return bytes(MsgpackKind::kExt, header + 1, size);
  };

  if (tag < 0x80) return integer(MsgpackKind::kInt, 0, tag);
  if (tag >= 0xe0) return integer(MsgpackKind::kInt, 0, static_cast<int8_t>(tag));
  if (tag < 0x90) return container(MsgpackKind::kMap, 0, tag & 15u);
  if (tag < 0xa0) return container(MsgpackKind::kArray, 0, tag & 15u);
  if (tag < 0xc0) return bytes(MsgpackKind::kString, 0, tag & 31u);

  // Bytes of the fixed part after the tag, so that one check covers every load below.
  static constexpr uint8_t kFixed[32] = {0, 0, 0, 0, 1, 2, 4, 1, 2, 4, 4, 8, 1, 2, 4, 8,
                                         1, 2, 4, 8, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4};
  if (left < kFixed[tag & 31]) return fail();
  switch (tag) {
    case 0xc0: token.kind = MsgpackKind::kNil; return true;
    case 0xc2:
    case 0xc3:
      token.kind = MsgpackKind::kBool;
      token.boolean = tag == 0xc3;
      return true;
    case 0xc4: return bytes(MsgpackKind::kBinary, 1, *at_);
    case 0xc5: return bytes(MsgpackKind::kBinary, 2, load_be<uint16_t>(at_));
    case 0xc6: return bytes(MsgpackKind::kBinary, 4, load_be<uint32_t>(at_));
    case 0xc7: return ext(1, *at_);
    case 0xc8: return ext(2, load_be<uint16_t>(at_));
    case 0xc9: return ext(4, load_be<uint32_t>(at_));
    case 0xca:
      token.kind = MsgpackKind::kFloat;
      token.real = std::bit_cast<float>(load_be<uint32_t>(at_));
      at_ += 4;
      return true;
    case 0xcb:
      token.kind = MsgpackKind::kFloat;
      token.real = std::bit_cast<double>(load_be<uint64_t>(at_));
      at_ += 8;
      return true;
    case 0xcc: return integer(MsgpackKind::kInt, 1, *at_);
    case 0xcd: return integer(MsgpackKind::kInt, 2, load_be<uint16_t>(at_));
    case 0xce: return integer(MsgpackKind::kInt, 4, load_be<uint32_t>(at_));
    case 0xcf: {
      const auto value = static_cast<int64_t>(load_be<uint64_t>(at_));
      return integer(value < 0 ? MsgpackKind::kUint : MsgpackKind::kInt, 8, value);
    }
    case 0xd0: return integer(MsgpackKind::kInt, 1, static_cast<int8_t>(*at_));
    case 0xd1: return integer(MsgpackKind::kInt, 2, load_be<int16_t>(at_));
    case 0xd2: return integer(MsgpackKind::kInt, 4, load_be<int32_t>(at_));
    case 0xd3: return integer(MsgpackKind::kInt, 8, load_be<int64_t>(at_));
    case 0xd4: return ext(0, 1);
    case 0xd5: return ext(0, 2);
    case 0xd6: return ext(0, 4);
    case 0xd7: return ext(0, 8);
    case 0xd8: return ext(0, 16);
    case 0xd9: return bytes(MsgpackKind::kString, 1, *at_);
    case 0xda: return bytes(MsgpackKind::kString, 2, load_be<uint16_t>(at_));
    case 0xdb: return bytes(MsgpackKind::kString, 4, load_be<uint32_t>(at_));
    case 0xdc: return container(MsgpackKind::kArray, 2, load_be<uint16_t>(at_));
    case 0xdd: return container(MsgpackKind::kArray, 4, load_be<uint32_t>(at_));
    case 0xde: return container(MsgpackKind::kMap, 2, load_be<uint16_t>(at_));
    case 0xdf: return container(MsgpackKind::kMap, 4, load_be<uint32_t>(at_));
    default: return fail();  // 0xc1
  }
}

bool MsgpackReader::skip() {
  // Only the number of values still owed matters, not their nesting.
  const uint8_t* at = at_;
  const uint8_t* const end = end_;
  // One comparison serves the end and the places to ask at.
  constexpr std::ptrdiff_t kBytesBetweenLooks = 1 << 20;
  const uint8_t* look = at + std::min(end - at, kBytesBetweenLooks);
  for (uint64_t owed = 1; owed > 0; --owed) {
    if (at >= look) [[unlikely]] {
      if (at >= end || is_interrupted()) return fail();
      look = at + std::min(end - at, kBytesBetweenLooks);
    }
    const uint8_t tag = *at;
    if (tag < 0x80 || tag >= 0xe0) {
      ++at;
    } else if (tag >= 0xa0 && tag < 0xc0) {
      const size_t size = 1 + (tag & 31u);
      if (static_cast<size_t>(end - at) < size) return fail();
      at += size;
    } else if (tag < 0xa0) {
      owed += tag < 0x90 ? 2 * (tag & 15u) : (tag & 15u);
      ++at;
    } else {
      MsgpackToken token;
      at_ = at;
      if (!next(token)) return fail();
      at = at_;
      if (token.kind == MsgpackKind::kArray) owed += token.count;
      if (token.kind == MsgpackKind::kMap) owed += uint64_t{token.count} * 2;
    }
  }
  at_ = at;
  return true;
}

}  // namespace eventd::engine
