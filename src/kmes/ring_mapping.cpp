#include "kmes/ring_mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <string>

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

Status memory_error(const char* what) {
  const int error = errno;
  return {sqlstate::kOutOfMemory,
          std::string("could not ") + what + " of an event ring: " + std::strerror(error)};
}

Result<UniqueFd> make_memfd(const char* name, uint64_t size) {
  UniqueFd fd(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.valid()) return memory_error("create the memory");
  if (ftruncate(fd.get(), static_cast<off_t>(size)) != 0) return memory_error("size the memory");
  // The size is fixed: no mapping of it can ever fault past the end.
  if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return memory_error("seal the memory");
  }
  return fd;
}

}  // namespace

Result<std::shared_ptr<RingMemory>> RingMemory::create(uint64_t capacity_bytes) {
  std::shared_ptr<RingMemory> memory(new RingMemory);
  memory->capacity_ = capacity_bytes;
  ASSIGN_OR_RETURN(memory->control_, make_memfd("kmes-control", kControlBytes));
  ASSIGN_OR_RETURN(memory->data_, make_memfd("kmes-data", capacity_bytes));
  void* pages = mmap(nullptr, kControlBytes, PROT_READ | PROT_WRITE, MAP_SHARED,
                     memory->control_fd(), 0);
  if (pages == MAP_FAILED) return memory_error("map the pages");
  memory->pages_ = static_cast<std::byte*>(pages);
  return memory;
}

RingMemory::~RingMemory() {
  if (pages_ != nullptr) munmap(pages_, kControlBytes);
}

kmes_producer_page& RingMemory::producer() const {
  return *reinterpret_cast<kmes_producer_page*>(pages_);
}

Result<std::unique_ptr<RingMapping>> RingMapping::create(uint16_t cpu_id, uint64_t capacity_bytes) {
  if (!std::has_single_bit(capacity_bytes) || capacity_bytes < KMES_CAPACITY_MIN ||
      capacity_bytes > KMES_CAPACITY_MAX) {
    return {sqlstate::kInvalidParameterValue,
            "ring capacity must be a power of two from 64 kB to 256 MB"};
  }
  ASSIGN_OR_RETURN(std::shared_ptr<RingMemory> memory, RingMemory::create(capacity_bytes));
  kmes_producer_page& page = memory->producer();
  std::memcpy(page.magic, KMES_MAGIC, sizeof(page.magic));
  page.version = KMES_VERSION;
  page.cpu_id = cpu_id;
  page.capacity = capacity_bytes;
  page.data_offset = KMES_DATA_OFFSET;
  page.generation = 1;
  const int slot = memory->take_slot();
  return map(std::move(memory), slot, true);
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
  const size_t bytes = KMES_DATA_OFFSET + 2 * capacity;

  // One reservation, then each part over it: nothing else can end up between them.
  void* base = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return memory_error("reserve the address space");
  mapping->base_ = static_cast<std::byte*>(base);
  mapping->mapped_bytes_ = bytes;

  const int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  const auto place = [&](size_t at, size_t size, int how, int fd, uint64_t offset) {
    return mmap(mapping->base_ + at, size, how, MAP_SHARED | MAP_FIXED, fd,
                static_cast<off_t>(offset)) != MAP_FAILED;
  };
  const int control = mapping->memory_->control_fd();
  const int data = mapping->memory_->data_fd();
  if (!place(0, KMES_PAGE_SIZE, protection, control, 0) ||
      !place(KMES_PAGE_SIZE, KMES_PAGE_SIZE, PROT_READ | PROT_WRITE, control,
             RingMemory::slot_offset(slot)) ||
      !place(KMES_DATA_OFFSET, capacity, protection, data, 0) ||
      !place(KMES_DATA_OFFSET + capacity, capacity, protection, data, 0)) {
    return memory_error("map the memory");
  }
  mapping->producer_ = reinterpret_cast<kmes_producer_page*>(mapping->base_);
  mapping->consumer_ = reinterpret_cast<kmes_consumer_page*>(mapping->base_ + KMES_PAGE_SIZE);
  mapping->data_ = reinterpret_cast<uint8_t*>(mapping->base_ + KMES_DATA_OFFSET);
  return mapping;
}

RingMapping::~RingMapping() {
  if (base_ != nullptr) munmap(base_, mapped_bytes_);
  if (slot_ >= 0) memory_->give_back_slot(slot_);
}

}  // namespace eventd::kmes
