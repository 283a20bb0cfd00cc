#include "pgwire/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "clock.h"

namespace eventd::pgwire {
namespace asio = boost::asio;
namespace {

constexpr size_t kSendBufferKeptMax = 1024 * 1024;
constexpr char kTlsHandshakeByte = 0x16;
/// A connection that ran this many times in a row counts as the only active one of its thread.
constexpr uint32_t kSpareAfterRuns = 8;

}  // namespace

Connection::Connection(asio::io_context& context, ConnectionSet& set, Backend& backend,
                       UniqueFd socket, Peer peer, std::shared_ptr<const TlsContext> tls,
                       int64_t authentication_timeout_ms)
    : context_(context),
      set_(set),
      socket_(context, socket.release()),
      timer_(context),
      authentication_due_ns_(Clock::system().monotonic_ns() + authentication_timeout_ms * 1'000'000),
      tls_context_(std::move(tls)),
      session_(backend, *this, std::move(peer), tls_context_ != nullptr) {
  set_.open->fetch_add(1, std::memory_order_relaxed);
}

Connection::~Connection() { set_.open->fetch_sub(1, std::memory_order_release); }

void Connection::start() {
  set_.connections.insert(shared_from_this());
  receive();
  pump();
}

void Connection::shut_down() {
  session_.shut_down();
  pump();
}

void Connection::cancel_for_shutdown() {
  session_.cancel_for_shutdown();
  pump();
}

void Connection::abort() {
  lost();
  close_if_finished();
}

void WakeBox::drain() {
  {
    const std::lock_guard lock(mutex_);
    draining_.swap(wakes_);
  }
  for (const Wake& wake : draining_) wake.connection->resume(wake.ticket);
  draining_.clear();
}

engine::Wake Connection::make_wake(uint64_t ticket) {
  return [weak = weak_from_this(), ticket] {
    auto self = weak.lock();
    if (self == nullptr) return;
    asio::io_context& context = self->context_;
    WakeBox& box = self->set_.wakes;
    // From here on the box keeps the connection, and with it the context and itself.
    if (box.put({std::move(self), ticket})) asio::post(context, [&box] { box.drain(); });
  };
}

/// The strong reference moves into the posted handler, so that the connection dies on its thread.
engine::Wake Connection::make_completion(uint64_t ticket) {
  auto holder = std::make_shared<std::shared_ptr<Connection>>(shared_from_this());
  return [holder = std::move(holder), ticket] {
    auto self = std::move(*holder);
    asio::io_context& context = self->context_;
    asio::post(context, [self = std::move(self), ticket] { self->resume(ticket); });
  };
}

engine::Wake Connection::make_cancel_wake() {
  return [weak = weak_from_this()] {
    auto self = weak.lock();
    if (self == nullptr) return;
    asio::io_context& context = self->context_;
    asio::post(context, [self = std::move(self)] {
      self->session_.cancel_requested();
      self->pump();
    });
  };
}

bool Connection::thread_spare() const {
  return set_.last == this && set_.runs_in_a_row >= kSpareAfterRuns;
}

void Connection::resume(uint64_t ticket) {
  session_.resume(ticket);
  pump();
}

void Connection::pump() {
  if (set_.last != this) set_.runs_in_a_row = 0;
  set_.last = this;
  ++set_.runs_in_a_row;
  for (;;) {
    session_.run();
    const bool taken = !session_.holds_output() && flush();
    if (session_.take_wants_tls()) begin_tls(false);
    if (tls_ && session_.wants_input() && fill_from_tls()) continue;
    if (taken && session_.waits_for_output() && !session_.finished()) continue;
    break;
  }
  arm_write();
  arm_read();
  arm_timer();
  close_if_finished();
}

/// Takes output and writes it, until there is none or the socket is full. True if output was taken.
bool Connection::flush() {
  bool taken = false;
  for (;;) {
    if (lost_) {
      session_.output().clear();
      return taken;
    }
    if (!write_pending()) return taken;
    std::string& out = session_.output();
    if (out.empty()) return taken;
    taken = true;
    if (tls_) {
      if (!tls_->write(out)) lost();
      out.clear();
      tls_->take_ciphertext(sending_);
    } else {
      sending_.swap(out);
    }
    sent_ = 0;
  }
}

/// True when everything taken so far has been written.
bool Connection::write_pending() {
  while (sent_ < sending_.size()) {
    const ssize_t count = ::send(socket_.native_handle(), sending_.data() + sent_,
                                 sending_.size() - sent_, MSG_NOSIGNAL);
    if (count < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return false;
      lost();
      return false;
    }
    sent_ += static_cast<size_t>(count);
  }
  if (sending_.capacity() > kSendBufferKeptMax) sending_ = {};
  sending_.clear();
  sent_ = 0;
  return true;
}

void Connection::arm_write() {
  if (writing_ || lost_ || sent_ >= sending_.size()) return;
  writing_ = true;
  socket_.async_wait(asio::posix::stream_descriptor::wait_write,
                     [self = shared_from_this()](boost::system::error_code error) {
                       self->writing_ = false;
                       if (error) self->lost();
                       self->pump();
                     });
}

void Connection::arm_read() {
  if (reading_ || lost_ || !session_.wants_input()) return;
  reading_ = true;
  socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                     [self = shared_from_this()](boost::system::error_code error) {
                       self->reading_ = false;
                       if (error) self->lost();
                       else self->receive();
                       self->pump();
                     });
}

/// A timer armed for an earlier moment is left alone: it looks again when it fires. So statements
/// that end in time cost no timer.
void Connection::arm_timer() {
  int64_t due = session_.next_deadline_ns();
  if (!session_.authenticated()) due = std::min(due, authentication_due_ns_);
  if (lost_ || due >= timer_due_ns_) return;
  timer_due_ns_ = due;
  timer_.expires_at(std::chrono::steady_clock::time_point(std::chrono::nanoseconds(due)));
  timer_.async_wait([weak = weak_from_this()](boost::system::error_code error) {
    const auto self = weak.lock();
    if (!error && self != nullptr) self->time_passed();
  });
}

void Connection::time_passed() {
  timer_due_ns_ = ProtocolSession::kNever;
  const int64_t now = Clock::system().monotonic_ns();
  if (!session_.authenticated() && now >= authentication_due_ns_) session_.authentication_timed_out();
  session_.check_time(now);
  pump();
}

void Connection::receive() {
  if (lost_ || !session_.wants_input()) return;
  std::array<char, 16 * 1024> ciphertext;  // NOLINT: filled by recv
  const std::span<char> room = tls_ ? std::span<char>(ciphertext) : session_.input().prepare();
  const ssize_t count = ::recv(socket_.native_handle(), room.data(), room.size(), 0);
  if (count < 0) {
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) lost();
    return;
  }
  if (count == 0) return lost();
  const std::string_view bytes(room.data(), static_cast<size_t>(count));
  if (tls_) {
    tls_->feed(bytes);
    return;  // pump() decrypts
  }
  if (first_bytes_ && bytes[0] == kTlsHandshakeByte && tls_context_ != nullptr) {
    const std::string hello(bytes);
    begin_tls(true);
    tls_->feed(hello);
    return;
  }
  first_bytes_ = false;
  session_.input().commit(bytes.size());
}

void Connection::begin_tls(bool direct) {
  first_bytes_ = false;
  tls_.emplace(tls_context_, direct);
  session_.tls_started();
}

/// Decrypts into the session's input. True if there is new input.
bool Connection::fill_from_tls() {
  bool any = false;
  for (;;) {
    const std::span<char> room = session_.input().prepare();
    size_t count = 0;
    const TlsStream::ReadResult result = tls_->read(room, count);
    session_.input().commit(count);
    any = any || count > 0;
    if (result == TlsStream::ReadResult::kData && session_.wants_input() && count == room.size())
      continue;
    tls_->take_ciphertext(sending_);  // handshake messages
    (void)write_pending();
    if (result == TlsStream::ReadResult::kClosed) lost();
    return any;
  }
}

void Connection::lost() {
  if (lost_) return;
  lost_ = true;
  session_.connection_lost();
}

void Connection::close_if_finished() {
  if (!session_.finished() || !session_.can_destroy()) return;
  if (!lost_ && sent_ < sending_.size()) return;
  if (!socket_.is_open()) return;
  if (tls_ && !lost_) {
    tls_->shut_down();
    tls_->take_ciphertext(sending_);
    (void)write_pending();
  }
  const auto self = shared_from_this();
  lost_ = true;
  timer_.cancel();
  // Unread input would turn close() into a reset that could overtake our last message.
  ::shutdown(socket_.native_handle(), SHUT_WR);
  std::array<char, 4096> rest;  // NOLINT
  for (int i = 0; i < 16 && ::recv(socket_.native_handle(), rest.data(), rest.size(), 0) > 0; ++i) {
  }
  socket_.close();
  set_.connections.erase(self);
}

}  // namespace eventd::pgwire
