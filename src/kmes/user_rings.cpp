#include "kmes/user_rings.h"

#include <sched.h>

#include <algorithm>
#include <ctime>
#include <mutex>

#include "kmes/ring_atomics.h"
#include "kmes/ring_lock.h"
#include "kmes/ring_writer.h"
#include "sync.h"

namespace eventd::kmes {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;

uint64_t realtime_ns() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<uint64_t>(now.tv_sec * kNsPerSecond + now.tv_nsec);
}

/// One CPU's ring. What different threads write is on different cache lines.
struct alignas(64) UserRing {
  std::unique_ptr<RingMapping> mapping;  // constant after creation

  alignas(64) mutable RingLock mutex;
  kmes_ring_writer writer{};  // guarded by mutex

  alignas(64) Atomic<uint64_t> drained{0};  // written by the drain thread
  Atomic<uint32_t> waiting{0};       // lossless emitters asleep
  Mutex drain_mutex;
  CondVar drain_moved;
};

void stamp_now(kmes_ring_writer& writer, uint64_t timestamp_ns, const EventStamp& stamp) {
  kmes_ring_stamp(&writer, timestamp_ns, stamp.origin_class,
                  stamp.effective_token_guid.bytes.data(), stamp.true_token_guid.bytes.data(),
                  stamp.process_guid.bytes.data());
}

void write_entry(kmes_ring_writer& writer, const EmitEntry& entry) {
  kmes_ring_write(&writer, entry.type.data(), entry.type.size(), entry.payload.data(),
                  entry.payload.size());
}

}  // namespace

struct UserRings::Impl {
  uint16_t count = 0;
  std::unique_ptr<UserRing[]> rings;
  Atomic<bool> stopped{false};

  UserRing& own_ring() {
    const int cpu = sched_getcpu();
    return rings[cpu < 0 ? 0U : static_cast<unsigned>(cpu) % count];
  }

  // Writes from the front while nothing undrained would be overwritten; how many are done with.
  // `timestamp_ns` 0 = take it now; the batch keeps it when it has to go on later.
  size_t write_lossless(UserRing& ring, std::span<const EmitEntry> entries, const EventStamp& stamp,
                        uint64_t& timestamp_ns) {
    size_t done = 0;
    {
      const std::lock_guard lock(ring.mutex);
      kmes_ring_writer& writer = ring.writer;
      if (timestamp_ns == 0) timestamp_ns = realtime_ns();
      stamp_now(writer, timestamp_ns, stamp);
      // acquire; pairs with the store in note_drained(): the reader's copies are finished.
      // After an overwriting emit() the drain position may be behind the tail.
      const uint64_t keep_from =
          std::max(ring.drained.load(std::memory_order_acquire), writer.tail);
      for (; done < entries.size(); ++done) {
        const EmitEntry& entry = entries[done];
        const uint64_t size = kmes_ring_event_size(&writer, entry.type.size(), entry.payload.size());
        // Of no size: to be dropped with its sequence spent, for which there is always room.
        if (size != 0 && !kmes_ring_has_room(&writer, size, keep_from)) break;
        write_entry(writer, entry);
      }
      if (done != 0) kmes_ring_publish(&writer);
    }
    if (done != 0) {
      kmes_full_barrier_after_atomic();  // the unlock; pairs with the one in RingReader::wait()
      ring.mapping->wake_who_asked();
    }
    return done;
  }

  void wait_for_drain(UserRing& ring, uint64_t seen) {
    std::unique_lock lock(ring.drain_mutex);
    ring.waiting.fetch_add(1, std::memory_order_relaxed);
    // `waiting` is stored before `drained` is loaded; pairs with the full barrier in note_drained().
    kmes_full_barrier();
    ring.drain_moved.wait(lock, [&] {
      return ring.drained.load(std::memory_order_acquire) != seen ||
             stopped.load(std::memory_order_acquire);
    });
    ring.waiting.fetch_sub(1, std::memory_order_relaxed);
  }
};

UserRings::UserRings(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
UserRings::~UserRings() = default;

Result<std::unique_ptr<UserRings>> UserRings::create(uint16_t cpu_count, uint64_t capacity_bytes) {
  if (cpu_count == 0) return {sqlstate::kInvalidParameterValue, "at least one event ring is needed"};
  auto impl = std::make_unique<Impl>();
  impl->count = cpu_count;
  impl->rings = std::make_unique<UserRing[]>(cpu_count);
  for (uint16_t cpu = 0; cpu < cpu_count; ++cpu) {
    UserRing& ring = impl->rings[cpu];
    ASSIGN_OR_RETURN(ring.mapping, RingMapping::create(cpu, capacity_bytes));
    kmes_ring_writer_init(&ring.writer, &ring.mapping->producer(), ring.mapping->data());
  }
  return std::unique_ptr<UserRings>(new UserRings(std::move(impl)));
}

uint16_t UserRings::ring_count() const { return impl_->count; }
RingMapping& UserRings::ring(uint16_t cpu) { return *impl_->rings[cpu].mapping; }

void UserRings::emit(std::span<const EmitEntry> entries, const EventStamp& stamp) {
  if (entries.empty()) return;
  UserRing& ring = impl_->own_ring();
  {
    const std::lock_guard lock(ring.mutex);
    // Inside the lock, so that time does not run backwards along the sequence.
    stamp_now(ring.writer, realtime_ns(), stamp);
    for (const EmitEntry& entry : entries) write_entry(ring.writer, entry);
    kmes_ring_publish(&ring.writer);
  }
  kmes_full_barrier_after_atomic();  // the unlock; pairs with the one in RingReader::wait()
  ring.mapping->wake_who_asked();
}

bool UserRings::emit_lossless(std::span<const EmitEntry> entries, const EventStamp& stamp) {
  // One ring for the whole batch, however long it takes: its events stay in order.
  UserRing& ring = impl_->own_ring();
  uint64_t timestamp_ns = 0;
  while (!entries.empty()) {
    if (impl_->stopped.load(std::memory_order_acquire)) return false;
    const uint64_t drained = ring.drained.load(std::memory_order_acquire);
    const size_t done = impl_->write_lossless(ring, entries, stamp, timestamp_ns);
    entries = entries.subspan(done);
    if (!entries.empty()) impl_->wait_for_drain(ring, drained);
  }
  return true;
}

size_t UserRings::try_emit_lossless(std::span<const EmitEntry> entries, const EventStamp& stamp) {
  if (entries.empty() || impl_->stopped.load(std::memory_order_acquire)) return 0;
  uint64_t timestamp_ns = 0;
  return impl_->write_lossless(impl_->own_ring(), entries, stamp, timestamp_ns);
}

void UserRings::note_drained(uint16_t cpu, uint64_t read_pos) {
  UserRing& ring = impl_->rings[cpu];
  // release; pairs with the acquire loads in write_lossless() and emit_lossless()
  ring.drained.store(read_pos, std::memory_order_release);
  // `drained` is stored before `waiting` is loaded; pairs with the barrier in wait_for_drain().
  kmes_full_barrier();
  if (ring.waiting.load(std::memory_order_relaxed) == 0) return;
  { const std::lock_guard lock(ring.drain_mutex); }
  ring.drain_moved.notify_all();
}

void UserRings::resume_sequence(uint16_t cpu, uint64_t last) {
  UserRing& ring = impl_->rings[cpu];
  const std::lock_guard lock(ring.mutex);
  ring.writer.sequence = last;
}

void UserRings::stop() {
  impl_->stopped.store(true, std::memory_order_release);
  for (uint16_t cpu = 0; cpu < impl_->count; ++cpu) {
    UserRing& ring = impl_->rings[cpu];
    { const std::lock_guard lock(ring.drain_mutex); }
    ring.drain_moved.notify_all();
  }
}

uint64_t UserRings::emitted_count() const {
  uint64_t sum = 0;
  for (uint16_t cpu = 0; cpu < impl_->count; ++cpu) {
    const std::lock_guard lock(impl_->rings[cpu].mutex);
    sum += impl_->rings[cpu].writer.emitted;
  }
  return sum;
}

uint64_t UserRings::dropped_count() const {
  uint64_t sum = 0;
  for (uint16_t cpu = 0; cpu < impl_->count; ++cpu) {
    const std::lock_guard lock(impl_->rings[cpu].mutex);
    sum += impl_->rings[cpu].writer.dropped;
  }
  return sum;
}

uint64_t UserRings::last_sequence(uint16_t cpu) const {
  const std::lock_guard lock(impl_->rings[cpu].mutex);
  return impl_->rings[cpu].writer.sequence;
}

}  // namespace eventd::kmes
