#include "kmes/ring_reader.h"

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <utility>

#include "bytes.h"
#include "kmes/ring_atomics.h"
#include "kmes/ring_futex.h"

namespace eventd::kmes {
namespace {

/// Times next() starts over because the writer is ahead of it before it lets the caller do
/// something else (it then reports kEmpty; wait() returns at once).
constexpr int kOverrunsMax = 64;
constexpr size_t kCacheLineBytes = 64;
constexpr int64_t kWaitNsMax = 1'000'000'000;

template <class T>
T racing_load(const uint8_t* from) {
  T value;
  kmes_racing_copy(&value, from, sizeof(T));
  return value;
}

}  // namespace

RingReader::RingReader(RingMapping& mapping)
    : mapping_(&mapping),
      // acquire; pairs with the writer's release store of tail_pos
      read_pos_(kmes_load_acquire(&mapping.producer().tail_pos)) {}

RingReader::RingReader(std::shared_ptr<RingMapping> mapping) : RingReader(*mapping) {
  owned_ = std::move(mapping);
}

bool RingReader::overrun(uint64_t& counter) {
  const uint64_t tail = kmes_load_acquire(&mapping_->producer().tail_pos);
  if (read_pos_ >= tail) return false;
  ++counter;
  read_pos_ = tail;
  return true;
}

RingReader::Header RingReader::read_header(uint64_t write_pos, uint32_t& size) {
  const uint64_t available = write_pos - read_pos_;
  const uint8_t* at = mapping_->data() + (read_pos_ & mapping_->mask());
  uint32_t event_size = 0;
  uint32_t header_size = 0;
  uint16_t type_len = 0;
  if (available >= KMES_HEADER_FIXED_SIZE && available <= mapping_->capacity()) {
    event_size = racing_load<uint32_t>(at + KMES_EVENT_SIZE_OFFSET);
    header_size = racing_load<uint32_t>(at + KMES_HEADER_SIZE_OFFSET);
    type_len = racing_load<uint16_t>(at + KMES_TYPE_LEN_OFFSET);
  }
  if (header_size >= uint32_t{KMES_HEADER_FIXED_SIZE} + type_len && event_size >= header_size &&
      event_size <= mapping_->capacity() / 2 && event_size <= available) {
    size = event_size;
    return Header::kGood;
  }
  // The bytes were read before the tail is looked at again; pairs with the writer's store barrier.
  kmes_load_barrier();
  return overrun(lapped_count_) ? Header::kOverrun : Header::kBad;
}

RingReader::Next RingReader::next(std::span<uint8_t> buffer) {
  kmes_producer_page& page = mapping_->producer();
  next_size_ = 0;
  for (int attempt = 0; attempt < kOverrunsMax; ++attempt) {
    // acquire; pairs with the release store in kmes_ring_publish()
    const uint64_t write_pos = kmes_load_acquire(&page.write_pos);
    if (write_pos == read_pos_) return Next::kEmpty;
    if (overrun(lapped_count_)) continue;

    uint32_t size = 0;
    const Header header = read_header(write_pos, size);
    if (header == Header::kOverrun) continue;
    if (header == Header::kBad) {
      ++corrupt_count_;
      read_pos_ = write_pos;
      return Next::kCorrupt;
    }
    if (size > buffer.size()) {
      // As below: else it might be the size of nothing, from a header overwritten while it was read.
      kmes_load_barrier();
      if (overrun(torn_count_)) continue;
      next_size_ = size;
      return Next::kTooSmall;
    }
    kmes_racing_copy(buffer.data(), mapping_->data() + (read_pos_ & mapping_->mask()), size);
    // The copy is done before the tail is looked at again; pairs with the writer's store barrier
    // between tail_pos and the overwriting bytes.
    kmes_load_barrier();
    if (overrun(torn_count_)) continue;

    // Whole. What is handed out is what was copied, so that is what gets checked.
    if (load_le<uint32_t>(buffer.data()) != size ||
        !EventView::check_structure(buffer.data(), size, size)) {
      ++corrupt_count_;
      read_pos_ = write_pos;
      return Next::kCorrupt;
    }
    event_size_ = size;
    read_pos_ += size;
    // The next header while the caller handles this event; it is two lines long at most places.
    const uint8_t* next_header = mapping_->data() + (read_pos_ & mapping_->mask());
    __builtin_prefetch(next_header);
    __builtin_prefetch(next_header + kCacheLineBytes);
    return Next::kEvent;
  }
  return Next::kEmpty;
}

bool RingReader::something_to_read() const {
  return kmes_load_acquire(&mapping_->producer().write_pos) != read_pos_ || generation_changed();
}

bool RingReader::wait(int64_t timeout_ns) {
  kmes_producer_page& page = mapping_->producer();
  uint8_t* need_wake = &mapping_->consumer().need_wake;
  // acquire; pairs with the release in RingMemory::wake_all(): the request stored below comes after
  // any earlier one was taken back.
  const uint32_t counter = kmes_load_acquire_u32(&page.futex_counter);
  kmes_store_relaxed_u8(need_wake, 1);
  // need_wake is stored before write_pos is loaded; pairs with the full barrier in
  // RingMapping::wake_if_needed(). Release and acquire alone lose wake-ups, on x86 too.
  kmes_full_barrier();
  if (!something_to_read() && !wake_requested_.load(std::memory_order_acquire)) {
    const int64_t bounded = std::clamp<int64_t>(timeout_ns, 0, kWaitNsMax);
    if (futex_wait(&page.futex_counter, counter, bounded) == ETIMEDOUT && something_to_read()) {
      ++late_wait_count_;
    }
  }
  kmes_store_relaxed_u8(need_wake, 0);
  const bool woken = wake_requested_.exchange(false, std::memory_order_acq_rel);
  return something_to_read() || woken;
}

void RingReader::wake() {
  // Before the ring is looked up: a reader that moves on to another one after that finds it set.
  wake_requested_.store(true, std::memory_order_release);
  const std::lock_guard lock(mutex_);
  // Moving the counter ends a sleep that is about to begin as well.
  mapping_->wake_all();
}

bool RingReader::generation_changed() const {
  // acquire; pairs with the release in kmes_ring_retire()
  return kmes_load_acquire(&mapping_->producer().generation) != mapping_->memory()->generation();
}

bool RingReader::finished() const {
  // In this order: nothing is published once the generation has changed.
  return generation_changed() &&
         kmes_load_acquire(&mapping_->producer().write_pos) == read_pos_;
}

bool RingReader::follow(uint64_t last_handled) {
  std::shared_ptr<RingMapping> next = mapping_->memory()->successor();
  if (next != nullptr && mapping_->attached()) {
    auto view = next->attach();
    if (!view.ok()) return false;
    next = std::move(*view);
  }
  if (next == nullptr) return false;
  {
    const std::lock_guard lock(mutex_);
    mapping_ = next.get();
    owned_.swap(next);
  }
  read_pos_ = kmes_load_acquire(&mapping_->producer().tail_pos);
  skip_through(last_handled);
  return true;
}

void RingReader::skip_through(uint64_t sequence) {
  for (;;) {
    const uint64_t write_pos = kmes_load_acquire(&mapping_->producer().write_pos);
    if (write_pos == read_pos_) return;
    // Each overrun is nearer to events that are newer than the ring: those are above `sequence`.
    if (overrun(lapped_count_)) continue;
    uint32_t size = 0;
    const Header header = read_header(write_pos, size);
    if (header == Header::kOverrun) continue;
    if (header == Header::kBad) return;  // next() tells
    const auto found = racing_load<uint64_t>(mapping_->data() + (read_pos_ & mapping_->mask()) +
                                             KMES_SEQUENCE_OFFSET);
    // As in next(): only what was not being overwritten meanwhile counts.
    kmes_load_barrier();
    if (overrun(torn_count_)) continue;
    if (found > sequence) return;
    read_pos_ += size;
  }
}

}  // namespace eventd::kmes
