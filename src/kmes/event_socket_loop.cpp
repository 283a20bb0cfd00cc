#include "kmes/event_socket_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "bytes.h"
#include "kmes/validate.h"

namespace eventd::kmes {
namespace {

constexpr uint64_t kListenerKey = 0;
constexpr uint64_t kStopKey = 1;
/// Messages taken from one connection before the next one's turn.
constexpr int kMessagesPerTurn = 64;
/// Messages still taken from each connection at stop(); more than a socket's queue holds.
constexpr int kMessagesAtStop = 1024;
/// How often paused connections are tried again.
constexpr int kRetryMs = 2;
/// Idle processes whose bucket is kept.
constexpr size_t kProcessesMax = 4096;
/// Room beside one event in a message of its own.
constexpr uint32_t kFrameSize = 64;
constexpr uint32_t kMessageTarget = 64 << 10;

uint64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<uint64_t>(now.tv_nsec);
}

EventSocketLimits capped(EventSocketLimits limits, uint32_t ring_event_size_max) {
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
      ring_event_size_max_(static_cast<uint32_t>(rings.ring(0).capacity() / 2)),
      limits_(capped(options.limits, ring_event_size_max_)),
      listener_(std::move(listener)) {}

Status EventSocketLoop::prepare() {
  epoll_.reset(epoll_create1(EPOLL_CLOEXEC));
  stop_event_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  // Not touched before a message needs it.
  buffer_.reset(new uint8_t[KMES_SOCKET_MESSAGE_MAX]);
  if (!epoll_.valid() || !stop_event_.valid() || !watch(listener_.get(), kListenerKey) ||
      !watch(stop_event_.get(), kStopKey)) {
    return {sqlstate::kIoError, std::string("event socket: ") + std::strerror(errno)};
  }
  return {};
}

void EventSocketLoop::request_stop() {
  stop_requested_.store(true, std::memory_order_release);
  const uint64_t one = 1;
  // Fails only when the counter is full, and then the thread is awake.
  [[maybe_unused]] const ssize_t written = write(stop_event_.get(), &one, sizeof(one));
}

void EventSocketLoop::set_limits(const EventSocketLimits& limits) {
  const std::lock_guard lock(limits_mutex_);
  new_limits_ = limits;
  limits_changed_.store(true, std::memory_order_release);
}

void EventSocketLoop::apply_new_limits() {
  if (!limits_changed_.load(std::memory_order_acquire)) return;
  const std::lock_guard lock(limits_mutex_);
  limits_changed_.store(false, std::memory_order_relaxed);
  limits_ = capped(new_limits_, ring_event_size_max_);
  const uint64_t now_ns = monotonic_ns();
  for (auto& [guid, process] : processes_) {
    kmes_token_bucket_set_rate(&process.bucket, limits_.max_emit_rate_per_process, now_ns);
  }
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
          .protocol_errors = get(counters_.protocol_errors),
          .backpressure_pauses = get(counters_.backpressure_pauses),
          .rate_pauses = get(counters_.rate_pauses)};
}

bool EventSocketLoop::watch(int fd, uint64_t key) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = key;
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void EventSocketLoop::unwatch(int fd) { epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

void EventSocketLoop::run() {
  std::array<epoll_event, 64> events{};
  while (!stop_requested_.load(std::memory_order_acquire)) {
    const bool retry = !paused_.empty() || !accepting_;
    const int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                                 retry ? kRetryMs : -1);
    apply_new_limits();
    if (!accepting_) accepting_ = watch(listener_.get(), kListenerKey);
    for (int i = 0; i < count; ++i) {
      const uint64_t key = events[static_cast<size_t>(i)].data.u64;
      if (key == kListenerKey) {
        accept_all();
      } else if (auto found = connections_.find(key); found != connections_.end()) {
        serve(found->second, kMessagesPerTurn);
        if (found->second.closing) {
          close_connection(found->second);
          connections_.erase(found);
        } else if (found->second.pause != Pause::kNone) {
          unwatch(found->second.fd.get());  // a hang-up would be reported over and over
          paused_.push_back(key);
        }
      }
    }
    resume_paused();
  }
  for (auto& [key, connection] : connections_) {
    serve(connection, kMessagesAtStop);
    close_connection(connection);
  }
  connections_.clear();
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
  forget_idle_processes();
  if (!peer.ok() || connections_.size() >= options_.max_connections ||
      processes_.size() >= kProcessesMax) {
    add(counters_.refused);
    return;  // closed: kmes_open() says EUSERS
  }
  connection.fd = std::move(fd);
  connection.peer = *peer;
  const bool exempt = options_.exempt_superuser && connection.peer.uid == 0;
  if (!exempt) {
    const auto [at, is_new] = processes_.try_emplace(connection.peer.stamp.process_guid.bytes);
    connection.process = &at->second;
    if (is_new) {
      kmes_token_bucket_init(&at->second.bucket, limits_.max_emit_rate_per_process, monotonic_ns());
    }
  }
  const uint64_t key = next_key_++;
  if (!send_hello(connection) || !watch(connection.fd.get(), key)) {
    add(counters_.refused);
    return;
  }
  if (connection.process != nullptr) ++connection.process->connections;
  connections_.emplace(key, std::move(connection));
  add(counters_.accepted);
  add(counters_.open);
}

void EventSocketLoop::forget_idle_processes() {
  const uint64_t now_ns = monotonic_ns();
  std::erase_if(processes_, [&](const auto& item) {
    kmes_token_bucket bucket = item.second.bucket;
    return item.second.connections == 0 &&
           kmes_token_bucket_available(&bucket, now_ns) >=
               limits_.max_emit_rate_per_process;
  });
}

bool EventSocketLoop::send_hello(const Connection& connection) {
  kmes_socket_hello hello{};
  std::memcpy(hello.magic, KMES_SOCKET_MAGIC, sizeof(hello.magic));
  hello.version = KMES_SOCKET_VERSION;
  hello.max_event_size = limits_.max_event_size;
  hello.max_nesting_depth = limits_.max_nesting_depth;
  hello.max_emit_rate = connection.process == nullptr ? 0 : limits_.max_emit_rate_per_process;
  hello.max_message_size =
      std::min(std::max(limits_.max_event_size, kMessageTarget) + kFrameSize, KMES_SOCKET_MESSAGE_MAX);
  return send(connection.fd.get(), &hello, sizeof(hello), MSG_DONTWAIT | MSG_NOSIGNAL) ==
         static_cast<ssize_t>(sizeof(hello));
}

void EventSocketLoop::close_connection(Connection& connection) {
  if (connection.process != nullptr) --connection.process->connections;
  counters_.open.fetch_sub(1, std::memory_order_relaxed);
  connection.fd.reset();
}

void EventSocketLoop::serve(Connection& connection, int messages_max) {
  connection.pause = Pause::kNone;
  for (int i = 0; i < messages_max; ++i) {
    switch (read_message(connection)) {
      case Read::kMessage: continue;
      case Read::kNothing:
      case Read::kPaused: return;
      case Read::kClosed: connection.closing = true; return;
    }
  }
}

EventSocketLoop::Read EventSocketLoop::read_message(Connection& connection) {
  // The message leaves the socket only when all of it is on a ring: its sender goes on being blocked
  // meanwhile, and nothing has to be kept here.
  const ssize_t size = recv(connection.fd.get(), buffer_.get(), KMES_SOCKET_MESSAGE_MAX,
                            MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
  if (size < 0) {
    return errno == EAGAIN || errno == EINTR ? Read::kNothing : Read::kClosed;
  }
  if (size == 0) return Read::kClosed;
  Read result = Read::kClosed;
  if (static_cast<size_t>(size) <= KMES_SOCKET_MESSAGE_MAX) {
    result = write_events(connection, static_cast<size_t>(size));
  }
  if (result == Read::kClosed) add(counters_.protocol_errors);
  if (result == Read::kMessage) {
    connection.message_done = 0;
    recv(connection.fd.get(), buffer_.get(), 0, MSG_DONTWAIT);
  }
  return result;
}

bool EventSocketLoop::is_valid(const kmes_socket_event& event) const {
  const uint64_t size = uint64_t{KMES_HEADER_FIXED_SIZE} + event.type_len + event.payload_len;
  return size <= limits_.max_event_size && kmes_utf8_valid(event.type, event.type_len) &&
         kmes_msgpack_valid(event.payload, event.payload_len, limits_.max_nesting_depth);
}

EventSocketLoop::Read EventSocketLoop::write_events(Connection& connection, size_t message_size) {
  std::array<kmes_socket_event, KMES_BATCH_MAX> events;
  const int parsed = kmes_socket_parse_emit(buffer_.get(), message_size, events.data());
  if (parsed < 0) return Read::kClosed;
  const auto count = static_cast<uint32_t>(parsed);

  std::array<EmitEntry, KMES_BATCH_MAX> entries;
  std::array<uint32_t, KMES_BATCH_MAX> positions;  // of each entry in the message
  uint32_t valid = 0;
  for (uint32_t i = connection.message_done; i < count; ++i) {
    const kmes_socket_event& event = events[i];
    if (!is_valid(event)) continue;
    positions[valid] = i;
    entries[valid++] = {as_text({event.type, event.type_len}), {event.payload, event.payload_len}};
  }
  uint32_t allowed = valid;
  const uint64_t now_ns = connection.process != nullptr ? monotonic_ns() : 0;
  if (connection.process != nullptr) {
    allowed = std::min(allowed, kmes_token_bucket_available(&connection.process->bucket, now_ns));
  }
  const auto written = static_cast<uint32_t>(
      rings_.try_emit_lossless(std::span(entries.data(), allowed), connection.peer.stamp));
  if (connection.process != nullptr) {
    kmes_token_bucket_take(&connection.process->bucket, written, now_ns);
  }
  const uint32_t done = written == valid ? count : positions[written];
  add(counters_.events, written);
  add(counters_.invalid, done - connection.message_done - written);
  connection.message_done = done;
  if (done == count) return Read::kMessage;
  pause(connection, written == allowed ? Pause::kOverRate : Pause::kRingFull);
  return Read::kPaused;
}

void EventSocketLoop::pause(Connection& connection, Pause why) {
  connection.pause = why;
  add(why == Pause::kOverRate ? counters_.rate_pauses : counters_.backpressure_pauses);
}

void EventSocketLoop::resume_paused() {
  if (paused_.empty()) return;
  const uint64_t now_ns = monotonic_ns();
  std::erase_if(paused_, [&](uint64_t key) {
    const auto found = connections_.find(key);
    if (found == connections_.end()) return true;
    Connection& connection = found->second;
    if (connection.pause == Pause::kOverRate && connection.process != nullptr &&
        kmes_token_bucket_available(&connection.process->bucket, now_ns) == 0) {
      return false;
    }
    serve(connection, kMessagesPerTurn);
    if (connection.pause != Pause::kNone && !connection.closing) return false;
    if (connection.closing || !watch(connection.fd.get(), key)) {
      close_connection(connection);
      connections_.erase(found);
    }
    return true;
  });
}

}  // namespace eventd::kmes
