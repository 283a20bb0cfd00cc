// No allocator call for an event: emit → ring → drain thread → handoff → batch writer → SQLite.
//
// Counted by difference: two runs of the whole pipeline, from its start to its end, over backlogs of
// different size. What starting and stopping cost cancels out; what is left is the price of events.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <stdlib.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <string>
#include <vector>

#include "engine/ingest/event_ingest.h"
#include "engine/stats/registry.h"
#include "engine/storage/shard_set.h"
#include "kmes/user_rings.h"

namespace {

std::atomic<uint64_t> cpp_allocations{0};
std::atomic<uint64_t> sqlite_allocations{0};
std::atomic<uint64_t> page_allocations{0};  // SQLite's too, of page buffers

constexpr int kPageBytes = 16'384;

void* allocate(std::size_t size, std::size_t alignment) {
  cpp_allocations.fetch_add(1, std::memory_order_relaxed);
  void* memory = alignment <= alignof(std::max_align_t)
                     ? std::malloc(size)
                     : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) std::abort();
  return memory;
}

sqlite3_mem_methods sqlite_default;

void* sqlite_malloc(int size) {
  // A page buffer has its header in the same piece.
  const bool page = size >= kPageBytes && size < kPageBytes + 1'024;
  (page ? page_allocations : sqlite_allocations).fetch_add(1, std::memory_order_relaxed);
  return sqlite_default.xMalloc(size);
}
void* sqlite_realloc(void* memory, int size) {
  sqlite_allocations.fetch_add(1, std::memory_order_relaxed);
  return sqlite_default.xRealloc(memory, size);
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size, alignof(std::max_align_t)); }
void* operator new[](std::size_t size) { return allocate(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace eventd::engine {
namespace {

struct Spent {
  uint64_t cpp = 0, sqlite = 0, pages = 0, batches = 0;
};

uint64_t batches() {
  return stats().counter("ingest.shard.0.batches").value() + stats().counter("ingest.shard.1.batches").value();
}

/// The whole life of a pipeline that finds `events` in its rings.
Spent run(uint64_t events) {
  std::string directory = (std::filesystem::temp_directory_path() / "allocations_test.XXXXXX").string();
  if (mkdtemp(directory.data()) == nullptr) abort();
  static constexpr std::array<uint8_t, 4> kMap = {0x81, 0xa1, 'k', 0x01};  // {"k": 1}
  const std::vector<kmes::EmitEntry> entries(50, {"test.allocations", kMap});
  Spent spent;
  {
    auto shards = ShardSet::open({.directory = directory, .shard_count = 2});
    auto rings = kmes::UserRings::create(1, 64 << 20);
    EXPECT_TRUE(shards.ok() && rings.ok());
    const Spent before{cpp_allocations, sqlite_allocations, page_allocations, batches()};
    for (uint64_t sent = 0; sent < events; sent += entries.size()) (*rings)->emit(entries, {});
    auto ingest = EventIngest::start(**shards, **rings, {.boot_id = Guid{{1}}});
    EXPECT_TRUE(ingest.ok());
    (*ingest)->stop();
    spent = {cpp_allocations - before.cpp, sqlite_allocations - before.sqlite,
             page_allocations - before.pages, batches() - before.batches};
    uint64_t rows = 0;
    for (uint32_t i = 0; i < 2; ++i) rows += (*shards)->shard(i).committed_rows();
    EXPECT_GE(rows, events);
  }
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
  return spent;
}

TEST(Allocations, AnEventCostsNone) {
  constexpr uint64_t kFew = 100'000, kMany = 400'000;
  run(kFew);  // what is made once in a process
  const Spent few = run(kFew), many = run(kMany);
  const auto more = [](uint64_t a, uint64_t b) { return b > a ? static_cast<double>(b - a) : 0.0; };
  const double events = kMany - kFew;
  const double cpp = more(few.cpp, many.cpp) / events, sqlite = more(few.sqlite, many.sqlite) / events;
  const double pages = more(few.pages, many.pages) / events;
  std::printf("%.0f events more in %.0f batches more: allocations an event %.5f by C++, %.5f by SQLite, "
              "and %.5f page buffers\n",
              events, more(few.batches, many.batches), cpp, sqlite, pages);
  EXPECT_LT(cpp, 0.01);
  EXPECT_LT(sqlite, 0.01);
  // A batch's dirty pages; what is more than the cache may keep is given back after the commit.
  EXPECT_LT(pages, 0.05);
}

}  // namespace
}  // namespace eventd::engine

int main(int argc, char** argv) {
  // Before SQLite is first used.
  sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_default);
  sqlite3_mem_methods counting = sqlite_default;
  counting.xMalloc = sqlite_malloc;
  counting.xRealloc = sqlite_realloc;
  sqlite3_config(SQLITE_CONFIG_MALLOC, &counting);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
