// The way through a ring without SQLite: emission in this process, and draining to memory.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "bench/bench.h"
#include "engine/ingest/handoff.h"
#include "engine/ingest/ring_drain.h"
#include "kmes/user_rings.h"

namespace eventd::bench {
namespace {

constexpr uint64_t kRingBytes = KMES_CAPACITY_DEFAULT;
constexpr size_t kEventBytes = 200;
constexpr size_t kRingEvents = kRingBytes / kEventBytes;
constexpr uint32_t kBatchRows = 1024;
constexpr uint32_t kHandoffEvents = 10'000;
constexpr std::string_view kType = "kacs.file.opened";
/// Time is CPU time of one thread, taken over slices of which a run's median counts.
constexpr int kSlices = 100;

double cpu_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// Nanoseconds of CPU time that `slice` takes for each of its `events`.
template <class Slice>
double ns_per_event(size_t events, Slice slice) {
  const double start = cpu_ns();
  slice();
  return (cpu_ns() - start) / static_cast<double>(events);
}

struct Event {
  std::string payload = std::string(kEventBytes - KMES_HEADER_FIXED_SIZE - kType.size(), 'p');
  kmes::EmitEntry entry{kType, as_bytes(std::string_view(payload))};
  kmes::EventStamp stamp;
};

void emit(kmes::UserRings& rings, const Event& event, size_t count) {
  for (size_t i = 0; i < count; ++i) rings.emit({&event.entry, 1}, event.stamp);
}

/// What no ring can be faster than: the clock and a copy to the same places.
void copy_with_clock(std::vector<uint8_t>& to, const std::vector<uint8_t>& event) {
  uint64_t at = 0;
  for (size_t i = 0; i < kRingEvents; ++i, at += kEventBytes) {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    std::memcpy(&to[at], event.data(), kEventBytes);
    std::memcpy(&to[at], &now, sizeof now);
  }
}

/// A writer's part, but for the rows.
uint64_t take(engine::Handoff& handoff, engine::Handoff::Contents& contents) {
  uint64_t events = 0;
  if (!handoff.take(contents, 0)) return 0;
  for (engine::DrainedBatch* batch : contents.batches) {
    events += batch->events;
    handoff.recycle(batch);
  }
  contents.clear();
  return events;
}

/// A drain thread's cycles with a writer that comes when the handoff is full.
uint64_t drain(engine::RingDrain& ring, engine::Handoff& handoff,
               engine::Handoff::Contents& contents) {
  uint64_t events = 0;
  for (bool full = true; full;) {
    if (handoff.reserved_events() + kBatchRows > kHandoffEvents) events += take(handoff, contents);
    engine::DrainedBatch* batch = handoff.reserve(kBatchRows, ring.next_bytes());
    full = ring.fill(*batch, kBatchRows);
    if (batch->empty()) {
      handoff.cancel(batch);
    } else {
      handoff.put(batch);
    }
  }
  return events + take(handoff, contents);
}

}  // namespace

void bench_ring_memory(const BenchOptions& options, Report& report) {
  Measurement emitting{.name = "emit in process, 200 bytes", .unit = "ns/event",
                       .higher_is_better = false, .peer = "clock and copy"};
  Measurement draining{.name = "drain to memory, one core", .unit = "events/s", .peer = "copy"};
  auto created = kmes::UserRings::create(1, kRingBytes, kmes::HugePages::kTry);
  if (!created.ok()) {
    emitting.failed = draining.failed = true;
    emitting.note = draining.note = created.error().message;
    report.add(std::move(emitting));
    report.add(std::move(draining));
    return;
  }
  kmes::UserRings& rings = **created;
  engine::RingDrain ring(rings.ring(0), 0, 0);
  engine::Handoff handoff(kHandoffEvents);
  engine::Handoff::Contents contents;
  const Event event;
  const std::vector<uint8_t> bytes(kEventBytes, 'p');
  std::vector<uint8_t> ring_sized(kRingBytes), arena(engine::kArenaBytes);
  uint64_t lost = 0;
  for (int run = 0; run < options.runs; ++run) {
    Samples emit_ns, copy_ns, drain_ns, drain_copy_ns;
    for (int slice = 0; slice < kSlices; ++slice) {
      emit_ns.add(ns_per_event(kRingEvents, [&] { emit(rings, event, kRingEvents); }));
      drain_ns.add(ns_per_event(kRingEvents, [&] { lost += kRingEvents - drain(ring, handoff, contents); }));
      copy_ns.add(ns_per_event(kRingEvents, [&] { copy_with_clock(ring_sized, bytes); }));
      drain_copy_ns.add(ns_per_event(kRingEvents, [&] {
        for (size_t at = 0; at + arena.size() <= ring_sized.size(); at += arena.size())
          std::memcpy(arena.data(), &ring_sized[at], arena.size());
      }));
    }
    emitting.eventd.add(emit_ns.median());
    emitting.peer_values.add(copy_ns.median());
    draining.eventd.add(1e9 / drain_ns.median());
    draining.peer_values.add(1e9 / drain_copy_ns.median());
  }
  emitting.note = draining.note = "CPU time";
  if (lost != 0) {
    draining.failed = true;
    draining.note = fmt::format("{} events were lost", lost);
  }
  report.add(std::move(emitting));
  report.add(std::move(draining));
}

}  // namespace eventd::bench
