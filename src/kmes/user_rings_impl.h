// What UserRings consists of; for its own files only.
#pragma once

#include <memory>
#include <vector>

#include "kmes/ring_lock.h"
#include "kmes/ring_writer.h"
#include "kmes/user_rings.h"
#include "sync.h"

namespace eventd::kmes {

/// One CPU's ring. What different threads write is on different cache lines.
struct alignas(64) UserRing {
  mutable RingLock mutex;
  // GUARDED_BY(mutex)
  kmes_ring_writer writer{};
  RingMemory* memory = nullptr;          // of `mapping`; valid as long as the ring (see memories)
  std::shared_ptr<RingMapping> mapping;  // changed under UserRings' resize mutex too
  uint64_t origin = 0;                   // of `mapping` in the stream

  alignas(64) Atomic<uint64_t> drained{0};  // stream position; written by the drain thread
  Atomic<uint32_t> waiting{0};              // lossless emitters asleep
  Atomic<uint32_t> swaps{0};                // times the ring was replaced
  Mutex drain_mutex;
  CondVar drain_moved;

  // Under UserRings' resize mutex: one for each generation that is still read, and free ones. They
  // stay: an emitter looks for sleepers in the ring it wrote to after letting go of it.
  std::vector<std::shared_ptr<RingMemory>> memories;
};

struct UserRings::Impl {
  UserRing& own_ring();
  /// Writes from the front while nothing undrained would be overwritten; how many are done with.
  /// `timestamp_ns` 0 = take it now; the batch keeps it when it has to go on later.
  size_t write_lossless(UserRing& ring, std::span<const EmitEntry> entries, const EventStamp& stamp,
                        uint64_t& timestamp_ns);
  /// Until something has changed since `drained` and `swaps` were seen.
  void wait_for_room(UserRing& ring, uint64_t drained, uint32_t swaps);
  static void wake_waiting(UserRing& ring);

  /// Memory of no generation that is still read; 55006 when there is none in time.
  Result<std::shared_ptr<RingMemory>> free_memory(UserRing& ring, int64_t deadline_ns);
  Status replace(UserRing& ring, uint16_t cpu, uint64_t capacity_bytes, int64_t deadline_ns);
  void report_failure(uint16_t cpu, uint64_t requested_bytes, const Error& error);

  uint16_t count = 0;
  HugePages huge_pages = HugePages::kOff;
  std::unique_ptr<UserRing[]> rings;
  Atomic<bool> stopped{false};
  Mutex resize_mutex;
};

}  // namespace eventd::kmes
