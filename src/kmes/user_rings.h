// The server's own rings, one per CPU: emission from threads of this process.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "bytes.h"
#include "guid.h"
#include "kmes/ring_mapping.h"
#include "result.h"

namespace eventd::kmes {

/// Who an event is from: header fields that an emitter cannot choose itself.
struct EventStamp {
  Guid effective_token_guid;
  Guid true_token_guid;
  Guid process_guid;
  uint8_t origin_class = KMES_ORIGIN_USERSPACE;
};

/// One validated event to write.
struct EmitEntry {
  std::string_view type;
  ByteSpan payload;
};

/// All rings of user mode. Thread-safe: the writing thread takes the ring of the CPU it runs on
/// under a short per-ring lock. emit() overwrites whatever is oldest, lossless events not yet
/// drained included: an emitter that must lose nothing shares its rings with lossless ones only.
class UserRings {
 public:
  /// `cpu_count` from 1. Errors of RingMapping::create.
  static Result<std::unique_ptr<UserRings>> create(uint16_t cpu_count, uint64_t capacity_bytes);
  ~UserRings();

  uint16_t ring_count() const;
  /// The ring of one CPU, for a drain thread to attach to.
  RingMapping& ring(uint16_t cpu);

  /// Writes events (a batch shares timestamp and stamp), overwriting the oldest when full. Entries
  /// larger than capacity / 2 are dropped: their sequence stays spent, and they are counted.
  /// REQUIRES: payloads validated by the caller (validate.h).
  void emit(std::span<const EmitEntry> entries, const EventStamp& stamp);
  /// As emit(), but waits for the drain position instead of overwriting: nothing is ever lost.
  /// `drained` is advanced by the drain thread (note_drained). False once stop() was called.
  /// Entries larger than capacity / 2 are dropped as in emit().
  bool emit_lossless(std::span<const EmitEntry> entries, const EventStamp& stamp);
  /// emit_lossless() that never waits: writes entries from the front while the ring has room and
  /// returns how many are done with. Call again with the rest later. 0 after stop().
  size_t try_emit_lossless(std::span<const EmitEntry> entries, const EventStamp& stamp);
  /// Drain thread: everything before `read_pos` of `cpu`'s ring has been taken over. Wakes waiting
  /// lossless emitters; costs one fence when there are none, so call it once a drain cycle.
  void note_drained(uint16_t cpu, uint64_t read_pos);
  /// Sequences go on above `last` (restart in the same boot). REQUIRES: nothing emitted yet.
  void resume_sequence(uint16_t cpu, uint64_t last);
  /// Ends waiting lossless emitters.
  void stop();

  /// Events written, and dropped as too large, since creation. Take each ring's lock briefly.
  uint64_t emitted_count() const;
  uint64_t dropped_count() const;
  /// The last sequence spent on one ring.
  uint64_t last_sequence(uint16_t cpu) const;

 private:
  struct Impl;
  explicit UserRings(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace eventd::kmes
