// The thread behind EventSocket: epoll over the listener and the connections.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "kmes/event_socket.h"
#include "kmes/event_socket_protocol.h"
#include "kmes/peer_identity.h"
#include "kmes/token_bucket.h"
#include "unique_fd.h"

namespace eventd::kmes {

/// run() belongs to one thread; request_stop(), set_limits() and stats() may be called from any.
class EventSocketLoop {
 public:
  EventSocketLoop(UserRings& rings, const EventSocketOptions& options, UniqueFd listener);
  /// What can fail, before the thread starts: 58030.
  Status prepare();
  /// Serves until request_stop().
  void run();
  void request_stop();
  void set_limits(const EventSocketLimits& limits);
  EventSocketStats stats() const;

 private:
  /// What all connections of one process share. Kept a little after the last one is closed, so that
  /// reconnecting buys no tokens.
  struct Process {
    kmes_token_bucket bucket{};
    uint32_t connections = 0;
  };
  enum class Pause : uint8_t { kNone, kRingFull, kOverRate };
  struct Connection {
    UniqueFd fd;
    PeerIdentity peer;
    Process* process = nullptr;
    /// Events of the message at the head of the socket that are done with. The message stays in the
    /// socket until all are, so a paused connection needs no memory here.
    uint32_t message_done = 0;
    Pause pause = Pause::kNone;
    bool closing = false;
  };
  enum class Read : uint8_t { kMessage, kNothing, kPaused, kClosed };

  void apply_new_limits();
  void accept_all();
  void add_connection(UniqueFd fd);
  bool send_hello(const Connection& connection);
  /// One message of a connection.
  Read read_message(Connection& connection);
  /// Writes the message's events from connection.message_done on; kMessage when all are done with.
  Read write_events(Connection& connection, size_t message_size);
  bool is_valid(const kmes_socket_event& event) const;
  void serve(Connection& connection, int messages_max);
  void pause(Connection& connection, Pause why);
  void resume_paused();
  void close_connection(Connection& connection);
  void forget_idle_processes();
  bool watch(int fd, uint64_t key);
  void unwatch(int fd);

  UserRings& rings_;
  const EventSocketOptions options_;
  const uint32_t ring_event_size_max_;

  // Any thread.
  std::atomic<bool> stop_requested_{false};
  std::mutex limits_mutex_;
  EventSocketLimits new_limits_;  // guarded by limits_mutex_
  std::atomic<bool> limits_changed_{false};
  struct Counters {
    std::atomic<uint64_t> accepted{0}, refused{0}, open{0}, events{0}, invalid{0}, protocol_errors{0},
        backpressure_pauses{0}, rate_pauses{0};
  };
  Counters counters_;

  // run() only.
  EventSocketLimits limits_;
  UniqueFd listener_;
  UniqueFd epoll_;
  UniqueFd stop_event_;
  bool accepting_ = true;
  std::unique_ptr<uint8_t[]> buffer_;
  std::unordered_map<uint64_t, Connection> connections_;
  uint64_t next_key_ = 2;
  std::vector<uint64_t> paused_;
  std::map<std::array<uint8_t, 16>, Process> processes_;
};

}  // namespace eventd::kmes
