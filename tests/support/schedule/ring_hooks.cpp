// The ring's accesses, barriers and sleeps, simulated.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "kernel/uapi/kmes.h"
#include "support/schedule/ring_atomics.h"
#include "support/schedule/ring_futex.h"
#include "support/schedule/simulation.h"

namespace {

using eventd::schedule::Memory;
using eventd::schedule::Omission;
using eventd::schedule::Role;
using eventd::schedule::Simulation;

constexpr size_t kPieceMax = 256;

Simulation& simulation() { return *Simulation::current(); }

// Pages are aligned (scheduled_mapping.cpp), so the offset says which field it is.
const char* field(const void* address) {
  switch (reinterpret_cast<uintptr_t>(address) % KMES_PAGE_SIZE) {
    case offsetof(kmes_producer_page, write_pos):
      return "write_pos";
    case offsetof(kmes_producer_page, tail_pos):
      return "tail_pos";
    case offsetof(kmes_producer_page, generation):
      return "generation";
    case offsetof(kmes_producer_page, futex_counter):
      return "futex_counter";
    case offsetof(kmes_consumer_page, need_wake):
      return "need_wake";
    default:
      return "word";
  }
}

bool is(const uint64_t* address, size_t offset) {
  return reinterpret_cast<uintptr_t>(address) % KMES_PAGE_SIZE == offset;
}

// Of the load or store of a position, or of the generation.
bool ordered(const uint64_t* address, Omission of_write_pos, Omission of_generation) {
  const Simulation& sim = simulation();
  if (is(address, offsetof(kmes_producer_page, write_pos))) return !sim.omits(of_write_pos);
  if (is(address, offsetof(kmes_producer_page, generation))) return !sim.omits(of_generation);
  return true;
}

template <class T>
T load(const T* from, bool acquire) {
  Simulation& sim = simulation();
  sim.point(true);
  const int word = sim.memory().word_at(from, sizeof(T), field(from));
  const auto value = static_cast<T>(sim.memory().load(sim.view(), word, acquire));
  if (sim.tracing()) {
    const auto newest = static_cast<T>(sim.memory().newest(word));
    sim.trace("loads %s: %llu%s", field(from), static_cast<unsigned long long>(value),
              value == newest ? "" : " (old)");
  }
  return value;
}

template <class T>
void store(T* to, T value, bool release) {
  Simulation& sim = simulation();
  sim.point(false);
  const int word = sim.memory().word_at(to, sizeof(T), field(to));
  sim.memory().store(sim.view(), word, value, release);
  if (sim.tracing()) {
    const auto newest = static_cast<T>(sim.memory().newest(word));
    sim.trace("stores %s: %llu%s", field(to), static_cast<unsigned long long>(value),
              value == newest ? "" : " (overwritten before)");
  }
}

void copy_piece(Simulation& sim, int to_ring, uint8_t* to, int from_ring, const uint8_t* from,
                size_t size) {
  if (to_ring < 0) {
    sim.memory().load_bytes(sim.view(), from_ring, to, from, size);
    return;
  }
  std::array<uint8_t, kPieceMax> between;
  if (from_ring >= 0) {
    sim.memory().load_bytes(sim.view(), from_ring, between.data(), from, size);
    from = between.data();
  }
  if (!sim.memory().store_bytes(sim.view(), to_ring, to, from, size))
    sim.fail("two threads write the same ring at once");
}

void full_barrier(const char* what) {
  Simulation& sim = simulation();
  sim.point(false);
  if (sim.tracing()) sim.trace("%s", what);
  if (sim.omits(Omission::kFullBarrierOfWriter) && sim.role() == Role::kWriter) return;
  if (sim.omits(Omission::kFullBarrierOfReader) && sim.role() == Role::kReader) return;
  sim.memory().full_fence(sim.view());
}

}  // namespace

extern "C" {

uint64_t kmes_load_acquire(const uint64_t* from) {
  return load(from, ordered(from, Omission::kWritePosAcquire, Omission::kGenerationAcquire));
}

uint32_t kmes_load_acquire_u32(const uint32_t* from) {
  return load(from, !simulation().omits(Omission::kFutexCounterAcquire));
}

uint8_t kmes_load_relaxed_u8(const uint8_t* from) { return load(from, false); }

void kmes_store_release(uint64_t* to, uint64_t value) {
  if (is(to, offsetof(kmes_producer_page, tail_pos))) simulation().view().moved_tail = true;
  store(to, value, ordered(to, Omission::kWritePosRelease, Omission::kGenerationRelease));
}

void kmes_store_relaxed_u8(uint8_t* to, uint8_t value) { store(to, value, false); }

void kmes_increment_release_u32(uint32_t* to) {
  Simulation& sim = simulation();
  sim.point(false);
  const int word = sim.memory().word_at(to, sizeof *to, field(to));
  const auto value = static_cast<uint32_t>(sim.memory().newest(word) + 1);
  sim.memory().replace(sim.view(), word, value, false,
                       !sim.omits(Omission::kFutexCounterRelease));
  if (sim.tracing()) sim.trace("increments %s to %u", field(to), value);
}

void kmes_store_barrier(void) {
  Simulation& sim = simulation();
  sim.point(false);
  if (sim.tracing()) sim.trace("store barrier");
  const Omission which = std::exchange(sim.view().moved_tail, false)
                             ? Omission::kStoreBarrierAfterTail
                             : Omission::kStoreBarrierOfBatch;
  if (!sim.omits(which)) sim.memory().release_fence(sim.view());
}

void kmes_load_barrier(void) {
  Simulation& sim = simulation();
  sim.point(false);
  if (sim.tracing()) sim.trace("load barrier");
  if (!sim.omits(Omission::kLoadBarrierAfterCopy)) sim.memory().acquire_fence(sim.view());
}

void kmes_full_barrier(void) { full_barrier("full barrier"); }

void kmes_full_barrier_after_atomic(void) {
  if (!simulation().x86()) full_barrier("full barrier after an atomic");
}

void kmes_racing_copy(void* to, const void* from, size_t size) {
  Simulation& sim = simulation();
  Memory& memory = sim.memory();
  const int to_ring = memory.ring_of(to);
  const int from_ring = memory.ring_of(from);
  if (to_ring < 0 && from_ring < 0) {
    memcpy(to, from, size);
    return;
  }
  if (sim.tracing()) {
    const auto at = reinterpret_cast<uintptr_t>(to_ring >= 0 ? to : from);
    sim.trace("%s %zu bytes of ring %d at ...%03x", to_ring >= 0 ? "writes" : "copies", size,
              std::max(to_ring, from_ring), static_cast<unsigned>(at % KMES_PAGE_SIZE));
  }
  // In as many as four pieces, between which others go on.
  auto* out = static_cast<uint8_t*>(to);
  const auto* in = static_cast<const uint8_t*>(from);
  while (size != 0) {
    const size_t piece =
        size > 8 && sim.random().one_in(2)
            ? std::min<size_t>(kPieceMax, sim.random().between(static_cast<uint32_t>(size) / 4,
                                                               static_cast<uint32_t>(size)))
            : std::min(size, kPieceMax);
    sim.point(to_ring < 0);
    copy_piece(sim, to_ring, out, from_ring, in, piece);
    out += piece;
    in += piece;
    size -= piece;
  }
}

}  // extern "C"

namespace eventd::kmes {

int futex_wait(uint32_t* word, uint32_t expected, int64_t) {
  Simulation& sim = simulation();
  sim.point(true);
  // The kernel compares and queues under the lock that a waker takes: it sees the newest value.
  const int index = sim.memory().word_at(word, sizeof *word, field(word));
  if (sim.memory().newest(index) != expected) return EAGAIN;
  return sim.sleep(word, "a futex") ? 0 : EINTR;
}

void futex_wake_all(uint32_t* word) {
  Simulation& sim = simulation();
  sim.point(false);
  if (sim.tracing()) sim.trace("wakes the futex");
  sim.wake(word, true);
}

}  // namespace eventd::kmes
