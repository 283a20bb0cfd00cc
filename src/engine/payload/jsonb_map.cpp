#include "engine/payload/jsonb_map.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "engine/payload/jsonb_text.h"
#include "interrupt.h"

namespace eventd::engine {
namespace {

bool key_less(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return a.size() < b.size();
  return std::memcmp(a.data(), b.data(), a.size()) < 0;
}

// Among equal keys the later value comes last, and unique-from-behind keeps it.
bool entry_less(const JsonbEntry& a, const JsonbEntry& b) {
  if (key_less(a.key, b.key)) return true;
  if (key_less(b.key, a.key)) return false;
  return a.value.data() < b.value.data();
}

// std::sort can't be left: very many entries are sorted in runs, which are then merged.
void sort_entries(std::span<JsonbEntry> entries) {
  constexpr size_t kRun = 1 << 15;
  for (size_t at = 0; at < entries.size(); at += kRun) {
    if (at > 0 && is_interrupted()) return;
    const auto run = entries.subspan(at, std::min(kRun, entries.size() - at));
    std::sort(run.begin(), run.end(), entry_less);
  }
  if (entries.size() <= kRun) return;
  InterruptPacer pacer;
  std::vector<JsonbEntry> from(entries.begin(), entries.end()), to(entries.size());
  for (size_t width = kRun; width < from.size(); width *= 2) {
    for (size_t at = 0; at < from.size(); at += 2 * width) {
      const size_t middle = std::min(at + width, from.size()), end = std::min(at + 2 * width, from.size());
      for (size_t left = at, right = middle, out = at; out < end; ++out) {
        if (pacer.step(20)) return;
        const bool take_right = left == middle || (right < end && entry_less(from[right], from[left]));
        to[out] = from[take_right ? right++ : left++];
      }
    }
    from.swap(to);
  }
  std::copy(from.begin(), from.end(), entries.begin());
}

}  // namespace

size_t JsonbMapStack::push(MsgpackReader& reader, uint32_t count) {
  const size_t base = entries_.size();
  // Most payloads are one map of fewer entries.
  if (entries_.capacity() == 0) entries_.reserve(16);
  bool sorted = true;
  InterruptPacer pacer;
  for (uint32_t i = 0; i < count && !pacer.step(10); ++i) {
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
    sort_entries(std::span(entries_).subspan(base));
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
