#include "tests/fuzz/msgpack_mutator.h"

#include <algorithm>
#include <vector>

#include "tests/fuzz/utf8_oracle.h"

namespace eventd::fuzz {
namespace {

constexpr size_t kValuesMax = 2000;

enum class Family : uint8_t { kScalar, kStr, kBin, kExt, kArray, kMap };

/// Where a value lies: [begin, body) is the format byte and the count.
struct Value {
  size_t begin, body, end;
  uint64_t count;
  Family family;
};

uint64_t big_endian(const std::string& bytes, size_t at, size_t width) {
  uint64_t value = 0;
  for (size_t i = 0; i < width; ++i) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return value;
}

void append_big_endian(std::string& to, uint64_t value, size_t width) {
  for (size_t i = width; i-- > 0;) to += static_cast<char>(value >> 8 * i);
}

/// The head of the value at `at`; false when it doesn't fit.
bool read_head(const std::string& bytes, size_t at, Value& value) {
  const auto lead = static_cast<uint8_t>(bytes[at]);
  size_t width = 0, fixed = 0;
  value = {at, at + 1, 0, 0, Family::kScalar};
  if (lead < 0x80 || lead >= 0xe0) return true;
  if (lead < 0x90) {
    value.family = Family::kMap;
    value.count = lead & 15;
  } else if (lead < 0xa0) {
    value.family = Family::kArray;
    value.count = lead & 15;
  } else if (lead < 0xc0) {
    value.family = Family::kStr;
    value.count = lead & 31;
  } else {
    // Widths of count (low nibble) and fixed body (high), families by ranges.
    static constexpr uint8_t kWidths[32] = {0, 0, 0, 0, 1, 2, 4, 1, 2, 4, 0, 0, 0, 0, 0, 0,
                                            0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4};
    static constexpr uint8_t kFixed[32] = {0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 4, 8, 1, 2, 4, 8,
                                           1, 2, 4, 8, 2, 3, 5, 9, 17, 0, 0, 0, 0, 0, 0, 0};
    const int kind = lead - 0xc0;
    width = kWidths[kind];
    fixed = kFixed[kind];
    value.family = kind >= 30 ? Family::kMap : kind >= 28 ? Family::kArray : kind >= 25 ? Family::kStr
                   : kind >= 7 && kind <= 9 ? Family::kExt
                   : kind >= 4 && kind <= 6 ? Family::kBin : Family::kScalar;
  }
  if (bytes.size() - value.body < width + fixed) return false;
  if (width != 0) value.count = big_endian(bytes, value.body, width);
  value.body += width + fixed;
  return true;
}

/// All values found, outer before inner; what is malformed ends the list.
std::vector<Value> find_values(const std::string& bytes) {
  std::vector<Value> values;
  std::vector<std::pair<size_t, uint64_t>> open;  // index, values left
  size_t at = 0;
  while (at < bytes.size() && values.size() < kValuesMax) {
    Value value{};
    if (!read_head(bytes, at, value)) break;
    at = value.body;
    const bool container = value.family == Family::kArray || value.family == Family::kMap;
    if (!container && value.family != Family::kScalar) {
      if (value.count > bytes.size() - at) break;
      at += value.count;
    }
    value.end = at;
    values.push_back(value);
    if (container && value.count != 0) {
      open.emplace_back(values.size() - 1, value.family == Family::kMap ? 2 * value.count : value.count);
      continue;
    }
    while (!open.empty() && --open.back().second == 0) {
      values[open.back().first].end = at;
      open.pop_back();
    }
  }
  for (const auto& [index, left] : open) values[index].end = at;
  return values;
}

/// A head of any width that can hold the count.
std::string head(Family family, uint64_t count, FuzzRandom& random) {
  static constexpr std::array<uint8_t, 6> kFirst = {0, 0xd9, 0xc4, 0xc7, 0xdb, 0xdd};
  std::string bytes;
  const bool container = family == Family::kArray || family == Family::kMap;
  if (family == Family::kScalar) return bytes;
  const size_t fixed_max = family == Family::kStr ? 31 : container ? 15 : 0;
  if (fixed_max != 0 && count <= fixed_max && random.below(3) != 0) {
    const int base = family == Family::kStr ? 0xa0 : family == Family::kArray ? 0x90 : 0x80;
    bytes += static_cast<char>(base | static_cast<int>(count));
    return bytes;
  }
  size_t step = random.below(3);  // 1, 2, 4 bytes
  if (count > 0xff) step = std::max<size_t>(step, 1);
  if (count > 0xffff) step = 2;
  if (container) step = std::max<size_t>(step, 1);
  const uint8_t first = kFirst[static_cast<size_t>(family)];
  bytes += static_cast<char>(first + step);
  append_big_endian(bytes, count, size_t{1} << step);
  if (family == Family::kExt) bytes += random.byte();
  return bytes;
}

std::string odd_text(FuzzRandom& random) {
  std::string text;
  for (size_t parts = random.below(6); parts > 0; --parts) {
    if (random.below(2) != 0) text += std::string(random.below(70), 'k');
    text += odd_character(random);
  }
  return text;
}

}  // namespace

std::string random_msgpack(FuzzRandom& random, unsigned depth) {
  const size_t kind = random.below(depth < 3 ? 12 : 8);
  if (kind < 3) {
    const std::string text = odd_text(random);
    return head(Family::kStr, text.size(), random) + text;
  }
  if (kind == 3) {
    const std::string data(random.below(300), '\xff');
    return head(random.below(2) != 0 ? Family::kBin : Family::kExt, data.size(), random) + data;
  }
  if (kind < 8) {  // nil, bool, numbers, fixext, fixint
    static constexpr std::array<uint8_t, 22> kLeads = {
        0xc0, 0xc2, 0xc3, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd1,
        0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0x00, 0x7f, 0xe0, 0xff};
    std::string bytes(1, static_cast<char>(random.pick(kLeads)));
    Value value{};
    bytes.resize(32);
    read_head(bytes, 0, value);
    bytes.resize(value.body);
    return bytes;
  }
  const Family family = random.below(2) != 0 ? Family::kArray : Family::kMap;
  const size_t count = random.below(5);
  std::string bytes = head(family, count, random);
  for (size_t i = family == Family::kMap ? 2 * count : count; i > 0; --i) {
    bytes += random_msgpack(random, depth + 1);
  }
  return bytes;
}

std::string mutate_msgpack(std::string bytes, FuzzRandom& random) {
  const std::vector<Value> values = find_values(bytes);
  if (values.empty()) return random_msgpack(random);
  const Value& value = values[random.below(values.size())];
  const size_t size = value.end - value.begin;
  const bool container = value.family == Family::kArray || value.family == Family::kMap;
  switch (random.below(10)) {
    case 0: return bytes.replace(value.begin, size, random_msgpack(random));
    case 1: {  // nested, up to and past the limits
      static constexpr std::array<size_t, 10> kDepths = {1, 1, 2, 4, 23, 24, 25, 31, 255, 257};
      return bytes.insert(value.begin, std::string(random.pick(kDepths), '\x91'));
    }
    case 2: {  // the same with another head
      const std::string body = bytes.substr(value.body, value.end - value.body);
      if (value.family == Family::kScalar || value.family == Family::kExt) break;
      return bytes.replace(value.begin, size, head(value.family, value.count, random) + body);
    }
    case 3: {
      const std::string text = odd_text(random);
      return bytes.replace(value.begin, size, head(Family::kStr, text.size(), random) + text);
    }
    case 4: return bytes.insert(value.end, bytes.substr(value.begin, size));
    case 5: return bytes.erase(value.begin, size);
    case 6: bytes[value.begin] = random.byte(); return bytes;
    case 7: {
      const Value& other = values[random.below(values.size())];
      const Value& first = value.begin < other.begin ? value : other;
      const Value& second = value.begin < other.begin ? other : value;
      if (first.end > second.begin) break;  // one inside the other
      return bytes.substr(0, first.begin) + bytes.substr(second.begin, second.end - second.begin) +
             bytes.substr(first.end, second.begin - first.end) +
             bytes.substr(first.begin, first.end - first.begin) + bytes.substr(second.end);
    }
    case 8: {  // one element more, counted
      if (!container) break;
      std::string added = random_msgpack(random, 2);
      if (value.family == Family::kMap) added += random_msgpack(random, 2);
      bytes.insert(value.end, added);
      return bytes.replace(value.begin, value.body - value.begin,
                           head(value.family, value.count + 1, random));
    }
    default: {  // a count that is not so
      if (value.family == Family::kScalar || value.family == Family::kExt) break;
      const uint64_t count = random.below(2) != 0 ? random.edge() : value.count + random.below(3) - 1;
      return bytes.replace(value.begin, value.body - value.begin,
                           head(value.family, count & 0xffffffff, random));
    }
  }
  return bytes.insert(value.begin, 1, random.byte());
}

}  // namespace eventd::fuzz
