#include "kmes/user_rings.h"

#include <sched.h>

#include <algorithm>
#include <ctime>
#include <mutex>

#include "kmes/ring_atomics.h"
#include "kmes/user_rings_impl.h"

namespace eventd::kmes {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;

uint64_t realtime_ns() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<uint64_t>(now.tv_sec * kNsPerSecond + now.tv_nsec);
}

// First thing with the lock held.
void begin_batch(kmes_ring_writer& writer, uint64_t timestamp_ns, const EventStamp& stamp) {
  // Whoever had the ring before may have moved the tail for bytes that are written only now; the
  // barrier in kmes_ring_write() was that thread's. Pairs with RingReader's between copy and tail.
  // Costs nothing on x86.
  kmes_store_barrier();
  kmes_ring_stamp(&writer, timestamp_ns, stamp.origin_class,
                  stamp.effective_token_guid.bytes.data(), stamp.true_token_guid.bytes.data(),
                  stamp.process_guid.bytes.data());
}

void write_entry(kmes_ring_writer& writer, const EmitEntry& entry) {
  kmes_ring_write(&writer, entry.type.data(), entry.type.size(), entry.payload.data(),
                  entry.payload.size());
}

}  // namespace

UserRing& UserRings::Impl::own_ring() {
  const auto cpu = static_cast<unsigned>(std::max(sched_getcpu(), 0));
  // A division only where there are fewer rings than CPUs.
  return rings[cpu < count ? cpu : cpu % count];
}

size_t UserRings::Impl::write_lossless(UserRing& ring, std::span<const EmitEntry> entries,
                                       const EventStamp& stamp, uint64_t& timestamp_ns) {
  size_t done = 0;
  RingMemory* memory;
  {
    const std::lock_guard lock(ring.mutex);
    kmes_ring_writer& writer = ring.writer;
    if (timestamp_ns == 0) timestamp_ns = realtime_ns();
    begin_batch(writer, timestamp_ns, stamp);
    // acquire; pairs with the store in note_drained(): the reader's copies are finished.
    const uint64_t drained = ring.drained.load(std::memory_order_acquire);
    // After an overwriting emit() the drain position may be behind the tail, and while the drain
    // thread finishes an earlier generation behind the ring itself.
    const uint64_t keep_from = std::max(drained > ring.origin ? drained - ring.origin : 0, writer.tail);
    for (; done < entries.size(); ++done) {
      const EmitEntry& entry = entries[done];
      const uint64_t size = kmes_ring_event_size(&writer, entry.type.size(), entry.payload.size());
      // Of no size: to be dropped with its sequence spent, for which there is always room.
      if (size != 0 && !kmes_ring_has_room(&writer, size, keep_from)) break;
      write_entry(writer, entry);
    }
    if (done != 0) kmes_ring_publish(&writer);
    memory = ring.memory;
  }
  if (done != 0) {
    kmes_full_barrier_after_atomic();  // the unlock; pairs with the one in RingReader::wait()
    if (memory->take_wake_requests()) memory->wake_all();
  }
  return done;
}

void UserRings::Impl::wait_for_room(UserRing& ring, uint64_t drained, uint32_t swaps) {
  std::unique_lock lock(ring.drain_mutex);
  ring.waiting.fetch_add(1, std::memory_order_relaxed);
  // `waiting` is stored before `drained` and `swaps` are loaded; pairs with the full barrier in
  // wake_waiting().
  kmes_full_barrier();
  ring.drain_moved.wait(lock, [&] {
    return ring.drained.load(std::memory_order_acquire) != drained ||
           ring.swaps.load(std::memory_order_acquire) != swaps ||
           stopped.load(std::memory_order_acquire);
  });
  ring.waiting.fetch_sub(1, std::memory_order_relaxed);
}

void UserRings::Impl::wake_waiting(UserRing& ring) {
  // What has changed is stored before `waiting` is loaded; pairs with the one in wait_for_room().
  kmes_full_barrier();
  if (ring.waiting.load(std::memory_order_relaxed) == 0) return;
  { const std::lock_guard lock(ring.drain_mutex); }
  ring.drain_moved.notify_all();
}

UserRings::UserRings(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
UserRings::~UserRings() = default;

Result<std::unique_ptr<UserRings>> UserRings::create(uint16_t cpu_count, uint64_t capacity_bytes,
                                                     HugePages huge_pages) {
  if (cpu_count == 0) return {sqlstate::kInvalidParameterValue, "at least one event ring is needed"};
  auto impl = std::make_unique<Impl>();
  impl->count = cpu_count;
  impl->huge_pages = huge_pages;
  impl->rings = std::make_unique<UserRing[]>(cpu_count);
  for (uint16_t cpu = 0; cpu < cpu_count; ++cpu) {
    UserRing& ring = impl->rings[cpu];
    ASSIGN_OR_RETURN(ring.mapping, RingMapping::create(cpu, capacity_bytes, huge_pages));
    ring.memory = ring.mapping->memory().get();
    ring.memories.push_back(ring.mapping->memory());
    kmes_ring_writer_init(&ring.writer, &ring.mapping->producer(), ring.mapping->data());
  }
  return std::unique_ptr<UserRings>(new UserRings(std::move(impl)));
}

uint16_t UserRings::ring_count() const { return impl_->count; }

std::shared_ptr<RingMapping> UserRings::ring(uint16_t cpu) const {
  const UserRing& ring = impl_->rings[cpu];
  const std::lock_guard lock(ring.mutex);
  return ring.mapping;
}

uint64_t UserRings::capacity() const {
  uint64_t least = KMES_CAPACITY_MAX;
  for (uint16_t cpu = 0; cpu < impl_->count; ++cpu) {
    const std::lock_guard lock(impl_->rings[cpu].mutex);
    least = std::min(least, impl_->rings[cpu].writer.capacity);
  }
  return least;
}

uint64_t UserRings::write_position(uint16_t cpu) const {
  const UserRing& ring = impl_->rings[cpu];
  const std::lock_guard lock(ring.mutex);
  return ring.origin + ring.writer.published;
}

void UserRings::emit(std::span<const EmitEntry> entries, const EventStamp& stamp) {
  if (entries.empty()) return;
  UserRing& ring = impl_->own_ring();
  RingMemory* memory;
  {
    const std::lock_guard lock(ring.mutex);
    // Inside the lock, so that time does not run backwards along the sequence.
    begin_batch(ring.writer, realtime_ns(), stamp);
    for (const EmitEntry& entry : entries) write_entry(ring.writer, entry);
    kmes_ring_publish(&ring.writer);
    memory = ring.memory;
  }
  kmes_full_barrier_after_atomic();  // the unlock; pairs with the one in RingReader::wait()
  if (memory->take_wake_requests()) memory->wake_all();
}

bool UserRings::emit_lossless(std::span<const EmitEntry> entries, const EventStamp& stamp) {
  // One ring for the whole batch, however long it takes: its events stay in order.
  UserRing& ring = impl_->own_ring();
  uint64_t timestamp_ns = 0;
  while (!entries.empty()) {
    if (impl_->stopped.load(std::memory_order_acquire)) return false;
    const uint64_t drained = ring.drained.load(std::memory_order_acquire);
    const uint32_t swaps = ring.swaps.load(std::memory_order_acquire);
    const size_t done = impl_->write_lossless(ring, entries, stamp, timestamp_ns);
    entries = entries.subspan(done);
    if (!entries.empty()) impl_->wait_for_room(ring, drained, swaps);
  }
  return true;
}

size_t UserRings::try_emit_lossless(std::span<const EmitEntry> entries, const EventStamp& stamp) {
  if (entries.empty() || impl_->stopped.load(std::memory_order_acquire)) return 0;
  uint64_t timestamp_ns = 0;
  return impl_->write_lossless(impl_->own_ring(), entries, stamp, timestamp_ns);
}

void UserRings::note_drained(uint16_t cpu, uint64_t stream_pos) {
  UserRing& ring = impl_->rings[cpu];
  // release; pairs with the acquire loads in write_lossless() and emit_lossless()
  ring.drained.store(stream_pos, std::memory_order_release);
  Impl::wake_waiting(ring);
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
