// One socket on one I/O thread, carrying a ProtocolSession. Included by the two Asio translation
// units only.
#pragma once

#include <utility>  // before Asio 1.74 under C++20

#define BOOST_ASIO_NO_DEPRECATED 1
#define BOOST_ASIO_DISABLE_CONCEPTS 1
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "pgwire/protocol_session.h"
#include "pgwire/tls.h"
#include "unique_fd.h"

namespace eventd::pgwire {

class Connection;

/// Wakes on their way to one I/O thread. A commit of many sessions makes many at once: they cross in one
/// posted handler. Thread-safe.
class WakeBox {
 public:
  struct Wake {
    std::shared_ptr<Connection> connection;  ///< so that it dies on its own thread
    uint64_t ticket;
  };
  /// True: the caller posts drain() to the box's thread.
  bool put(Wake wake) {
    const std::lock_guard lock(mutex_);
    wakes_.push_back(std::move(wake));
    return wakes_.size() == 1;
  }
  /// On the box's thread: resumes all.
  void drain();

 private:
  std::mutex mutex_;
  std::vector<Wake> wakes_;    // GUARDED_BY(mutex_)
  std::vector<Wake> draining_;  // the I/O thread's
};

/// The connections of one I/O thread. Used on that thread, but for `open`.
struct ConnectionSet {
  WakeBox wakes;
  std::unordered_set<std::shared_ptr<Connection>> connections;
  std::atomic<int>* open = nullptr;  ///< of all threads: counts living Connection objects
  /// Who ran last, and how many times in a row.
  const Connection* last = nullptr;
  uint32_t runs_in_a_row = 0;
};

/// Pinned to its io_context's only thread. Reads when readable, writes at once what it can, and
/// waits for the socket only when it is full.
class Connection : public ConnectionHost, public std::enable_shared_from_this<Connection> {
 public:
  Connection(boost::asio::io_context& context, ConnectionSet& set, Backend& backend, UniqueFd socket,
             Peer peer, std::shared_ptr<const TlsContext> tls, int64_t authentication_timeout_ms);
  ~Connection() override;

  void start();
  void shut_down();
  void cancel_for_shutdown();
  /// Drops the socket whatever is under way.
  void abort();

  engine::Wake make_wake(uint64_t ticket) override;
  engine::Wake make_completion(uint64_t ticket) override;
  engine::Wake make_cancel_wake() override;
  bool thread_spare() const override;

  void resume(uint64_t ticket);

 private:
  void pump();
  bool flush();
  bool write_pending();
  void receive();
  bool fill_from_tls();
  void begin_tls(bool direct);
  void arm_read();
  void arm_write();
  void arm_timer();
  void time_passed();
  void lost();
  void close_if_finished();

  boost::asio::io_context& context_;
  ConnectionSet& set_;
  boost::asio::posix::stream_descriptor socket_;
  boost::asio::steady_timer timer_;
  int64_t timer_due_ns_ = ProtocolSession::kNever;  ///< armed for then; kNever = not armed
  const int64_t authentication_due_ns_;
  std::shared_ptr<const TlsContext> tls_context_;
  std::optional<TlsStream> tls_;
  std::string sending_;
  size_t sent_ = 0;
  bool reading_ = false, writing_ = false;
  bool first_bytes_ = true;
  bool lost_ = false;
  ProtocolSession session_;
};

}  // namespace eventd::pgwire
