// The thread that empties one ring. Spec: ingest.md "Drain threads", "Gaps".
#pragma once

#include <cstdint>
#include <vector>

#include "engine/ingest/event_ingest.h"
#include "engine/ingest/handoff.h"
#include "engine/ingest/ring_drain.h"
#include "engine/ingest/ring_progress.h"
#include "kmes/user_rings.h"
#include "sync.h"

namespace eventd::engine {

/// Rows a ring gives to one shard before it goes on to its next.
inline constexpr uint32_t kStripeEvents = 1024;

struct DrainThreadOptions {
  uint16_t cpu_id = 0;
  /// The handoffs of the ring's shards: one, or several to rotate over.
  std::vector<Handoff*> handoffs;
  /// Of a ring with several handoffs, else null.
  RingProgress* progress = nullptr;
  /// Drain threads that share a handoff of this one.
  uint32_t producers = 1;
  /// Sequences up to it are stored already.
  uint64_t last_handled = 0;
  /// So are these, above it: of a ring that outlived a server (GapDetector).
  std::vector<Coverage::Range> covered_ahead = {};
  EventIngestOptions::Affinity affinity = EventIngestOptions::Affinity::kNode;
};

/// Reads exactly one ring, in whichever generation it is. Public methods may be called from any thread.
class DrainThread {
 public:
  /// `rings` outlives it.
  DrainThread(kmes::UserRings& rings, DrainThreadOptions options);
  ~DrainThread();

  void start();
  /// Lets the thread end once it has handed off what is in the ring now, or its handoff is closed.
  void request_stop();
  /// True once the thread is at its end (or was never started).
  bool finished() const { return finished_.load(std::memory_order_acquire); }
  /// request_stop(), then joins. Idempotent.
  void stop();
  /// True once everything that was in the ring at start() has been handed off.
  bool caught_up() const { return position_.load(std::memory_order_acquire) >= start_at_; }
  /// Of the newest event handed off.
  uint64_t last_sequence() const { return last_sequence_.load(std::memory_order_relaxed); }
  /// Bytes in the ring that wait.
  uint64_t lag_bytes() const;

 private:
  void run();
  /// One cycle: reserve, copy, hand off. False when the ring was empty afterwards.
  bool drain_batch();
  bool stop_reached() const;

  // Constant.
  kmes::UserRings& rings_;
  const DrainThreadOptions options_;

  // Drain thread only.
  RingDrain ring_;  // but for wake()
  size_t handoff_ = 0;
  uint32_t stripe_rows_ = 0;
  size_t next_bytes_ = 0;
  bool handoff_closed_ = false;

  // Positions are of the CPU's stream: they go on when the ring is replaced.
  uint64_t start_at_ = 0;  // where events ended at start(), constant afterwards

  // Any thread.
  Atomic<uint64_t> position_;  // everything before it has been handed off
  Atomic<uint64_t> last_sequence_{0};
  Atomic<uint64_t> stop_at_{0};  // where events ended when stop() was called
  Atomic<bool> stopping_{false};
  Atomic<bool> finished_{true};

  Thread thread_;
};

}  // namespace eventd::engine
