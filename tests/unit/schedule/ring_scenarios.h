// What the threads of the ring's scenarios do.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kmes/event_view.h"
#include "kmes/ring_mapping.h"
#include "kmes/ring_reader.h"
#include "kmes/ring_writer.h"
#include "support/schedule/simulation.h"

namespace eventd::schedule {

/// What all schedules together have met.
struct RingCounts {
  uint64_t events = 0, missed = 0, lapped = 0, torn = 0, generations = 0;
  void print() const;
};

inline constexpr uint32_t kPayloadMax = 40;
/// Of an event that half of a ring of 512 bytes has room for.
inline constexpr uint32_t kLargePayload = 170;

/// A ring whose writer is used directly, as the kernel module does.
class BareRing {
 public:
  BareRing(Simulation& simulation, uint64_t capacity_bytes);
  /// Writes the next `count` events and publishes them at once.
  void write(uint32_t count);
  kmes::RingMapping& mapping() { return *mapping_; }
  /// Everything in its events follows from the sequence, so a mixture of two is found out.
  static bool whole(const kmes::EventView& event);

 private:
  Simulation& simulation_;
  std::unique_ptr<kmes::RingMapping> mapping_;
  kmes_ring_writer writer_{};
};

/// A reader that checks every event and goes on through the ring's generations. Owned by one thread;
/// the simulation outlives it.
class CheckingReader {
 public:
  /// True if the bytes are one whole event as its emitter made it.
  using Whole = bool (*)(const kmes::EventView& event);
  /// With a view of its own.
  CheckingReader(Simulation& simulation, const kmes::RingMapping& ring, Whole whole);
  /// On the creator's view, as drain threads are.
  CheckingReader(Simulation& simulation, std::shared_ptr<kmes::RingMapping> ring, Whole whole);

  /// Until sequence `last` was seen. Sleeps when there is nothing.
  void read_through(uint64_t last);
  /// Until the ring looks empty. `each` is called with every event.
  template <class Each>
  void drain(Each each) {
    while (next()) each(kmes::EventView(buffer_.data()));
  }
  void drain() {
    while (next()) continue;
  }
  void count(RingCounts& counts) const;
  kmes::RingReader& reader() { return reader_; }
  uint64_t last_sequence() const { return last_sequence_; }
  uint64_t missed() const { return missed_; }

 private:
  bool next();
  void check();

  Simulation& simulation_;
  kmes::RingReader reader_;
  const Whole whole_;
  uint64_t last_sequence_ = 0;
  uint64_t events_ = 0;
  uint64_t missed_ = 0;
  uint64_t generations_ = 0;
  bool fell_behind_ = false;
  std::array<uint8_t, KMES_HEADER_FIXED_SIZE + 1 + kLargePayload> buffer_;
};

}  // namespace eventd::schedule
