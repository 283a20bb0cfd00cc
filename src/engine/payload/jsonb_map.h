// A msgpack map as jsonb sees it: keys as text, sorted by length then bytes, the last duplicate only.
#pragma once

#include <forward_list>
#include <string>
#include <string_view>
#include <vector>

#include "engine/payload/msgpack_reader.h"

namespace eventd::engine {

struct JsonbEntry {
  std::string_view key;
  ByteSpan value;
};

/// Holds the entries of the maps that are open in one walk, as a stack: no allocation per map once
/// warm. One thread; the entries borrow the msgpack bytes.
class JsonbMapStack {
 public:
  /// Reads `count` pairs after a map's header; the sorted, unique ones are at [returned, size()).
  /// Malformed bytes end the map early.
  size_t push(MsgpackReader& reader, uint32_t count);
  /// Drops the entries from `base` on.
  void pop(size_t base) { entries_.resize(base); }
  size_t size() const { return entries_.size(); }
  JsonbEntry operator[](size_t i) const { return entries_[i]; }

 private:
  std::vector<JsonbEntry> entries_;
  std::forward_list<std::string> odd_keys_;  // texts of keys that are no strings; live as long as this
};

}  // namespace eventd::engine
