// RingMemory's side of the wake-up protocol: who is attached, who asked to be woken.
#include <bit>
#include <mutex>
#include <utility>

#include "kmes/ring_atomics.h"
#include "kmes/ring_futex.h"
#include "kmes/ring_mapping.h"

namespace eventd::kmes {
namespace {

constexpr int kSlots = static_cast<int>(kAttachmentsMax) + 1;
static_assert(kSlots == 32, "slots_ is a bit mask of 32");

}  // namespace

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
  kmes_store_relaxed_u8(&page->need_wake, 0);
  std::shared_ptr<RingMapping> successor;  // goes after the mutex: it may be the last of its own ring
  const std::lock_guard lock(mutex_);
  const uint32_t bit = uint32_t{1} << slot;
  if (slots_.fetch_and(~bit, std::memory_order_acq_rel) != bit) return;
  data_ = {};
  successor = std::move(successor_);
}

bool RingMemory::in_use() const {
  const std::lock_guard lock(mutex_);
  return slots_.load(std::memory_order_relaxed) != 0;
}

void RingMemory::set_successor(std::shared_ptr<RingMapping> successor) {
  const std::lock_guard lock(mutex_);
  successor_ = std::move(successor);
}

std::shared_ptr<RingMapping> RingMemory::successor() const {
  const std::lock_guard lock(mutex_);
  return successor_;
}

bool RingMemory::take_wake_requests() {
  bool asked = false;
  // A view attached after this load has not looked at write_pos yet, so it needs no wake-up.
  for (uint32_t taken = slots_.load(std::memory_order_relaxed); taken != 0; taken &= taken - 1) {
    auto* page = reinterpret_cast<kmes_consumer_page*>(pages_ + slot_offset(std::countr_zero(taken)));
    if (kmes_load_relaxed_u8(&page->need_wake) == 0) continue;
    // Taken back before futex_counter moves: a reader that reads the new counter stores its next
    // request after this one was cleared. Pairs with the acquire load in RingReader::wait().
    kmes_store_relaxed_u8(&page->need_wake, 0);
    asked = true;
  }
  return asked;
}

void RingMemory::wake_all() {
  kmes_increment_release_u32(&producer().futex_counter);
  futex_wake_all(&producer().futex_counter);
}

void RingMapping::wake_if_needed() const {
  // write_pos is stored before need_wake is loaded; pairs with the full barrier in
  // RingReader::wait(), which stores need_wake before it loads write_pos.
  kmes_full_barrier();
  wake_who_asked();
}

}  // namespace eventd::kmes
