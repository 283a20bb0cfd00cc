// Memory as the C++ memory model allows it to be seen, instead of as this machine shows it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "support/schedule/random.h"

namespace eventd::schedule {

inline constexpr int kWordsMax = 96;
inline constexpr int kRingsMax = 8;

/// How much of memory a thread (or whoever reads a released value) is bound to have seen: for each
/// word the oldest value it may still read, for each ring's bytes how many stores are visible.
struct View {
  std::array<uint32_t, kWordsMax> words{};
  std::array<uint32_t, kRingsMax> rings{};
};

/// What one thread has seen.
struct ThreadView {
  View current;
  View acquirable;        ///< current, and what an acquire fence would add
  uint32_t released = 0;  ///< snapshot at the last release fence
  bool moved_tail = false;  ///< since the last store barrier (for omissions only)
  /// By ring and byte: the store it last read, before which it cannot go back.
  std::array<std::vector<uint32_t>, kRingsMax> seen;
};

/// How far a schedule goes from sequential consistency.
struct Weakness {
  uint32_t stale_of_16 = 0;   ///< loads that may return an older value than the newest
  uint32_t late_of_16 = 0;    ///< stores that may end up before others' stores made earlier
};

/// Every word keeps all values stored to it, in modification order; a load may return any that its
/// thread's view does not exclude. Release and acquire, their fences and sequentially consistent
/// fences hand views on as in C++20, read-modify-writes read the newest value. Bytes of a ring are
/// ordered by happens-before among the stores (checked) and read piece by piece, each piece as old as
/// it may be. What it does not do: a load never returns a value stored later in the schedule.
/// Single OS thread.
class Memory {
 public:
  Memory();
  void reset(Random& random, Weakness weakness);
  void reset(ThreadView& thread);

  /// A word of its own. `name` is kept.
  int add_word(uint64_t initial, const char* name);
  /// The word at an address, which becomes one at the first use, with what it holds. The address
  /// always holds the newest value, for those who look without asking.
  int word_at(const void* address, size_t size, const char* name);
  const char* name(int word) const { return words_[static_cast<size_t>(word)].name; }

  uint64_t load(ThreadView& thread, int word, bool acquire);
  void store(ThreadView& thread, int word, uint64_t value, bool release);
  /// Reads the newest value; replace() makes it old. REQUIRES: nothing in between.
  uint64_t newest(int word) const;
  void replace(ThreadView& thread, int word, uint64_t value, bool acquire, bool release);

  void acquire_fence(ThreadView& thread);
  void release_fence(ThreadView& thread);
  void full_fence(ThreadView& thread);
  /// What `thread` has seen, to be handed to another (mutex, start and end of threads).
  uint32_t snapshot(const ThreadView& thread);
  void join(ThreadView& thread, uint32_t snapshot);

  /// Bytes at `base`, twice in a row, until other ones are added there. The addresses are names only,
  /// nothing need be mapped.
  void add_ring(const void* base, uint64_t capacity);
  /// -1 = none.
  int ring_of(const void* address) const;
  /// Returns false if an earlier store to the ring does not happen before this one.
  bool store_bytes(ThreadView& thread, int ring, const void* to, const void* from, size_t size);
  void load_bytes(ThreadView& thread, int ring, void* to, const void* from, size_t size);

  /// Loads that returned something else than the newest value.
  uint64_t stale_count() const { return stale_count_; }

 private:
  struct Message {
    uint32_t at;        // place in the modification order
    uint32_t released;  // snapshot an acquiring reader joins
    uint64_t value;
    bool follows;       // a read-modify-write: nothing goes between it and the one before
  };
  struct Word {
    const char* name = nullptr;
    void* address = nullptr;
    uint8_t size = 0;
    std::vector<Message> messages;
  };
  struct ByteVersion {
    uint32_t store;
    uint8_t value;
  };
  static constexpr size_t kVersionsMax = 24;
  struct Ring {
    uintptr_t base = 0;
    uint64_t capacity = 0;
    std::vector<uint32_t> released;  // by store, from 1
    std::vector<uint8_t> versions;   // by byte: how many
    std::vector<ByteVersion> bytes;  // by byte, kVersionsMax each
  };
  struct Address {
    const void* address = nullptr;
    uint32_t run = 0;
    int word = 0;
  };

  void join(View& to, const View& from) const;
  void read(ThreadView& thread, int word, const Message& message, bool acquire);
  void write_through(const Word& word) const;

  Random* random_ = nullptr;
  Weakness weakness_;
  uint32_t run_ = 0;
  int words_used_ = 0;
  int rings_used_ = 0;
  uint64_t stale_count_ = 0;
  std::vector<Word> words_;
  std::vector<Ring> rings_;
  std::vector<Address> addresses_;
  std::vector<View> snapshots_;
  View total_;  // of sequentially consistent fences
};

}  // namespace eventd::schedule
