#include "kmes/event_socket_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <thread>

#include "bytes.h"
#include "kmes/emit_check.h"
#include "kmes/validate.h"

namespace eventd::kmes {
namespace {

constexpr uint64_t kListenerKey = 0;
constexpr uint64_t kWakeKey = 1;
/// Taken from one connection before the next one's turn.
constexpr int kMessagesPerTurn = 64;
constexpr size_t kBytesPerTurn = 1 << 20;
/// Messages still taken from each connection at stop(); more than a socket's queue holds.
constexpr int kMessagesAtStop = 1024;
/// How long stop() waits for room in the rings.
constexpr uint64_t kFinishNs = 1'000'000'000;
/// How often paused connections are tried again.
constexpr int kRetryMs = 2;
/// Room beside one event in a message of its own.
constexpr uint32_t kFrameSize = 64;
constexpr uint32_t kMessageTarget = 64 << 10;

uint64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<uint64_t>(now.tv_nsec);
}

EventSocketLimits capped(EventSocketLimits limits, const UserRings& rings) {
  const auto ring_event_size_max = static_cast<uint32_t>(rings.capacity() / 2);
  limits.max_event_size = std::min({limits.max_event_size, ring_event_size_max,
                                    KMES_SOCKET_MESSAGE_MAX - kFrameSize});
  limits.max_nesting_depth = std::min<uint32_t>(limits.max_nesting_depth, KMES_NESTING_MAX);
  return limits;
}

void add(std::atomic<uint64_t>& counter, uint64_t count = 1) {
  counter.fetch_add(count, std::memory_order_relaxed);
}

}  // namespace

EventSocketLoop::EventSocketLoop(UserRings& rings, const EventSocketOptions& options,
                                 UniqueFd listener)
    : rings_(rings),
      options_(options),
      limits_(capped(options.limits, rings)),
      rates_(options.limits.max_emit_rate_per_process),
      listener_(std::move(listener)) {}

Status EventSocketLoop::prepare() {
  epoll_.reset(epoll_create1(EPOLL_CLOEXEC));
  wake_event_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  // Not touched before a message needs it.
  buffer_.reset(new uint8_t[KMES_SOCKET_MESSAGE_MAX]);
  if (!epoll_.valid() || !wake_event_.valid() || !watch(listener_.get(), kListenerKey) ||
      !watch(wake_event_.get(), kWakeKey)) {
    return {sqlstate::kIoError, std::string("event socket: ") + std::strerror(errno)};
  }
  return {};
}

void EventSocketLoop::request_stop() {
  stop_requested_.store(true, std::memory_order_release);
  wake();
}

void EventSocketLoop::wake() {
  const uint64_t one = 1;
  // Fails only when the counter is full, and then the thread is awake.
  [[maybe_unused]] const ssize_t written = write(wake_event_.get(), &one, sizeof(one));
}

void EventSocketLoop::set_limits(const EventSocketLimits& limits) {
  const std::lock_guard lock(limits_mutex_);
  new_limits_ = limits;
  limits_changed_.store(true, std::memory_order_release);
  wake();
}

void EventSocketLoop::apply_new_limits() {
  if (!limits_changed_.load(std::memory_order_acquire)) return;
  const uint64_t now_ns = monotonic_ns();
  {
    const std::lock_guard lock(limits_mutex_);
    limits_changed_.store(false, std::memory_order_relaxed);
    limits_.change(capped(new_limits_, rings_), now_ns);
  }
  rates_.set_rate(limits_.now().max_emit_rate_per_process, now_ns);
  for (auto& [key, connection] : connections_) {
    tell_limits(connection);
    if (connection.pause == Pause::kNone) watch_hello(key, connection);
  }
}

void EventSocketLoop::tell_limits(Connection& connection) {
  // One that reads nothing takes no more hellos: it is told when there is room again. One that is gone
  // or has stopped reading can't be.
  connection.hello_due = !send_hello(connection) && errno == EAGAIN;
}

void EventSocketLoop::watch_hello(uint64_t key, Connection& connection) {
  if (connection.watching_for_hello == connection.hello_due) return;
  connection.watching_for_hello = connection.hello_due;
  watch(connection.fd.get(), key, connection.hello_due, EPOLL_CTL_MOD);
}

EventSocketStats EventSocketLoop::stats() const {
  const auto get = [](const std::atomic<uint64_t>& counter) {
    return counter.load(std::memory_order_relaxed);
  };
  return {.connections_accepted = get(counters_.accepted),
          .connections_refused = get(counters_.refused),
          .connections_open = get(counters_.open),
          .events_accepted = get(counters_.events),
          .events_invalid = get(counters_.invalid),
          .events_too_large = get(counters_.too_large),
          .protocol_errors = get(counters_.protocol_errors),
          .backpressure_pauses = get(counters_.backpressure_pauses),
          .rate_pauses = get(counters_.rate_pauses),
          .wake_ups = get(counters_.wake_ups)};
}

bool EventSocketLoop::watch(int fd, uint64_t key, bool for_hello, int operation) {
  epoll_event event{};
  event.events = EPOLLIN | (for_hello ? EPOLLOUT : 0U);
  event.data.u64 = key;
  return epoll_ctl(epoll_.get(), operation, fd, &event) == 0;
}

void EventSocketLoop::unwatch(int fd) { epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

void EventSocketLoop::run() {
  std::array<epoll_event, 64> events{};
  while (!stop_requested_.load(std::memory_order_acquire)) {
    const bool retry = !paused_.empty() || !accepting_;
    const int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                                 retry ? kRetryMs : -1);
    add(counters_.wake_ups);
    apply_new_limits();
    if (!accepting_) accepting_ = watch(listener_.get(), kListenerKey);
    for (int i = 0; i < count; ++i) {
      const uint64_t key = events[static_cast<size_t>(i)].data.u64;
      if (key == kListenerKey) {
        accept_all();
      } else if (key == kWakeKey) {
        uint64_t wakes = 0;
        [[maybe_unused]] const ssize_t got = read(wake_event_.get(), &wakes, sizeof(wakes));
      } else {
        serve_ready(key);
      }
    }
    resume_paused();
  }
  finish();
}

void EventSocketLoop::finish() {
  for (auto& [key, connection] : connections_) {
    // Nothing more gets in; what is in already was accepted, so the rate does not matter any more.
    shutdown(connection.fd.get(), SHUT_RD);
    if (connection.process != nullptr) rates_.leave(*connection.process);
    connection.process = nullptr;
  }
  const uint64_t deadline_ns = monotonic_ns() + kFinishNs;
  bool ring_full = true;
  while (ring_full) {
    ring_full = false;
    for (auto& [key, connection] : connections_) {
      if (connection.closing) continue;
      serve(connection, {kMessagesAtStop, SIZE_MAX});
      ring_full = ring_full || (connection.pause == Pause::kRingFull && !connection.closing);
    }
    if (ring_full && monotonic_ns() >= deadline_ns) break;  // nobody drains
    if (ring_full) std::this_thread::sleep_for(std::chrono::milliseconds(kRetryMs));
  }
  for (auto& [key, connection] : connections_) close_connection(connection);
  connections_.clear();
}

void EventSocketLoop::serve_ready(uint64_t key) {
  const auto found = connections_.find(key);
  if (found == connections_.end()) return;
  Connection& connection = found->second;
  serve(connection, {kMessagesPerTurn, kBytesPerTurn});
  if (connection.closing) {
    close_connection(connection);
    connections_.erase(found);
  } else if (connection.pause != Pause::kNone) {
    note_pause(connection.pause);
    unwatch(connection.fd.get());  // a hang-up would be reported over and over
    paused_.push_back(key);
  } else {
    watch_hello(key, connection);
  }
}

void EventSocketLoop::accept_all() {
  for (int i = 0; i < kMessagesPerTurn; ++i) {
    UniqueFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd.valid()) {
      add_connection(std::move(fd));
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno != EAGAIN) {
      // No descriptor or no memory left: the listener stays readable, so look away for a moment.
      unwatch(listener_.get());
      accepting_ = false;
    }
    return;
  }
}

void EventSocketLoop::add_connection(UniqueFd fd) {
  Connection connection;
  auto peer = read_peer_identity(fd.get(), options_.boot_id);
  if (!peer.ok() || connections_.size() >= options_.max_connections) {
    add(counters_.refused);
    return;  // closed: kmes_open() says EUSERS
  }
  connection.fd = std::move(fd);
  connection.peer = *peer;
  if (!options_.exempt_superuser || connection.peer.uid != 0) {
    connection.process = rates_.join(connection.peer.stamp.process_guid, monotonic_ns());
    if (connection.process == nullptr) {
      add(counters_.refused);
      return;
    }
  }
  const uint64_t key = next_key_++;
  // A peer that is gone again can't be told, but may have sent something.
  tell_limits(connection);
  if (!watch(connection.fd.get(), key, connection.hello_due)) {
    if (connection.process != nullptr) rates_.leave(*connection.process);
    add(counters_.refused);
    return;
  }
  connection.watching_for_hello = connection.hello_due;
  connections_.emplace(key, std::move(connection));
  add(counters_.accepted);
  add(counters_.open);
}

bool EventSocketLoop::send_hello(const Connection& connection) {
  const EventSocketLimits& limits = limits_.now();
  kmes_socket_hello hello{};
  std::memcpy(hello.magic, KMES_SOCKET_MAGIC, sizeof(hello.magic));
  hello.version = KMES_SOCKET_VERSION;
  hello.max_event_size = limits.max_event_size;
  hello.max_nesting_depth = limits.max_nesting_depth;
  hello.max_emit_rate = connection.process == nullptr ? 0 : limits.max_emit_rate_per_process;
  hello.max_message_size =
      std::min(std::max(limits.max_event_size, kMessageTarget) + kFrameSize, KMES_SOCKET_MESSAGE_MAX);
  hello.limits_version = limits_.version();
  return send(connection.fd.get(), &hello, sizeof(hello), MSG_DONTWAIT | MSG_NOSIGNAL) ==
         static_cast<ssize_t>(sizeof(hello));
}

void EventSocketLoop::close_connection(Connection& connection) {
  if (connection.process != nullptr) rates_.leave(*connection.process);
  counters_.open.fetch_sub(1, std::memory_order_relaxed);
  connection.fd.reset();
}

void EventSocketLoop::serve(Connection& connection, Turn turn) {
  connection.pause = Pause::kNone;
  if (connection.hello_due) tell_limits(connection);
  while (turn.messages > 0 && turn.bytes > 0) {
    switch (read_message(connection, turn)) {
      case Read::kMessage: continue;
      case Read::kNothing:
      case Read::kPaused: return;
      case Read::kClosed: connection.closing = true; return;
    }
  }
}

EventSocketLoop::Read EventSocketLoop::read_message(Connection& connection, Turn& turn) {
  // The message leaves the socket only when all of it is on a ring: its sender goes on being blocked
  // meanwhile, and nothing has to be kept here.
  constexpr int kFlags = MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT;
  ssize_t received = recv(connection.fd.get(), buffer_.get(), KMES_SOCKET_MESSAGE_MAX, kFlags);
  if (received < 0 && errno == ECONNRESET) {
    // Said once, before what is queued, of a peer that closed without having read a hello.
    received = recv(connection.fd.get(), buffer_.get(), KMES_SOCKET_MESSAGE_MAX, kFlags);
  }
  if (received < 0) return errno == EAGAIN || errno == EINTR ? Read::kNothing : Read::kClosed;
  if (received == 0) return Read::kClosed;
  const auto size = static_cast<size_t>(received);
  --turn.messages;
  turn.bytes -= std::min(turn.bytes, size);
  const Read result =
      size <= KMES_SOCKET_MESSAGE_MAX ? write_events(connection, size) : Read::kClosed;
  if (result == Read::kClosed) add(counters_.protocol_errors);
  if (result == Read::kMessage) {
    connection.message_done = 0;
    recv(connection.fd.get(), buffer_.get(), 0, MSG_DONTWAIT);
  }
  return result;
}

EventSocketLoop::Read EventSocketLoop::write_events(Connection& connection, size_t message_size) {
  std::array<kmes_socket_event, KMES_BATCH_MAX> events;
  const int parsed = kmes_socket_parse_emit(buffer_.get(), message_size, events.data());
  if (parsed < 0) return Read::kClosed;
  const auto count = static_cast<uint32_t>(parsed);
  kmes_socket_emit head;
  std::memcpy(&head, buffer_.get(), sizeof(head));

  const uint64_t now_ns =
      connection.process != nullptr || head.limits_version != limits_.version() ? monotonic_ns() : 0;
  const EventSocketLimits& told = limits_.of(head.limits_version, now_ns);
  const kmes_emit_limits limits{told.max_event_size, told.max_nesting_depth};
  // What fails costs nothing of the rate, so tokens are counted out among the good ones.
  const uint32_t tokens = connection.process != nullptr
                              ? kmes_token_bucket_available(&connection.process->bucket, now_ns)
                              : UINT32_MAX;
  std::array<EmitEntry, KMES_BATCH_MAX> entries;
  std::array<uint16_t, KMES_BATCH_MAX> positions;  // of each entry in the message
  std::array<int, KMES_BATCH_MAX> errors;
  uint32_t valid = 0;
  uint32_t looked = connection.message_done;
  for (; looked < count && valid < tokens; ++looked) {
    const kmes_socket_event& event = events[looked];
    int error = kmes_emit_check_size(&limits, event.type_len, event.payload_len);
    if (error == 0) {
      error = kmes_emit_check_content(&limits, event.type, event.type_len, event.payload,
                                      event.payload_len);
    }
    errors[looked] = error;
    if (error != 0) continue;
    positions[valid] = static_cast<uint16_t>(looked);
    entries[valid++] = {as_text({event.type, event.type_len}), {event.payload, event.payload_len}};
  }
  const auto written = static_cast<uint32_t>(
      rings_.try_emit_lossless(std::span(entries.data(), valid), connection.peer.stamp));
  if (connection.process != nullptr) {
    kmes_token_bucket_take(&connection.process->bucket, written, now_ns);
  }
  const uint32_t done = written == valid ? looked : positions[written];
  add(counters_.events, written);
  for (uint32_t i = connection.message_done; i < done; ++i) {
    if (errors[i] != 0) add(errors[i] == ENOSPC ? counters_.too_large : counters_.invalid);
  }
  connection.message_done = done;
  if (done == count) return Read::kMessage;
  connection.pause = written == valid ? Pause::kOverRate : Pause::kRingFull;
  return Read::kPaused;
}

void EventSocketLoop::resume_paused() {
  if (paused_.empty()) return;
  const uint64_t now_ns = monotonic_ns();
  bool ring_full = false;
  // From where the last round ended, so that each gets its turn while the ring is nearly full.
  const size_t start = next_paused_ % paused_.size();
  std::rotate(paused_.begin(), paused_.begin() + static_cast<ptrdiff_t>(start), paused_.end());
  next_paused_ = 0;
  size_t tried = 0;
  std::erase_if(paused_, [&](uint64_t key) {
    if (ring_full) return false;  // for the others as well
    const bool resumed = resume(key, now_ns, ring_full);
    if (!resumed) ++tried;
    return resumed;
  });
  next_paused_ = tried;
}

bool EventSocketLoop::resume(uint64_t key, uint64_t now_ns, bool& ring_full) {
  const auto found = connections_.find(key);
  if (found == connections_.end()) return true;
  Connection& connection = found->second;
  if (connection.pause == Pause::kOverRate && connection.process != nullptr &&
      kmes_token_bucket_available(&connection.process->bucket, now_ns) == 0) {
    return false;
  }
  const Pause before = connection.pause;
  serve(connection, {kMessagesPerTurn, kBytesPerTurn});
  if (connection.pause != Pause::kNone && !connection.closing) {
    ring_full = connection.pause == Pause::kRingFull;
    if (connection.pause != before) note_pause(connection.pause);
    return false;
  }
  connection.watching_for_hello = connection.hello_due;
  if (connection.closing || !watch(connection.fd.get(), key, connection.hello_due)) {
    close_connection(connection);
    connections_.erase(found);
  }
  return true;
}

void EventSocketLoop::note_pause(Pause why) {
  add(why == Pause::kOverRate ? counters_.rate_pauses : counters_.backpressure_pauses);
}

}  // namespace eventd::kmes
