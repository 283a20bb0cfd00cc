// The consumer side of one ring: lapped, torn and structural checks, and the wait. Protocol:
// spec kmes.md §4. Single thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "kmes/event_view.h"
#include "kmes/ring_mapping.h"
#include "sync.h"

namespace eventd::kmes {

/// Reads one ring in order. Owned by one thread; only `wake()` may be called from others.
class RingReader {
 public:
  /// Starts at the ring's tail. `mapping` outlives the reader.
  explicit RingReader(RingMapping& mapping);
  /// The same, kept as long as it is read.
  explicit RingReader(std::shared_ptr<RingMapping> mapping);

  enum class Next : uint8_t {
    kEvent,    ///< copied into the buffer
    kEmpty,    ///< read_pos == write_pos
    kTooSmall, ///< the buffer cannot hold the next event: next_size() bytes are needed
    kCorrupt,  ///< structural error without being lapped; skipped to write_pos (the next boundary
               ///< known to be one: the tail is behind), counted; shows as a sequence gap
  };
  /// Copies the next event out of the ring into `buffer` and moves on. Being lapped or torn is
  /// handled inside (the missing sequences show as a gap to the caller).
  Next next(std::span<uint8_t> buffer);
  /// Size of the event after kTooSmall, or of the next one if known; 0 if unknown.
  uint32_t next_size() const { return next_size_; }
  /// Size of the event last delivered by kEvent.
  uint32_t event_size() const { return event_size_; }

  /// Sleeps until the writer moves, wake() is called or the timeout ends. True if there may be
  /// something to read. REQUIRES: timeout_ns bounded (<= 1 s).
  bool wait(int64_t timeout_ns);
  /// Ends a wait() of the owning thread. Any thread.
  void wake();

  /// True when the ring was replaced by a larger or smaller one.
  bool generation_changed() const;
  /// True when it was, and all of it has been read: follow() goes on.
  bool finished() const;
  /// Goes on in the ring that replaced this one, at its first event with a sequence above
  /// `last_handled`, and lets go of this one. False when the new ring has no place for a view now
  /// (never when this reader is on the creator's); nothing has changed then. REQUIRES: finished().
  bool follow(uint64_t last_handled);

  uint64_t read_pos() const { return read_pos_; }
  /// read_pos() in the stream of the CPU's events, which goes on over generations.
  uint64_t stream_pos() const { return mapping_->memory()->origin() + read_pos_; }
  uint64_t lapped_count() const { return lapped_count_; }
  uint64_t torn_count() const { return torn_count_; }
  uint64_t corrupt_count() const { return corrupt_count_; }
  /// Waits that ran into their timeout though there was something to read: stays 0 but for a writer
  /// publishing at that very moment, unless wake-ups get lost.
  uint64_t late_wait_count() const { return late_wait_count_; }

 private:
  enum class Header : uint8_t { kGood, kOverrun, kBad };
  Header read_header(uint64_t write_pos, uint32_t& size);
  bool overrun(uint64_t& counter);
  bool something_to_read() const;
  void skip_through(uint64_t sequence);

  std::shared_ptr<RingMapping> owned_;
  Mutex mutex_;
  RingMapping* mapping_;  // changed under mutex_, under which other threads look at it
  Atomic<bool> wake_requested_{false};  // any thread
  uint64_t read_pos_ = 0;
  uint32_t next_size_ = 0;
  uint32_t event_size_ = 0;
  uint64_t lapped_count_ = 0;
  uint64_t torn_count_ = 0;
  uint64_t corrupt_count_ = 0;
  uint64_t late_wait_count_ = 0;
};

}  // namespace eventd::kmes
