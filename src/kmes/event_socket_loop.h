// The thread behind EventSocket: epoll over the listener and the connections.
#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "kmes/event_socket.h"
#include "kmes/event_socket_protocol.h"
#include "kmes/limits_history.h"
#include "kmes/peer_identity.h"
#include "kmes/process_rates.h"
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
  enum class Pause : uint8_t { kNone, kRingFull, kOverRate };
  struct Connection {
    UniqueFd fd;
    PeerIdentity peer;
    ProcessRates::Process* process = nullptr;  ///< null = exempt from the rate
    /// Events of the message at the head of the socket that are done with. The message stays in the
    /// socket until all are, so a paused connection needs no memory here.
    uint32_t message_done = 0;
    Pause pause = Pause::kNone;
    bool hello_due = false;           ///< does not know the limits now
    bool watching_for_hello = false;  ///< for room to tell it; REQUIRES: not paused
    bool closing = false;
  };
  enum class Read : uint8_t { kMessage, kNothing, kPaused, kClosed };
  /// What one connection may take of the thread's time before the next one's turn.
  struct Turn {
    int messages;
    size_t bytes;
  };

  void wake();
  /// At the end: writes what is in the sockets, while the rings take it, and closes them.
  void finish();
  void apply_new_limits();
  void accept_all();
  void add_connection(UniqueFd fd);
  /// False when the connection can't take it now.
  bool send_hello(const Connection& connection);
  /// One message of a connection.
  Read read_message(Connection& connection, Turn& turn);
  /// Writes the message's events from connection.message_done on; kMessage when all are done with.
  Read write_events(Connection& connection, size_t message_size);
  void serve(Connection& connection, Turn turn);
  /// What epoll reported of a connection.
  void serve_ready(uint64_t key);
  void note_pause(Pause why);
  void resume_paused();
  /// One of them; false when it stays paused.
  bool resume(uint64_t key, uint64_t now_ns, bool& ring_full);
  void close_connection(Connection& connection);
  bool watch(int fd, uint64_t key, bool for_hello = false, int operation = EPOLL_CTL_ADD);
  void watch_hello(uint64_t key, Connection& connection);
  void tell_limits(Connection& connection);
  void unwatch(int fd);

  UserRings& rings_;
  const EventSocketOptions options_;

  // Any thread.
  std::atomic<bool> stop_requested_{false};
  std::mutex limits_mutex_;
  EventSocketLimits new_limits_;  // guarded by limits_mutex_
  std::atomic<bool> limits_changed_{false};
  struct Counters {
    std::atomic<uint64_t> accepted{0}, refused{0}, open{0}, events{0}, invalid{0}, too_large{0},
        protocol_errors{0}, backpressure_pauses{0}, rate_pauses{0}, wake_ups{0};
  };
  Counters counters_;

  // run() only.
  LimitsHistory limits_;
  ProcessRates rates_;
  UniqueFd listener_;
  UniqueFd epoll_;
  UniqueFd wake_event_;
  bool accepting_ = true;
  std::unique_ptr<uint8_t[]> buffer_;
  std::unordered_map<uint64_t, Connection> connections_;
  uint64_t next_key_ = 2;
  std::vector<uint64_t> paused_;
  size_t next_paused_ = 0;  ///< whose turn it is in paused_
};

}  // namespace eventd::kmes
