#include "kmes/ring_mapping.h"

#include <sys/mman.h>

#include <bit>
#include <cstring>
#include <utility>

namespace eventd::kmes {
namespace {

constexpr size_t kControlBytes = KMES_PAGE_SIZE * (2 + size_t{kAttachmentsMax});

static_assert(offsetof(kmes_producer_page, capacity) == 16);
static_assert(offsetof(kmes_producer_page, data_offset) == 24);
static_assert(offsetof(kmes_producer_page, generation) == 32);
static_assert(offsetof(kmes_producer_page, write_pos) == 64);
static_assert(offsetof(kmes_producer_page, tail_pos) == 72);
static_assert(offsetof(kmes_producer_page, futex_counter) == 128);
static_assert(sizeof(kmes_producer_page) == KMES_PAGE_SIZE);
static_assert(sizeof(kmes_consumer_page) == KMES_PAGE_SIZE);

}  // namespace

Result<std::shared_ptr<RingMemory>> RingMemory::create() {
  std::shared_ptr<RingMemory> memory(new RingMemory);
  ASSIGN_OR_RETURN(memory->control_, create_sealed_memfd("kmes-control", kControlBytes));
  void* pages = mmap(nullptr, kControlBytes, PROT_READ | PROT_WRITE, MAP_SHARED,
                     memory->control_fd(), 0);
  if (pages == MAP_FAILED) return ring_memory_error("map the pages");
  memory->pages_ = static_cast<std::byte*>(pages);
  return memory;
}

RingMemory::~RingMemory() {
  if (pages_ != nullptr) munmap(pages_, kControlBytes);
}

Status RingMemory::renew(uint16_t cpu_id, uint64_t capacity_bytes, HugePages huge_pages) {
  ASSIGN_OR_RETURN(data_, create_ring_data(capacity_bytes, huge_pages));
  capacity_ = capacity_bytes;
  set_place(0, 1);
  kmes_producer_page& page = producer();
  std::memcpy(page.magic, KMES_MAGIC, sizeof(page.magic));
  page.version = KMES_VERSION;
  page.cpu_id = cpu_id;
  page.capacity = capacity_bytes;
  page.data_offset = KMES_DATA_OFFSET;
  page.generation = 1;
  // futex_counter goes on: an emitter of an earlier generation may still be about to move it.
  page.write_pos = 0;
  page.tail_pos = 0;
  return {};
}

kmes_producer_page& RingMemory::producer() const {
  return *reinterpret_cast<kmes_producer_page*>(pages_);
}

Status RingMapping::check_capacity(uint64_t capacity_bytes) {
  if (std::has_single_bit(capacity_bytes) && capacity_bytes >= KMES_CAPACITY_MIN &&
      capacity_bytes <= KMES_CAPACITY_MAX) {
    return {};
  }
  return {sqlstate::kInvalidParameterValue,
          "ring capacity must be a power of two from 64 kB to 256 MB"};
}

Result<std::unique_ptr<RingMapping>> RingMapping::create(uint16_t cpu_id, uint64_t capacity_bytes,
                                                         HugePages huge_pages) {
  RETURN_IF_ERROR(check_capacity(capacity_bytes));
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
  ASSIGN_OR_RETURN(auto mapping, map(std::move(memory), slot, true));
  RETURN_IF_ERROR(populate_ring_data(mapping->data_, 2 * capacity_bytes, cpu_id));
  return mapping;
}

Result<std::unique_ptr<RingMapping>> RingMapping::attach() const {
  const int slot = memory_->take_slot();
  if (slot < 0) {
    return {sqlstate::kConfigurationLimitExceeded, "too many readers are attached to an event ring"};
  }
  return map(memory_, slot, false);
}

Result<std::unique_ptr<RingMapping>> RingMapping::map(std::shared_ptr<RingMemory> memory, int slot,
                                                      bool writable) {
  std::unique_ptr<RingMapping> mapping(new RingMapping);
  mapping->memory_ = std::move(memory);
  mapping->slot_ = slot;
  mapping->capacity_ = mapping->memory_->capacity();
  const size_t capacity = mapping->capacity_;
  const RingData& memfd = mapping->memory_->data();
  // Pages of the data's memfd begin where they do in memory: with the data, not with the mapping.
  const size_t lead = memfd.alignment_bytes + KMES_DATA_OFFSET;
  const size_t bytes = lead + 2 * capacity;

  // One reservation, then each part over it: nothing else can end up between them.
  void* reserved = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) return ring_memory_error("reserve the address space");
  mapping->reserved_ = reserved;
  mapping->reserved_bytes_ = bytes;
  const uintptr_t first = reinterpret_cast<uintptr_t>(reserved) + KMES_DATA_OFFSET;
  const size_t skipped = (0 - first) & (memfd.alignment_bytes - 1);
  std::byte* const base = static_cast<std::byte*>(reserved) + skipped;

  const int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  const auto place = [&](size_t at, size_t size, int how, int fd, uint64_t offset) {
    return mmap(base + at, size, how, MAP_SHARED | MAP_FIXED, fd,
                static_cast<off_t>(offset)) != MAP_FAILED;
  };
  const int control = mapping->memory_->control_fd();
  const int data = memfd.fd.get();
  if (!place(0, KMES_PAGE_SIZE, protection, control, 0) ||
      !place(KMES_PAGE_SIZE, KMES_PAGE_SIZE, PROT_READ | PROT_WRITE, control,
             RingMemory::slot_offset(slot)) ||
      !place(KMES_DATA_OFFSET, capacity, protection, data, 0) ||
      !place(KMES_DATA_OFFSET + capacity, capacity, protection, data, 0)) {
    return ring_memory_error("map the memory");
  }
  mapping->producer_ = reinterpret_cast<kmes_producer_page*>(base);
  mapping->consumer_ = reinterpret_cast<kmes_consumer_page*>(base + KMES_PAGE_SIZE);
  mapping->data_ = reinterpret_cast<uint8_t*>(base + KMES_DATA_OFFSET);
  // Best effort: the kernel may be built without.
  if (memfd.transparent) (void)madvise(mapping->data_, 2 * capacity, MADV_HUGEPAGE);
  return mapping;
}

RingMapping::~RingMapping() {
  if (reserved_ != nullptr) munmap(reserved_, reserved_bytes_);
  if (slot_ >= 0) memory_->give_back_slot(slot_);
}

}  // namespace eventd::kmes
