// Emission from other processes in user mode: the server of `event_socket`. Spec: kmes.md §8.
// Messages: event_socket_protocol.h. The other side is libkmes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "guid.h"
#include "kmes/user_rings.h"
#include "result.h"

namespace eventd::kmes {

/// What an emitter may send; also what the hello record tells it.
struct EventSocketLimits {
  uint32_t max_event_size = 64 << 10;  ///< header + payload, bytes; capped at capacity / 2
  uint32_t max_nesting_depth = 32;     ///< capped at KMES_NESTING_MAX
  uint32_t max_emit_rate_per_process = 10'000;  ///< events a second; also the burst. 0 = no limit
};

struct EventSocketOptions {
  std::string path;  ///< at most 107 bytes; a stale socket there is replaced
  uint32_t mode = 0660;
  EventSocketLimits limits;
  Guid boot_id;                     ///< goes into process GUIDs
  uint32_t max_connections = 1024;  ///< more are refused
  bool exempt_superuser = true;     ///< uid 0 has no rate limit
};

/// Counters since start; read at any time.
struct EventSocketStats {
  uint64_t connections_accepted = 0;
  uint64_t connections_refused = 0;
  uint64_t connections_open = 0;
  uint64_t events_accepted = 0;     ///< written into a ring
  uint64_t events_invalid = 0;      ///< dropped: type or payload that libkmes would have refused
  uint64_t events_too_large = 0;    ///< dropped: above the largest size the sender was told
  uint64_t protocol_errors = 0;     ///< connections closed for a malformed message
  uint64_t backpressure_pauses = 0; ///< times a connection was not read because a ring was full
  uint64_t rate_pauses = 0;         ///< … because its process was over its rate
  uint64_t wake_ups = 0;            ///< of the thread; none while nobody sends and nobody waits
};

/// Accepts emitters and writes what they send into the rings, losing nothing: while a ring is full
/// or a process over its rate, that connection is not read and its sender blocks (or gets EAGAIN).
/// One thread of its own; every method may be called from any thread.
class EventSocket {
 public:
  /// Binds the path and starts the thread. `rings` outlives it. Fails with 22023 (bad path), 42501
  /// (no right), 55000 (somebody else serves the path) or 58030.
  static Result<std::unique_ptr<EventSocket>> start(UserRings& rings,
                                                    const EventSocketOptions& options);
  /// stop() if not stopped.
  ~EventSocket();
  /// Closes the connections, ends the thread, removes the socket file. What emitters were told is
  /// accepted is written first, whatever the rate; lost only when the rings stay full for a second.
  /// Idempotent.
  void stop();

  /// Applies at once; connected emitters are told. What libkmes checked before it learned of the
  /// change is still judged by the limits it had (LimitsHistory), so that no event is lost by it.
  void set_limits(const EventSocketLimits& limits);
  EventSocketStats stats() const;

 private:
  struct Impl;
  explicit EventSocket(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace eventd::kmes
