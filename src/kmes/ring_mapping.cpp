#include "kmes/ring_mapping.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <climits>
#include <cstring>
#include <string>

#include "kmes/ring_atomics.h"

namespace eventd::kmes {
namespace {

constexpr int kSlots = static_cast<int>(kAttachmentsMax) + 1;
constexpr size_t kControlBytes = KMES_PAGE_SIZE * (1 + size_t{kSlots});
static_assert(kSlots == 32, "slots_ is a bit mask of 32");

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

int RingMemory::take_slot() {
  uint32_t taken = slots_.load(std::memory_order_relaxed);
  for (;;) {
    const int slot = std::countr_one(taken);
    if (slot >= kSlots) return -1;
    // acq_rel: the page's former user is done with it; pairs with give_back_slot().
    if (slots_.compare_exchange_weak(taken, taken | (uint32_t{1} << slot),
                                     std::memory_order_acq_rel, std::memory_order_relaxed)) {
      return slot;
    }
  }
}

void RingMemory::give_back_slot(int slot) {
  auto* page = reinterpret_cast<kmes_consumer_page*>(pages_ + slot_offset(slot));
  std::atomic_ref(page->need_wake).store(0, std::memory_order_relaxed);
  slots_.fetch_and(~(uint32_t{1} << slot), std::memory_order_acq_rel);
}

bool RingMemory::take_wake_requests() {
  bool asked = false;
  // A view attached after this load has not looked at write_pos yet, so it needs no wake-up.
  for (uint32_t taken = slots_.load(std::memory_order_relaxed); taken != 0; taken &= taken - 1) {
    auto* page = reinterpret_cast<kmes_consumer_page*>(pages_ + slot_offset(std::countr_zero(taken)));
    std::atomic_ref need_wake(page->need_wake);
    if (need_wake.load(std::memory_order_relaxed) == 0) continue;
    // Taken back before futex_counter moves: a reader that reads the new counter stores its next
    // request after this one was cleared. Pairs with the acquire load in RingReader::wait().
    need_wake.store(0, std::memory_order_relaxed);
    asked = true;
  }
  return asked;
}

void RingMemory::wake_all() {
  std::atomic_ref counter(producer().futex_counter);
  counter.fetch_add(1, std::memory_order_release);
  syscall(SYS_futex, &producer().futex_counter, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
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

void RingMapping::wake_if_needed() const {
  // write_pos is stored before need_wake is loaded; pairs with the full barrier in
  // RingReader::wait(), which stores need_wake before it loads write_pos.
  kmes_full_barrier();
  wake_who_asked();
}

}  // namespace eventd::kmes
