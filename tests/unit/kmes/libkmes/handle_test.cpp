// One handle's life: threads, fork, credentials, servers that vanish, restart or are no servers.
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <array>
#include <cstdlib>
#include <map>

#include "kmes/event_socket_protocol.h"
#include "kmes/listen_socket.h"
#include "kmes/peer_identity.h"
#include "kmes/stamp_guid.h"
#include "tests/unit/kmes/libkmes/libkmes_fixture.h"
#include "tests/support/long_tests.h"

namespace eventd::kmes {
namespace {

using namespace std::string_literals;

/// Runs `body` in a child; its exit status.
int in_child(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = -1;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(LibKmes, ManyThreadsOnOneHandle) {
  make_rings(1 << 20);
  start();
  open();
  constexpr int kThreads = 4;
  constexpr uint8_t kRounds = 200;
  // Payload: [thread, round], in batches of three and alone.
  std::array<int, kThreads> next{};
  drain([&](const EventView& event) {
    const auto payload = event.payload();
    ASSERT_EQ(payload.size(), 4U);
    EXPECT_EQ(payload[3], next.at(payload[1])++ / 4) << "a thread's events stay in order";
  });
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (uint8_t round = 0; round < kRounds; ++round) {
        const std::string payload = {'\x92', static_cast<char>(thread), '\xcc',
                                     static_cast<char>(round)};
        const kmes_entry entry = {"t", 1, payload.data(), payload.size()};
        const kmes_entry batch[] = {entry, entry, entry};
        unsigned emitted = 0;
        EXPECT_EQ(kmes_emit_batch(client_, batch, 3, &emitted), 0) << std::strerror(errno);
        EXPECT_EQ(emit("t", payload), 0);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  constexpr uint64_t kAll = uint64_t{kThreads} * kRounds * 4;
  EXPECT_TRUE(eventually([&] { return drained_ == kAll; })) << drained_ << " of " << kAll;
}

TEST_F(LibKmes, TheRateHoldsOverThreadsOfAHandle) {
  options_.exempt_superuser = false;
  options_.limits.max_emit_rate_per_process = 100;
  start();
  open();
  std::atomic<uint64_t> sent{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 60; ++n) sent += emit("r", "\x01") == 0 ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  // The burst, and what a second or more on a slow machine refills; bucket arithmetic that lost an
  // update would let all 240 through at once.
  EXPECT_GE(sent, 100U);
  EXPECT_TRUE(eventually([&] { return rings_->emitted_count() == sent; }));
}

TEST_F(LibKmes, AChildOpensItsOwn) {
  start();
  open();
  const int status = in_child([&] {
    if (emit("child", "\x01") != ESTALE) return 1;
    kmes_close(client_);
    struct kmes* own = kmes_open(options_.path.c_str(), 0);
    if (own == nullptr) return 2;
    if (emit(own, "child", "\x01") != 0) return 3;
    kmes_close(own);
    return 0;
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(emit("parent", "\x01"), 0) << "the child's close ended only its own";
  std::map<std::string, std::string> processes;
  drain([&](const EventView& event) {
    processes[std::string(event.type())] =
        std::string(reinterpret_cast<const char*>(event.process_guid()), 16);
  });
  ASSERT_TRUE(eventually([&] { return drained_ == 2; }));
  stop_draining();
  EXPECT_NE(processes["child"], processes["parent"]);
}

TEST_F(LibKmes, CredentialsAreTheKernelsAndRightsTheSocketFiles) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to be somebody else";
  options_.mode = 0666;
  chmod(directory_.c_str(), 0755);
  start();
  const auto as_others = [&] {
    if (setresuid(1234, 65534, 65534) != 0) return 9;
    struct kmes* own = kmes_open(options_.path.c_str(), 0);
    if (own == nullptr) return errno == EPERM ? 1 : 2;
    const int error = emit(own, "other", "\x01");
    kmes_close(own);
    return error == 0 ? 0 : 3;
  };
  uint32_t effective = 0, real = 0;
  drain([&](const EventView& event) {
    EXPECT_TRUE(kmes_token_guid_uid(event.effective_token_guid(), &effective));
    EXPECT_TRUE(kmes_token_guid_uid(event.true_token_guid(), &real));
  });
  EXPECT_EQ(in_child(as_others), 0);
  ASSERT_TRUE(eventually([&] { return drained_ == 1; }));
  stop_draining();
  EXPECT_EQ(effective, 65534U);
  // Read from /proc after the connect: a process that is gone by then has its effective one.
  EXPECT_TRUE(real == 1234U || real == 65534U) << real;
  socket_.reset();
  options_.mode = 0600;
  start();
  EXPECT_EQ(in_child(as_others), 1) << "EPERM";
}

TEST_F(LibKmes, ServerGoneIsSaidAndAnotherCanBeOpened) {
  start();
  open();
  socket_->stop();
  EXPECT_EQ(emit("a", "\x01"), EPIPE);
  EXPECT_NE(access(options_.path.c_str(), F_OK), 0) << "the socket file is gone";
  EXPECT_EQ(kmes_open(options_.path.c_str(), 0), nullptr);
  EXPECT_EQ(errno, ENOENT);
  start();
  EXPECT_EQ(emit("a", "\x01"), EPIPE) << "an old handle stays with the old server";
  kmes_close(client_);
  open();
  EXPECT_EQ(emit("a", "\x01"), 0);
  EXPECT_TRUE(eventually([&] { return rings_->emitted_count() == 1; }));
}

TEST_F(LibKmes, AServerThatEndsFreesWhoWaits) {
  start();
  open();
  std::atomic<uint64_t> sent{0};
  std::atomic<int> error{0};
  std::thread sender([&] {
    while ((error = emit("full", binary(1000))) == 0) ++sent;
  });
  ASSERT_TRUE(eventually([&] { return socket_->stats().backpressure_pauses > 0; }));
  socket_->stop();
  sender.join();
  EXPECT_TRUE(error == EPIPE || error == ECONNRESET) << error;
}

TEST_F(LibKmes, StoppingLosesNothingThatWasAccepted) {
  options_.exempt_superuser = false;
  options_.limits.max_emit_rate_per_process = 100;
  start();
  open();
  // Over its rate with a second handle, so that the server holds some back; and the ring is small.
  struct kmes* second = kmes_open(options_.path.c_str(), 0);
  ASSERT_NE(second, nullptr);
  const std::string payload = binary(900);
  const std::vector<kmes_entry> entries(90, {"a", 1, payload.data(), payload.size()});
  drain();
  ASSERT_EQ(kmes_emit_batch(client_, entries.data(), 90, nullptr), 0);
  ASSERT_EQ(kmes_emit_batch(second, entries.data(), 90, nullptr), 0);
  socket_->stop();
  EXPECT_EQ(rings_->emitted_count(), 180U);
  kmes_close(second);
}

/// Something that listens and does as the test says.
class FakeServer : public LibKmes {
 protected:
  void listen() {
    auto fd = listen_seqpacket(options_.path, 0600);
    ASSERT_TRUE(fd.ok());
    listener_ = std::move(fd).value();
  }
  UniqueFd accept_one() {
    pollfd ready{listener_.get(), POLLIN, 0};
    poll(&ready, 1, 20'000);
    return UniqueFd(accept(listener_.get(), nullptr, nullptr));
  }
  static kmes_socket_hello good_hello() {
    kmes_socket_hello hello{};
    std::memcpy(hello.magic, KMES_SOCKET_MAGIC, sizeof(hello.magic));
    hello.version = KMES_SOCKET_VERSION;
    hello.max_event_size = 65536;
    hello.max_nesting_depth = 32;
    hello.max_message_size = 70000;
    hello.limits_version = 1;
    return hello;
  }
  /// errno of kmes_open() when `greeting` is all that the server says. 0 = it was opened.
  int open_with(const std::string& greeting) {
    std::thread server([&] {
      const UniqueFd fd = accept_one();
      if (!greeting.empty()) send(fd.get(), greeting.data(), greeting.size(), MSG_NOSIGNAL);
    });
    struct kmes* opened = kmes_open(options_.path.c_str(), 0);
    const int error = opened == nullptr ? errno : 0;
    kmes_close(opened);
    server.join();
    return error;
  }
  void TearDown() override {
    unlink(options_.path.c_str());
    LibKmes::TearDown();
  }
  static std::string bytes_of(const kmes_socket_hello& hello) {
    return std::string(reinterpret_cast<const char*>(&hello), sizeof(hello));
  }
  UniqueFd listener_;
};

TEST_F(FakeServer, HelloMustBeOfThisVersion) {
  listen();
  EXPECT_EQ(open_with(bytes_of(good_hello())), 0);
  EXPECT_EQ(open_with(""), EUSERS) << "closed at once";
  EXPECT_EQ(open_with("x"), EPROTO);
  EXPECT_EQ(open_with(bytes_of(good_hello()) + "x"), EPROTO);
  EXPECT_EQ(open_with(bytes_of(good_hello()).substr(1)), EPROTO);
  const auto with = [&](const std::function<void(kmes_socket_hello&)>& change) {
    kmes_socket_hello hello = good_hello();
    change(hello);
    return open_with(bytes_of(hello));
  };
  EXPECT_EQ(with([](auto& hello) { hello.version = 2; }), EPROTO);
  EXPECT_EQ(with([](auto& hello) { hello.magic[0] = 'k'; }), EPROTO);
  EXPECT_EQ(with([](auto& hello) { hello.max_event_size = 77; }), EPROTO) << "nothing would fit";
  EXPECT_EQ(with([](auto& hello) { hello.max_message_size = 0xffffffff; }), EPROTO);
  EXPECT_EQ(with([](auto& hello) { hello.max_message_size = 1; }), EPROTO);
}

TEST_F(FakeServer, DyingWhileASenderWaitsIsAnError) {
  listen();
  std::thread server([&] {
    const UniqueFd fd = accept_one();
    const std::string hello = bytes_of(good_hello());
    send(fd.get(), hello.data(), hello.size(), MSG_NOSIGNAL);
    // Reads nothing; dies when the sender has had time to fill the queue.
    usleep(200'000);
  });
  open();
  int error = 0;
  for (int i = 0; i < 100'000 && error == 0; ++i) error = emit("a", binary(60'000));
  EXPECT_TRUE(error == EPIPE || error == ECONNRESET) << error;
  server.join();
}

TEST_F(FakeServer, SilenceTimesOut) {
  if (!eventd::long_tests()) GTEST_SKIP() << "takes 10 s";
  listen();
  EXPECT_EQ(kmes_open(options_.path.c_str(), 0), nullptr);
  EXPECT_EQ(errno, ETIMEDOUT) << "accepted by the kernel, never greeted";
  // Until the kernel's queue is full, and connecting itself waits.
  std::vector<UniqueFd> waiting;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, options_.path.c_str());
  for (int i = 0; i < 10'000; ++i) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0));
    if (connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) break;
    waiting.push_back(std::move(fd));
  }
  EXPECT_EQ(kmes_open(options_.path.c_str(), 0), nullptr);
  EXPECT_EQ(errno, ETIMEDOUT);
}

}  // namespace
}  // namespace eventd::kmes
