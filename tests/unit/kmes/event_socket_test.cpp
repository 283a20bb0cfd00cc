// The server of event_socket against clients that are not libkmes: broken, hostile, gone, or very many.
#include "kmes/event_socket.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "kmes/event_socket_protocol.h"
#include "kmes/ring_reader.h"
#include "unique_fd.h"
#include "tests/support/long_tests.h"

namespace eventd::kmes {
namespace {

using namespace std::string_literals;

struct RawEvent {
  std::string type = "a";
  std::string payload = "\x01"s;
};

std::string as_bytes_of(const void* at, size_t size) {
  return std::string(static_cast<const char*>(at), size);
}

std::string message_of(const std::vector<RawEvent>& events, uint16_t version = 0) {
  const kmes_socket_emit head{KMES_SOCKET_EMIT_MAGIC, static_cast<uint16_t>(events.size()), version};
  std::string message = as_bytes_of(&head, sizeof(head));
  for (const RawEvent& event : events) {
    const kmes_socket_entry entry{static_cast<uint32_t>(event.payload.size()),
                                  static_cast<uint16_t>(event.type.size()), 0};
    message += as_bytes_of(&entry, sizeof(entry)) + event.type + event.payload;
  }
  return message;
}

/// bin 32 of `size` bytes in all.
std::string binary(size_t size) {
  const auto bytes = static_cast<uint32_t>(size - 5);
  std::string value = "\xc6"s;
  for (int shift = 24; shift >= 0; shift -= 8) value += static_cast<char>(bytes >> shift);
  return value + std::string(bytes, 'x');
}

class EventSocketTest : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/event-socket-test-XXXXXX";
    directory_ = mkdtemp(pattern);
    options_.path = directory_ + "/event.sock";
    make_rings(KMES_CAPACITY_MIN);
  }
  void TearDown() override {
    stop_draining();
    socket_.reset();
    rmdir(directory_.c_str());
  }
  void make_rings(uint64_t capacity) {
    auto rings = UserRings::create(1, capacity);
    ASSERT_TRUE(rings.ok());
    rings_ = std::move(rings).value();
  }
  void start() {
    auto started = EventSocket::start(*rings_, options_);
    ASSERT_TRUE(started.ok()) << started.error().message;
    socket_ = std::move(started).value();
  }
  UniqueFd connect_only() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, options_.path.c_str());
    UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) fd.reset();
    return fd;
  }
  /// Connected and greeted; invalid when the server refused.
  UniqueFd connect() {
    UniqueFd fd = connect_only();
    kmes_socket_hello hello{};
    if (recv(fd.get(), &hello, sizeof(hello), 0) != static_cast<ssize_t>(sizeof(hello))) fd.reset();
    return fd;
  }
  static bool send_all(const UniqueFd& fd, const std::string& message, int flags = 0) {
    return send(fd.get(), message.data(), message.size(), flags | MSG_NOSIGNAL) ==
           static_cast<ssize_t>(message.size());
  }
  /// True when the server has closed it (a hello may come before).
  static bool closed(const UniqueFd& fd) {
    std::array<char, 64> bytes;
    ssize_t size = 0;
    while ((size = recv(fd.get(), bytes.data(), bytes.size(), 0)) > 0) {}
    return size == 0 || errno == ECONNRESET;
  }
  static bool eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 20'000; ++i) {
      if (condition()) return true;
      usleep(1000);
    }
    return false;
  }
  void drain() {
    draining_ = true;
    drain_ = std::thread([this] {
      RingReader reader(*rings_->ring(0));
      std::vector<uint8_t> buffer(rings_->capacity() / 2);
      while (draining_) {
        while (reader.next(buffer) == RingReader::Next::kEvent) {
          rings_->note_drained(0, reader.stream_pos());
          ++drained_;
        }
        reader.wait(10'000'000);
      }
    });
  }
  void stop_draining() {
    draining_ = false;
    if (drain_.joinable()) drain_.join();
  }

  std::string directory_;
  EventSocketOptions options_;
  std::unique_ptr<UserRings> rings_;
  std::unique_ptr<EventSocket> socket_;
  std::atomic<uint64_t> drained_{0};

 private:
  std::atomic<bool> draining_{false};
  std::thread drain_;
};

TEST_F(EventSocketTest, AThousandConnectionsEachHeard) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur < 2200) {
    rlimit more = files;
    more.rlim_cur = std::min<rlim_t>(files.rlim_max, 2200);
    setrlimit(RLIMIT_NOFILE, &more);
    if (more.rlim_cur < 2200) GTEST_SKIP() << "needs 2,200 descriptors";
  }
  options_.max_connections = 1000;
  start();
  drain();
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 1000; ++i) {
    clients.push_back(connect());
    ASSERT_TRUE(clients.back().valid()) << "connection " << i;
  }
  EXPECT_FALSE(connect().valid()) << "one too many";
  EXPECT_EQ(socket_->stats().connections_refused, 1U);
  for (const UniqueFd& client : clients) ASSERT_TRUE(send_all(client, message_of({{}, {}})));
  EXPECT_TRUE(eventually([&] { return drained_ == 2000; })) << drained_;
  EXPECT_EQ(socket_->stats().connections_open, 1000U);
  clients.clear();
  EXPECT_TRUE(eventually([&] { return socket_->stats().connections_open == 0; }));
  EXPECT_TRUE(connect().valid()) << "there is room again";
  setrlimit(RLIMIT_NOFILE, &files);
}

TEST_F(EventSocketTest, ManySendersShareAFullRingInTurns) {
  start();
  constexpr size_t kClients = 60;
  constexpr uint64_t kEach = 20;
  std::vector<UniqueFd> clients;
  std::vector<std::thread> senders;
  for (size_t i = 0; i < kClients; ++i) clients.push_back(connect());
  for (size_t i = 0; i < kClients; ++i) {
    senders.emplace_back([&, i] {
      for (uint64_t n = 0; n < kEach; ++n) {
        EXPECT_TRUE(send_all(clients[i], message_of({{"big", binary(9000)}})));
      }
    });
  }
  ASSERT_TRUE(eventually([&] { return socket_->stats().backpressure_pauses >= kClients / 2; }));
  drain();
  for (std::thread& sender : senders) sender.join();
  EXPECT_TRUE(eventually([&] { return drained_ == kClients * kEach; })) << drained_;
  EXPECT_EQ(rings_->dropped_count(), 0U);
}

TEST_F(EventSocketTest, AVanishingClientLosesNothingItSent) {
  start();
  drain();
  uint64_t sent = 0;
  for (int i = 0; i < 200; ++i) {
    UniqueFd client = i % 2 == 0 ? connect() : connect_only();  // the hello unread, too
    ASSERT_TRUE(client.valid());
    for (int n = 0; n < i % 4; ++n) sent += send_all(client, message_of({{}})) ? 1 : 0;
  }
  EXPECT_TRUE(eventually([&] { return drained_ == sent; })) << drained_ << " of " << sent;
  EXPECT_TRUE(eventually([&] { return socket_->stats().connections_open == 0; }));
}

TEST_F(EventSocketTest, AClientThatVanishesWhilePausedLosesNothing) {
  start();
  uint64_t sent = 0;
  {
    const UniqueFd client = connect();
    ASSERT_TRUE(eventually([&] {
      while (send_all(client, message_of({{"a", binary(5000)}}), MSG_DONTWAIT)) ++sent;
      return socket_->stats().backpressure_pauses > 0;
    }));
  }
  drain();
  EXPECT_TRUE(eventually([&] { return drained_ == sent; })) << drained_ << " of " << sent;
  EXPECT_TRUE(eventually([&] { return socket_->stats().connections_open == 0; }));
}

TEST_F(EventSocketTest, StalledClientsHoldNobodyUp) {
  start();
  drain();
  const UniqueFd silent = connect_only();
  const UniqueFd polite = connect();
  // One that reads no hello, however many there are.
  for (uint32_t i = 0; i < 3000; ++i) {
    options_.limits.max_event_size = 2000 + i;
    socket_->set_limits(options_.limits);
    if (i % 50 == 0) usleep(500);
  }
  ASSERT_TRUE(send_all(polite, message_of({{}})));
  EXPECT_TRUE(eventually([&] { return drained_ == 1; }));
  ASSERT_TRUE(send_all(silent, message_of({{}})));
  EXPECT_TRUE(eventually([&] { return drained_ == 2; }));
}

TEST_F(EventSocketTest, AClientThatStoppedReadingCostsNoTime) {
  start();
  drain();
  const UniqueFd deaf = connect();
  ASSERT_EQ(shutdown(deaf.get(), SHUT_RD), 0);
  socket_->set_limits(options_.limits);
  usleep(20'000);
  const uint64_t before = socket_->stats().wake_ups;
  usleep(200'000);
  EXPECT_LE(socket_->stats().wake_ups, before + 2) << "nothing happened: it sleeps";
  ASSERT_TRUE(send_all(deaf, message_of({{}})));
  EXPECT_TRUE(eventually([&] { return drained_ == 1; }));
}

TEST_F(EventSocketTest, MalformedMessagesCloseTheConnectionAndAreCounted) {
  start();
  uint64_t errors = 0;
  std::vector<std::string> bad = {"x"s, std::string(8, '\0'), "EMIT\x00\x00\x00\x00"s,
                                  "EMIT\x01\x00\x00\x00"s,
                                  "EMIT\x01\x00\x00\x00\xff\xff\xff\xff\x01\x00\x00\x00" "a"s,
                                  message_of({{}}) + "x", message_of({{"", "\x01"s}})};
  const std::string whole = message_of({{}, {"bc", "\x02"s}});
  for (size_t cut = 1; cut < whole.size(); ++cut) bad.push_back(whole.substr(0, cut));
  std::string reserved = message_of({{}});
  reserved[sizeof(kmes_socket_emit) + offsetof(kmes_socket_entry, reserved)] = 1;
  bad.push_back(reserved);
  for (const std::string& message : bad) {
    const UniqueFd client = connect();
    ASSERT_TRUE(send_all(client, message));
    EXPECT_TRUE(closed(client)) << testing::PrintToString(message);
    ++errors;
    EXPECT_TRUE(eventually([&] { return socket_->stats().protocol_errors == errors; }))
        << testing::PrintToString(message);
  }
  EXPECT_EQ(rings_->emitted_count(), 0U);
  EXPECT_TRUE(eventually([&] { return socket_->stats().connections_open == 0; }));
}

TEST_F(EventSocketTest, GarbageOfEveryKindAndAGoodClientBeside) {
  start();
  drain();
  const bool is_long = long_tests();
  std::mt19937_64 random(7);
  const UniqueFd good = connect();
  uint64_t good_sent = 0;
  UniqueFd bad = connect();
  const std::string text = "\xd9\x40" + std::string(64, 't');
  for (int i = 0; i < (is_long ? 200'000 : 5000); ++i) {
    std::string message = message_of(std::vector<RawEvent>(1 + random() % 5, {"a", text}));
    for (uint64_t n = random() % 4; n > 0; --n) {
      message[random() % message.size()] = static_cast<char>(random());
    }
    if (random() % 8 == 0) message.resize(1 + random() % 40);
    if (!bad.valid() || !send_all(bad, message)) bad = connect();
    if (i % 50 == 0) good_sent += send_all(good, message_of({{"good", "\xc0"s}})) ? 1 : 0;
  }
  EXPECT_EQ(good_sent, static_cast<uint64_t>(is_long ? 4000 : 100));
  bad.reset();
  EXPECT_TRUE(eventually([&] { return socket_->stats().connections_open == 1; }));
  const EventSocketStats stats = socket_->stats();
  // How many depends on how far the server is when a connection ends: the rest of its queue goes too.
  EXPECT_GT(stats.protocol_errors, 0U);
  EXPECT_GT(stats.events_invalid, 0U);
  EXPECT_TRUE(eventually([&] { return drained_ == socket_->stats().events_accepted; }));
}

TEST_F(EventSocketTest, TheServerChecksAgain) {
  options_.limits.max_event_size = 1000;
  options_.limits.max_nesting_depth = 2;
  start();
  const UniqueFd client = connect();
  ASSERT_TRUE(send_all(client, message_of({{"a", "\xc1"s},
                                           {"\xff", "\x01"s},
                                           {"a", "\x91\x91\x91\x01"s},
                                           {"a", binary(923)},
                                           {"a", binary(922)},
                                           {"good", "\x01"s}})));
  EXPECT_TRUE(eventually([&] { return socket_->stats().events_accepted == 2; }));
  EXPECT_EQ(socket_->stats().events_invalid, 3U);
  EXPECT_EQ(socket_->stats().events_too_large, 1U);
  EXPECT_EQ(rings_->last_sequence(0), 2U) << "rejected entries spend no sequence";
}

TEST_F(EventSocketTest, NamingAVersionThatNeverWasIsTheOnesNow) {
  options_.limits.max_event_size = 1000;
  start();
  const UniqueFd client = connect();
  for (const uint16_t version : std::initializer_list<uint16_t>{0, 2, 500, 65535}) {
    ASSERT_TRUE(send_all(client, message_of({{"a", binary(2000)}}, version)));
  }
  EXPECT_TRUE(eventually([&] { return socket_->stats().events_too_large == 4; }));
  EXPECT_EQ(rings_->emitted_count(), 0U);
}

TEST_F(EventSocketTest, LargestMessages) {
  make_rings(16 << 20);
  options_.limits.max_event_size = 4 << 20;
  start();
  drain();
  const UniqueFd client = connect();
  int size = 2 * static_cast<int>(KMES_SOCKET_MESSAGE_MAX);
  if (setsockopt(client.get(), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) != 0) {
    setsockopt(client.get(), SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
  }
  const size_t payload = (4 << 20) - KMES_HEADER_FIXED_SIZE - 1;
  const std::string largest = message_of({{"a", binary(payload)}});
  if (!send_all(client, largest)) GTEST_SKIP() << "net.core.wmem_max is too small";
  EXPECT_TRUE(eventually([&] { return drained_ == 1; }));
  // As many as a message may have, and every byte that it may have.
  EXPECT_TRUE(send_all(client, message_of(std::vector<RawEvent>(KMES_BATCH_MAX))));
  EXPECT_TRUE(eventually([&] { return drained_ == 1 + KMES_BATCH_MAX; }));
  std::vector<RawEvent> two = {{"a", binary(payload)}, {"b", binary(1000)}};
  two[1].payload = binary(1000 + KMES_SOCKET_MESSAGE_MAX - message_of(two).size());
  ASSERT_EQ(message_of(two).size(), KMES_SOCKET_MESSAGE_MAX);
  EXPECT_TRUE(send_all(client, message_of(two)));
  EXPECT_TRUE(eventually([&] { return drained_ == 3 + KMES_BATCH_MAX; }));
  EXPECT_EQ(socket_->stats().protocol_errors, 0U);
  two[1].payload = binary(two[1].payload.size() + 1);
  EXPECT_TRUE(send_all(client, message_of(two)));
  EXPECT_TRUE(closed(client)) << "a byte more than a message may have";
  EXPECT_EQ(socket_->stats().protocol_errors, 1U);
}

TEST_F(EventSocketTest, HalfOfTheRingsBoundsAnEventAlsoAfterAResize) {
  make_rings(KMES_CAPACITY_MIN);
  options_.limits.max_event_size = 1 << 20;
  start();
  drain();
  const auto largest = [&] {
    const UniqueFd fd = connect_only();
    kmes_socket_hello hello{};
    EXPECT_EQ(recv(fd.get(), &hello, sizeof(hello), 0), static_cast<ssize_t>(sizeof(hello)));
    return hello.max_event_size;
  };
  EXPECT_EQ(largest(), KMES_CAPACITY_MIN / 2);
  stop_draining();
  ASSERT_TRUE(rings_->resize(4 * KMES_CAPACITY_MIN).ok());
  socket_->set_limits(options_.limits);
  EXPECT_TRUE(eventually([&] { return largest() == 2 * KMES_CAPACITY_MIN; }));
}

TEST_F(EventSocketTest, OverRateConnectionsWaitAndOthersDoNot) {
  options_.exempt_superuser = false;
  options_.limits.max_emit_rate_per_process = 100;
  make_rings(1 << 20);
  start();
  drain();
  // All connections are of this one process: together they get the rate.
  const UniqueFd first = connect(), second = connect();
  ASSERT_TRUE(send_all(first, message_of(std::vector<RawEvent>(90))));
  ASSERT_TRUE(send_all(second, message_of(std::vector<RawEvent>(90))));
  EXPECT_TRUE(eventually([&] { return socket_->stats().rate_pauses > 0; }));
  EXPECT_TRUE(eventually([&] { return drained_ == 180; })) << "slowed down, not refused";
  // What is invalid costs nothing, so it does not wait behind the rate either.
  ASSERT_TRUE(send_all(first, message_of(std::vector<RawEvent>(256, {"a", "\xc1"s}))));
  EXPECT_TRUE(eventually([&] { return socket_->stats().events_invalid == 256; }));
  // A higher rate frees who waits.
  ASSERT_TRUE(send_all(first, message_of(std::vector<RawEvent>(256))));
  ASSERT_TRUE(send_all(first, message_of(std::vector<RawEvent>(256))));
  ASSERT_TRUE(send_all(first, message_of(std::vector<RawEvent>(256))));
  options_.limits.max_emit_rate_per_process = 1'000'000;
  socket_->set_limits(options_.limits);
  EXPECT_TRUE(eventually([&] { return drained_ == 180 + 3 * 256; })) << drained_;
}

TEST_F(EventSocketTest, ReconnectingBuysNoTokens) {
  options_.exempt_superuser = false;
  options_.limits.max_emit_rate_per_process = 200;
  make_rings(1 << 20);
  start();
  drain();
  const auto begin = std::chrono::steady_clock::now();
  uint64_t sent = 0;
  for (const size_t count : {200U, 100U, 50U}) {
    const UniqueFd client = connect();
    ASSERT_TRUE(send_all(client, message_of(std::vector<RawEvent>(count))));
    sent += count;
    ASSERT_TRUE(eventually([&] { return drained_ == sent; }));
  }
  // 150 events at 200 a second after the burst: never in less than 0.75 s, on any machine.
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(745));
}

TEST_F(EventSocketTest, StopsWhileClientsFlood) {
  start();
  drain();
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> sent{0};
  std::vector<std::thread> senders;
  for (int i = 0; i < 3; ++i) {
    senders.emplace_back([&] {
      const UniqueFd client = connect();
      while (!stop && send_all(client, message_of(std::vector<RawEvent>(10)))) sent += 10;
    });
  }
  EXPECT_TRUE(eventually([&] { return drained_ > 1000; }));
  socket_->stop();
  stop = true;
  for (std::thread& sender : senders) sender.join();
  EXPECT_EQ(socket_->stats().events_accepted, sent) << "what send() took is on the rings";
  EXPECT_EQ(rings_->emitted_count(), sent);
}

}  // namespace
}  // namespace eventd::kmes
