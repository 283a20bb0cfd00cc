#include "support/schedule/memory.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace eventd::schedule {
namespace {

// Room between neighbours in the modification order, for stores that end up between them.
constexpr uint32_t kSpacing = 1 << 12;
constexpr size_t kAddresses = 512;  // power of two

[[noreturn]] void too_small(const char* what) {
  std::fprintf(stderr, "schedule: %s\n", what);
  std::abort();
}

}  // namespace

Memory::Memory() : words_(kWordsMax), rings_(kRingsMax), addresses_(kAddresses) {}

void Memory::reset(Random& random, Weakness weakness) {
  random_ = &random;
  weakness_ = weakness;
  ++run_;
  words_used_ = 0;
  rings_used_ = 0;
  stale_count_ = 0;
  snapshots_.clear();
  snapshots_.emplace_back();  // 0 = nothing
  total_ = View{};
}

void Memory::reset(ThreadView& thread) {
  thread.current = thread.acquirable = View{};
  thread.released = 0;
  thread.moved_tail = false;
  for (auto& seen : thread.seen) seen.clear();
}

int Memory::add_word(uint64_t initial, const char* name) {
  if (words_used_ == kWordsMax) too_small("too many words, raise kWordsMax");
  const int index = words_used_++;
  Word& word = words_[static_cast<size_t>(index)];
  word.name = name;
  word.address = nullptr;
  word.messages.clear();
  word.messages.push_back({0, 0, initial, false});
  return index;
}

int Memory::word_at(const void* address, size_t size, const char* name) {
  const auto hash = (reinterpret_cast<uintptr_t>(address) * 0x9e3779b97f4a7c15) >> 55;
  for (size_t i = hash;; i = (i + 1) % kAddresses) {
    Address& entry = addresses_[i % kAddresses];
    if (entry.run == run_) {
      if (entry.address == address) return entry.word;
      continue;
    }
    uint64_t initial = 0;
    std::memcpy(&initial, address, size);  // little-endian, as bytes.h checks
    entry = {address, run_, add_word(initial, name)};
    Word& word = words_[static_cast<size_t>(entry.word)];
    word.address = const_cast<void*>(address);
    word.size = static_cast<uint8_t>(size);
    return entry.word;
  }
}

void Memory::join(View& to, const View& from) const {
  for (int i = 0; i < words_used_; ++i) {
    const auto at = static_cast<size_t>(i);
    to.words[at] = std::max(to.words[at], from.words[at]);
  }
  for (size_t i = 0; i < kRingsMax; ++i) to.rings[i] = std::max(to.rings[i], from.rings[i]);
}

void Memory::read(ThreadView& thread, int word, const Message& message, bool acquire) {
  const auto index = static_cast<size_t>(word);
  thread.current.words[index] = std::max(thread.current.words[index], message.at);
  thread.acquirable.words[index] = std::max(thread.acquirable.words[index], message.at);
  if (message.released == 0) return;
  if (acquire) join(thread.current, snapshots_[message.released]);
  join(thread.acquirable, snapshots_[message.released]);
}

void Memory::write_through(const Word& word) const {
  if (word.address != nullptr) std::memcpy(word.address, &word.messages.back().value, word.size);
}

uint64_t Memory::load(ThreadView& thread, int word, bool acquire) {
  const std::vector<Message>& messages = words_[static_cast<size_t>(word)].messages;
  size_t chosen = messages.size() - 1;
  const uint32_t from = thread.current.words[static_cast<size_t>(word)];
  if (messages[chosen].at > from && random_->below(16) < weakness_.stale_of_16) {
    size_t oldest = chosen;
    while (oldest > 0 && messages[oldest].at > from) --oldest;
    chosen = oldest + random_->below(static_cast<uint32_t>(chosen - oldest + 1));
    if (chosen + 1 != messages.size()) ++stale_count_;
  }
  const uint64_t value = messages[chosen].value;
  read(thread, word, messages[chosen], acquire);
  return value;
}

void Memory::store(ThreadView& thread, int word, uint64_t value, bool release) {
  const auto index = static_cast<size_t>(word);
  std::vector<Message>& messages = words_[index].messages;
  size_t place = messages.size();
  const uint32_t from = thread.current.words[index];
  if (messages.back().at > from && random_->below(16) < weakness_.late_of_16) {
    size_t oldest = place - 1;
    while (oldest > 0 && messages[oldest].at > from) --oldest;
    const size_t wanted = oldest + 1 + random_->below(static_cast<uint32_t>(place - oldest));
    // Taken only where there is room.
    if (wanted < place && !messages[wanted].follows &&
        messages[wanted].at - messages[wanted - 1].at > 1) {
      place = wanted;
    }
  }
  const uint32_t before = messages[place - 1].at;
  const uint32_t at = place == messages.size() ? before + kSpacing
                                               : before + (messages[place].at - before) / 2;
  thread.current.words[index] = thread.acquirable.words[index] = at;
  const uint32_t released = release ? snapshot(thread) : thread.released;
  messages.insert(messages.begin() + static_cast<ptrdiff_t>(place), {at, released, value, false});
  write_through(words_[index]);
}

uint64_t Memory::newest(int word) const {
  return words_[static_cast<size_t>(word)].messages.back().value;
}

void Memory::replace(ThreadView& thread, int word, uint64_t value, bool acquire, bool release) {
  const auto index = static_cast<size_t>(word);
  std::vector<Message>& messages = words_[index].messages;
  const Message old = messages.back();
  read(thread, word, old, acquire);
  const uint32_t at = old.at + kSpacing;
  thread.current.words[index] = thread.acquirable.words[index] = at;
  uint32_t released = release ? snapshot(thread) : thread.released;
  if (old.released != 0 && old.released != released) {
    // Whoever reads this one synchronises with what it replaced as well (a release sequence).
    const View both = snapshots_[released];
    snapshots_.push_back(both);
    released = static_cast<uint32_t>(snapshots_.size() - 1);
    join(snapshots_.back(), snapshots_[old.released]);
  }
  messages.push_back({at, released, value, true});
  write_through(words_[index]);
}

void Memory::acquire_fence(ThreadView& thread) { thread.current = thread.acquirable; }

void Memory::release_fence(ThreadView& thread) { thread.released = snapshot(thread); }

void Memory::full_fence(ThreadView& thread) {
  join(thread.acquirable, total_);
  thread.current = thread.acquirable;
  total_ = thread.current;
  thread.released = snapshot(thread);
}

uint32_t Memory::snapshot(const ThreadView& thread) {
  snapshots_.push_back(thread.current);
  return static_cast<uint32_t>(snapshots_.size() - 1);
}

void Memory::join(ThreadView& thread, uint32_t snapshot) {
  join(thread.current, snapshots_[snapshot]);
  join(thread.acquirable, snapshots_[snapshot]);
}

void Memory::add_ring(const void* base, uint64_t capacity) {
  if (rings_used_ == kRingsMax) too_small("too many rings, raise kRingsMax");
  Ring& ring = rings_[static_cast<size_t>(rings_used_++)];
  ring.base = reinterpret_cast<uintptr_t>(base);
  ring.capacity = capacity;
  ring.released.assign(1, 0);
  ring.versions.assign(capacity, 0);
  ring.bytes.resize(capacity * kVersionsMax);
}

int Memory::ring_of(const void* address) const {
  const auto at = reinterpret_cast<uintptr_t>(address);
  for (int i = rings_used_ - 1; i >= 0; --i) {
    const Ring& ring = rings_[static_cast<size_t>(i)];
    if (at - ring.base < 2 * ring.capacity) return i;
  }
  return -1;
}

bool Memory::store_bytes(ThreadView& thread, int index, const void* to, const void* from,
                         size_t size) {
  Ring& ring = rings_[static_cast<size_t>(index)];
  uint32_t& visible = thread.current.rings[static_cast<size_t>(index)];
  const bool ordered = visible + 1 == ring.released.size();
  const auto store = static_cast<uint32_t>(ring.released.size());
  ring.released.push_back(thread.released);
  visible = thread.acquirable.rings[static_cast<size_t>(index)] = store;
  const auto* bytes = static_cast<const uint8_t*>(from);
  const uint64_t offset = reinterpret_cast<uintptr_t>(to) - ring.base;
  for (size_t i = 0; i < size; ++i) {
    const uint64_t at = (offset + i) & (ring.capacity - 1);
    ByteVersion* versions = &ring.bytes[at * kVersionsMax];
    uint8_t& count = ring.versions[at];
    if (count == kVersionsMax) {
      std::copy(versions + 1, versions + kVersionsMax, versions);
      --count;
    }
    versions[count++] = {store, bytes[i]};
  }
  return ordered;
}

void Memory::load_bytes(ThreadView& thread, int index, void* to, const void* from, size_t size) {
  const Ring& ring = rings_[static_cast<size_t>(index)];
  const uint32_t visible = thread.current.rings[static_cast<size_t>(index)];
  const auto newest = static_cast<uint32_t>(ring.released.size() - 1);
  std::vector<uint32_t>& seen = thread.seen[static_cast<size_t>(index)];
  if (seen.size() != ring.capacity) seen.assign(ring.capacity, 0);
  uint32_t through = newest;
  if (newest > visible && random_->below(16) < weakness_.stale_of_16) {
    through = visible + random_->below(newest - visible + 1);
  }
  auto* bytes = static_cast<uint8_t*>(to);
  const uint64_t offset = reinterpret_cast<uintptr_t>(from) - ring.base;
  uint32_t joined = 0;
  for (size_t i = 0; i < size; ++i) {
    const uint64_t at = (offset + i) & (ring.capacity - 1);
    const ByteVersion* versions = &ring.bytes[at * kVersionsMax];
    const uint32_t limit = std::max(through, seen[at]);
    size_t count = ring.versions[at];
    if (count != 0 && versions[count - 1].store > limit) {
      ++stale_count_;
      // A version that fell out of the history cannot be read any more: the oldest is, then.
      const bool all = count < kVersionsMax;
      while (count > (all ? 0U : 1U) && versions[count - 1].store > limit) --count;
    }
    if (count == 0) {
      bytes[i] = 0;
      continue;
    }
    const ByteVersion& version = versions[count - 1];
    bytes[i] = version.value;
    seen[at] = version.store;
    const uint32_t released = ring.released[version.store];
    if (released != joined) {
      joined = released;
      join(thread.acquirable, snapshots_[released]);
    }
  }
}

}  // namespace eventd::schedule
