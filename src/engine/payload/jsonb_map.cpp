#include "engine/payload/jsonb_map.h"

#include <algorithm>
#include <cstring>

#include "engine/payload/jsonb_text.h"

namespace eventd::engine {
namespace {

bool key_less(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return a.size() < b.size();
  return std::memcmp(a.data(), b.data(), a.size()) < 0;
}

}  // namespace

size_t JsonbMapStack::push(MsgpackReader& reader, uint32_t count) {
  const size_t base = entries_.size();
  // Most payloads are one map of fewer entries.
  if (entries_.capacity() == 0) entries_.reserve(16);
  bool sorted = true;
  for (uint32_t i = 0; i < count; ++i) {
    const uint8_t* key_start = reader.position();
    MsgpackToken token;
    if (!reader.next(token)) break;
    std::string_view key = token.text();
    if (token.kind != MsgpackKind::kString) {
      uint64_t items = token.kind == MsgpackKind::kMap     ? uint64_t{token.count} * 2
                       : token.kind == MsgpackKind::kArray ? token.count
                                                           : 0;
      bool whole = true;
      for (; items > 0 && whole; --items) whole = reader.skip();
      if (!whole) break;
      odd_keys_.emplace_front();
      append_map_key_text({key_start, static_cast<size_t>(reader.position() - key_start)},
                          odd_keys_.front());
      key = odd_keys_.front();
    }
    const uint8_t* value_start = reader.position();
    if (!reader.skip()) break;
    const JsonbEntry entry{key, {value_start, static_cast<size_t>(reader.position() - value_start)}};
    sorted = sorted && (entries_.size() == base || key_less(entries_.back().key, key));
    entries_.push_back(entry);
  }
  if (!sorted) {
    const auto begin = entries_.begin() + static_cast<std::ptrdiff_t>(base);
    // Among equal keys the later value comes last, and unique-from-behind keeps it.
    std::sort(begin, entries_.end(), [](const JsonbEntry& a, const JsonbEntry& b) {
      if (key_less(a.key, b.key)) return true;
      if (key_less(b.key, a.key)) return false;
      return a.value.data() < b.value.data();
    });
    size_t kept = base;
    for (size_t i = base; i < entries_.size(); ++i) {
      if (i + 1 < entries_.size() && entries_[i].key == entries_[i + 1].key) continue;
      entries_[kept++] = entries_[i];
    }
    entries_.resize(kept);
  }
  return base;
}

}  // namespace eventd::engine
