// Damaging shard files on purpose.
#pragma once

#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "storage_fixture.h"

namespace eventd::engine {

inline std::string read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

/// Overwrites the page in which `text` is found first.
inline void damage_page_with(const std::string& path, const std::string& text,
                             size_t page_bytes = 16'384) {
  std::string bytes = read_bytes(path);
  const size_t at = bytes.find(text);
  ASSERT_NE(at, std::string::npos);
  bytes.replace(at / page_bytes * page_bytes, page_bytes, std::string(page_bytes, '\xee'));
  write_bytes(path, bytes);
}

/// Events whose payload is msgpack of "mark-NNNNNNNN-…", 100 bytes.
inline std::vector<TestEvent> marked(int64_t first, int64_t count) {
  std::vector<TestEvent> events;
  for (int64_t i = first; i < first + count; ++i) {
    std::string text = "mark-" + std::to_string(10'000'000 + i) + "-";
    text.resize(100, 'x');
    events.push_back({.timestamp_ns = 1'000'000 + i,
                      .payload = "\xd9\x64" + text,
                      .sequence = static_cast<uint64_t>(i)});
  }
  return events;
}

}  // namespace eventd::engine
