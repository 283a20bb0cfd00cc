// RingMapping for a simulation: every view at the same addresses, the pages in a pool, the data bytes
// nowhere (Memory keeps them; touching them otherwise faults). Any power of two may be a capacity.
#include <sys/mman.h>

#include <bit>
#include <cstdlib>
#include <cstring>

#include "kmes/ring_atomics.h"
#include "kmes/ring_mapping.h"
#include "support/schedule/simulation.h"

namespace eventd::kmes {
namespace {

constexpr size_t kPool = 16;  // more than a schedule makes
constexpr int kSlotsUsedMax = 4;
constexpr size_t kControlBytes = KMES_PAGE_SIZE * (2 + size_t{kAttachmentsMax});
constexpr size_t kDataBytesMax = 2 * size_t{KMES_CAPACITY_MIN};

alignas(KMES_PAGE_SIZE) std::byte g_pages[kPool][kControlBytes];
size_t g_next = 0;

uint8_t* data_of(const void* pages) {
  static auto* const base = [] {
    void* reserved = mmap(nullptr, kPool * kDataBytesMax, PROT_NONE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved == MAP_FAILED) std::abort();
    return static_cast<uint8_t*>(reserved);
  }();
  const auto offset = static_cast<const std::byte*>(pages) - &g_pages[0][0];
  return base + static_cast<size_t>(offset) / kControlBytes * kDataBytesMax;
}

}  // namespace

Result<std::shared_ptr<RingMemory>> RingMemory::create() {
  std::shared_ptr<RingMemory> memory(new RingMemory);
  memory->pages_ = g_pages[g_next];
  g_next = (g_next + 1) % kPool;
  std::memset(memory->pages_, 0, 256);
  for (int slot = 0; slot < kSlotsUsedMax; ++slot)
    memory->pages_[slot_offset(slot)] = std::byte{0};
  return memory;
}

RingMemory::~RingMemory() = default;

kmes_producer_page& RingMemory::producer() const {
  return *reinterpret_cast<kmes_producer_page*>(pages_);
}

Status RingMemory::renew(uint16_t cpu_id, uint64_t capacity_bytes, HugePages) {
  schedule::Simulation::current()->memory().add_ring(data_of(pages_), capacity_bytes);
  capacity_ = capacity_bytes;
  set_place(0, 1);
  kmes_producer_page& page = producer();
  page.cpu_id = cpu_id;
  page.capacity = capacity_bytes;
  kmes_store_release(&page.generation, 1);
  kmes_store_release(&page.write_pos, 0);
  kmes_store_release(&page.tail_pos, 0);
  return {};
}

Status RingMapping::check_capacity(uint64_t capacity_bytes) {
  if (!std::has_single_bit(capacity_bytes) || 2 * capacity_bytes > kDataBytesMax) std::abort();
  return {};
}

Result<std::unique_ptr<RingMapping>> RingMapping::create(uint16_t cpu_id, uint64_t capacity_bytes,
                                                         HugePages huge_pages) {
  ASSIGN_OR_RETURN(std::shared_ptr<RingMemory> memory, RingMemory::create());
  return create_in(std::move(memory), cpu_id, capacity_bytes, huge_pages);
}

Result<std::unique_ptr<RingMapping>> RingMapping::create_in(std::shared_ptr<RingMemory> memory,
                                                            uint16_t cpu_id,
                                                            uint64_t capacity_bytes,
                                                            HugePages huge_pages) {
  RETURN_IF_ERROR(check_capacity(capacity_bytes));
  RETURN_IF_ERROR(memory->renew(cpu_id, capacity_bytes, huge_pages));
  const int slot = memory->take_slot();
  return map(std::move(memory), slot, true);
}

Result<std::unique_ptr<RingMapping>> RingMapping::attach() const {
  const int slot = memory_->take_slot();
  if (slot >= kSlotsUsedMax) std::abort();
  return map(memory_, slot, false);
}

Result<std::unique_ptr<RingMapping>> RingMapping::map(std::shared_ptr<RingMemory> memory, int slot,
                                                      bool) {
  std::unique_ptr<RingMapping> mapping(new RingMapping);
  mapping->memory_ = std::move(memory);
  mapping->slot_ = slot;
  mapping->capacity_ = mapping->memory_->capacity();
  mapping->producer_ = &mapping->memory_->producer();
  auto* pages = reinterpret_cast<std::byte*>(mapping->producer_);
  mapping->consumer_ = reinterpret_cast<kmes_consumer_page*>(pages + RingMemory::slot_offset(slot));
  mapping->data_ = data_of(pages);
  return mapping;
}

RingMapping::~RingMapping() {
  if (slot_ >= 0) memory_->give_back_slot(slot_);
}

}  // namespace eventd::kmes
