// The server's own rings, one per CPU: emission from threads of this process.
#pragma once

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

/// Generations of one ring that may be in memory, the current one among them.
inline constexpr size_t kGenerationsMax = 4;
/// How long a resize() waits, in all, for readers to leave earlier generations. Nanoseconds.
inline constexpr int64_t kResizeWaitNs = 5'000'000'000;

/// One validated event to write.
struct EmitEntry {
  std::string_view type;
  ByteSpan payload;
};

/// All rings of user mode. Thread-safe: the writing thread takes the ring of the CPU it runs on
/// under a short per-ring lock. emit() overwrites whatever is oldest, lossless events not yet
/// drained included: an emitter that must lose nothing shares its rings with lossless ones only.
///
/// A ring lives in generations: resize() puts another in its place while events come. Positions in
/// the *stream* of a CPU's events go on over generations (RingReader::stream_pos()).
class UserRings {
 public:
  /// `cpu_count` from 1. Errors of RingMapping::create.
  static Result<std::unique_ptr<UserRings>> create(uint16_t cpu_count, uint64_t capacity_bytes,
                                                   HugePages huge_pages = HugePages::kOff);
  ~UserRings();

  uint16_t ring_count() const;
  /// The ring of one CPU as it is now, for a drain thread to attach to; kept, it outlives a resize.
  std::shared_ptr<RingMapping> ring(uint16_t cpu) const;
  /// Of the smallest ring: they differ only after a resize() that failed. Bytes.
  uint64_t capacity() const;
  /// Where the newest event of `cpu` ends in the stream.
  uint64_t write_position(uint16_t cpu) const;

  /// Replaces all rings by ones of `capacity_bytes` (rings that have it already stay). Emitters wait
  /// while their ring is copied. The newest events that fit go along; what doesn't fit stays in the
  /// old ring for the readers attached to it, who go on in the new one when they have read it all.
  /// So neither growing nor shrinking loses an event of a lossless emitter: those wait for the drain
  /// position as before, in whichever generation it is.
  ///
  /// A ring that can't be replaced stays as it is, and an event `kmes.swap_failed` says so; the
  /// others are replaced. Returns the first error: 22023 for the capacity (then nothing is done),
  /// 53200, 55006 when kGenerationsMax - 1 earlier ones are still being read after `wait_ns` in all.
  /// Any thread; one at a time.
  Status resize(uint64_t capacity_bytes, int64_t wait_ns = kResizeWaitNs);

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
  /// Drain thread: everything before `stream_pos` of `cpu`'s stream has been taken over. Wakes
  /// waiting lossless emitters; costs one fence when there are none, so call it once a drain cycle.
  void note_drained(uint16_t cpu, uint64_t stream_pos);
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
