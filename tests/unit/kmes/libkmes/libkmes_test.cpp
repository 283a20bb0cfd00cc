// libkmes, through the shared library, against EventSocket: errors in order, events end to end.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "kmes/peer_identity.h"
#include "kmes/stamp_guid.h"
#include "tests/unit/kmes/libkmes/libkmes_fixture.h"

namespace eventd::kmes {
namespace {

using namespace std::string_literals;

TEST_F(LibKmes, AnEventArrivesStampedByTheServer) {
  start();
  open();
  ASSERT_EQ(emit("app.started", "\x81\xa1" "a\x01"), 0);
  RingReader reader(*rings_->ring(0));
  std::vector<uint8_t> buffer(KMES_CAPACITY_MIN / 2);
  ASSERT_TRUE(eventually([&] { return reader.next(buffer) == RingReader::Next::kEvent; }));
  const EventView event(buffer.data());
  EXPECT_EQ(event.type(), "app.started");
  EXPECT_EQ(as_text(event.payload()), "\x81\xa1" "a\x01");
  EXPECT_EQ(event.origin_class(), KMES_ORIGIN_USERSPACE);
  uint32_t uid = 0;
  ASSERT_TRUE(kmes_token_guid_uid(event.effective_token_guid(), &uid));
  EXPECT_EQ(uid, geteuid());
  ASSERT_TRUE(kmes_token_guid_uid(event.true_token_guid(), &uid));
  EXPECT_EQ(uid, getuid());
  uint8_t process[16];
  kmes_process_guid(options_.boot_id.bytes.data(), static_cast<uint32_t>(getpid()),
                    read_process_start_time(getpid()), process);
  EXPECT_EQ(std::memcmp(event.process_guid(), process, 16), 0);
}

TEST_F(LibKmes, ErrorsInTheOrderOfTheSpecification) {
  options_.limits.max_event_size = 1024;
  options_.limits.max_nesting_depth = 4;
  start();
  open();
  EXPECT_EQ(emit("", "\xc0"), EINVAL);
  EXPECT_EQ(emit(std::string(65536, 'a'), "\xc0"), EINVAL) << "type_len before size";
  EXPECT_EQ(kmes_emit(client_, "a", 1, "", SIZE_MAX), -1);
  EXPECT_EQ(errno, EINVAL) << "overflow";
  EXPECT_EQ(emit("\xff", std::string(2000, '\xc1')), ENOSPC) << "size before validity";
  EXPECT_EQ(kmes_emit(client_, nullptr, 2000, nullptr, 0), -1);
  EXPECT_EQ(errno, ENOSPC) << "size before copying";
  EXPECT_EQ(kmes_emit(client_, "\xff", 1, nullptr, 1), -1);
  EXPECT_EQ(errno, EFAULT) << "copying before validity";
  EXPECT_EQ(emit("\xff", "\xc0"), EINVAL);
  EXPECT_EQ(emit("a", ""), EINVAL) << "no value";
  EXPECT_EQ(emit("a", "\xc1"), EINVAL);
  EXPECT_EQ(emit("a", "\xc0\xc0"), EINVAL);
  EXPECT_EQ(emit("a", "\x91\x91\x91\x91\x91\xc0"), EINVAL) << "nesting";
  // The largest that is taken: 77 + 1 + payload = 1024, of bin 16 with 3 bytes of its own.
  EXPECT_EQ(emit("a", "\xc5\x03\xaf"s + std::string(943, 'x')), 0);
  EXPECT_EQ(emit("a", "\xc5\x03\xb0"s + std::string(944, 'x')), ENOSPC);
  ASSERT_TRUE(eventually([&] { return socket_->stats().events_accepted == 1; }));
  EXPECT_EQ(socket_->stats().events_invalid, 0U);
}

TEST_F(LibKmes, OfEveryPairOfFailuresTheFirstWins) {
  options_.exempt_superuser = false;
  options_.limits.max_event_size = 1024;
  options_.limits.max_emit_rate_per_process = 200;
  start();
  open();
  struct Failure {
    const char* name;
    int error;
    std::function<void(std::vector<kmes_entry>&)> apply;
  };
  const std::vector<Failure> failures = {
      {"count", EINVAL, [](auto& entries) { entries.resize(257, entries[0]); }},
      {"rate", EAGAIN, [](auto& entries) { if (entries.size() < 201) entries.resize(201, entries[0]); }},
      {"no type", EINVAL, [](auto& entries) { entries[0].type_len = 0; }},
      {"overflow", EINVAL, [](auto& entries) { entries[0].payload_len = SIZE_MAX; }},
      {"too large", ENOSPC,
       [](auto& entries) { if (entries[0].payload_len < 2000) entries[0].payload_len = 2000; }},
      {"null type", EFAULT, [](auto& entries) { entries[0].type = nullptr; }},
      {"null payload", EFAULT, [](auto& entries) { entries[0].payload = nullptr; }},
      {"type", EINVAL, [](auto& e) { if (e[0].type != nullptr) e[0].type = "\xff"; }},
      {"payload", EINVAL, [](auto& e) { if (e[0].payload != nullptr) e[0].payload = "\xc1"; }},
  };
  for (size_t first = 0; first < failures.size(); ++first) {
    for (size_t second = first; second < failures.size(); ++second) {
      std::vector<kmes_entry> entries = {{"a", 1, "\x01", 1}};
      failures[first].apply(entries);
      failures[second].apply(entries);
      unsigned emitted = 9;
      errno = 0;
      EXPECT_EQ(kmes_emit_batch(client_, entries.data(), static_cast<unsigned>(entries.size()),
                                &emitted), -1);
      EXPECT_EQ(errno, failures[first].error)
          << failures[first].name << " and " << failures[second].name;
      EXPECT_EQ(emitted, first < 2 ? 9U : 0U) << failures[first].name << " and "
                                              << failures[second].name;
    }
  }
  // All of that cost nothing.
  const std::vector<kmes_entry> all(200, {"a", 1, "\x01", 1});
  EXPECT_EQ(kmes_emit_batch(client_, all.data(), 200, nullptr), 0);
}

TEST_F(LibKmes, BatchStopsAtTheFirstBadEntry) {
  start();
  open();
  const kmes_entry entries[] = {{"a", 1, "\x01", 1}, {"b", 1, "\x02", 1}, {"c", 1, "\xc1", 1},
                                {"d", 1, "\x03", 1}};
  unsigned emitted = 99;
  EXPECT_EQ(kmes_emit_batch(client_, entries, 4, &emitted), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(emitted, 2U);
  ASSERT_TRUE(eventually([&] { return rings_->emitted_count() == 2; }));
  EXPECT_EQ(rings_->last_sequence(0), 2U) << "rejected entries spend no sequence";
  emitted = 99;
  EXPECT_EQ(kmes_emit_batch(client_, entries, 0, &emitted), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(kmes_emit_batch(client_, entries, 257, &emitted), -1);
  EXPECT_EQ(errno, EINVAL);
}

TEST_F(LibKmes, LargeBatchesAreCutIntoMessages) {
  make_rings(8 << 20);
  start();
  open();
  const std::string payload = "\xc5\x4e\x20"s + std::string(20'000, 'x');
  const std::vector<kmes_entry> entries(256, {"big", 3, payload.data(), payload.size()});
  unsigned emitted = 0;
  ASSERT_EQ(kmes_emit_batch(client_, entries.data(), 256, &emitted), 0) << std::strerror(errno);
  EXPECT_EQ(emitted, 256U);
  EXPECT_TRUE(eventually([&] { return rings_->emitted_count() == 256; }));
}

TEST_F(LibKmes, RateIsPerProcessAndFailuresCostNothing) {
  options_.exempt_superuser = false;
  options_.limits.max_emit_rate_per_process = 100;
  start();
  open();
  for (int i = 0; i < 500; ++i) ASSERT_EQ(emit("a", "\xc1"), EINVAL);
  const std::vector<kmes_entry> entries(256, {"a", 1, "\xc0", 1});
  unsigned emitted = 7;
  EXPECT_EQ(kmes_emit_batch(client_, entries.data(), 256, &emitted), -1);
  EXPECT_EQ(errno, EAGAIN) << "all or none";
  EXPECT_EQ(emitted, 7U) << "the rate comes before `emitted` is written";
  ASSERT_EQ(kmes_emit_batch(client_, entries.data(), 90, &emitted), 0);
  EXPECT_EQ(kmes_emit_batch(client_, entries.data(), 90, &emitted), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(kmes_emit(client_, "", 0, "", 0), -1);
  // A second handle has a burst of its own, but the server knows the process: it is slowed down,
  // and nothing of it is lost.
  struct kmes* second = kmes_open(options_.path.c_str(), 0);
  ASSERT_NE(second, nullptr);
  ASSERT_EQ(kmes_emit_batch(second, entries.data(), 90, &emitted), 0);
  EXPECT_TRUE(eventually([&] { return socket_->stats().rate_pauses > 0; }));
  EXPECT_TRUE(eventually([&] { return rings_->emitted_count() == 180; }));
  kmes_close(second);
}

TEST_F(LibKmes, AFullServerIsFeltAndLosesNothing) {
  start();
  open(KMES_NONBLOCK);
  const std::string payload = "\xc5\x03\xe8"s + std::string(1000, 'x');
  uint64_t sent = 0;
  int error = 0;
  // EAGAIN at first means only that the server's thread has not run yet.
  ASSERT_TRUE(eventually([&] {
    while ((error = emit("full", payload)) == 0) ++sent;
    return socket_->stats().backpressure_pauses > 0;
  }));
  ASSERT_EQ(error, EAGAIN);
  EXPECT_GT(socket_->stats().backpressure_pauses, 0U);
  // Now somebody drains: all of it arrives, in order.
  RingReader reader(*rings_->ring(0));
  std::vector<uint8_t> buffer(KMES_CAPACITY_MIN / 2);
  uint64_t last = 0;
  EXPECT_TRUE(eventually([&] {
    while (reader.next(buffer) == RingReader::Next::kEvent) {
      EXPECT_EQ(EventView(buffer.data()).sequence(), ++last);
      rings_->note_drained(0, reader.stream_pos());
    }
    return last == sent;
  })) << last << " of " << sent;
  EXPECT_EQ(emit("full", payload), 0);
}

TEST_F(LibKmes, BlockingSenderWaitsForTheDrain) {
  start();
  open();
  constexpr uint64_t kEvents = 3000;
  uint64_t last = 0;
  drain([&](const EventView& event) { EXPECT_EQ(event.sequence(), ++last); });
  for (uint64_t i = 0; i < kEvents; ++i) ASSERT_EQ(emit("block", binary(1000)), 0);
  EXPECT_TRUE(eventually([&] { return drained_ == kEvents; })) << drained_;
}

TEST_F(LibKmes, WhatWasSentBeforeCloseArrives) {
  start();
  open();
  for (int i = 0; i < 50; ++i) ASSERT_EQ(emit("a", "\x01"), 0);
  kmes_close(client_);
  client_ = nullptr;
  EXPECT_TRUE(eventually([&] { return rings_->emitted_count() == 50; }));
  EXPECT_TRUE(eventually([&] { return socket_->stats().connections_open == 0; }));
}

TEST_F(LibKmes, OpenErrors) {
  EXPECT_EQ(kmes_open(options_.path.c_str(), 0), nullptr);
  EXPECT_EQ(errno, ENOENT);
  EXPECT_EQ(kmes_open(options_.path.c_str(), 0x80), nullptr);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(kmes_open(std::string(200, 'x').c_str(), 0), nullptr);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(kmes_open("/dev/null", 0), nullptr);
  EXPECT_EQ(errno, EPROTO) << "a device, but another one";
  EXPECT_EQ(kmes_open("", 0), nullptr);
  EXPECT_EQ(errno, EINVAL);
  options_.max_connections = 1;
  start();
  open();
  EXPECT_EQ(kmes_open(options_.path.c_str(), 0), nullptr);
  EXPECT_EQ(errno, EUSERS);
  EXPECT_EQ(socket_->stats().connections_refused, 1U);
}

TEST_F(LibKmes, StaleSocketIsReplacedALiveOneIsNot) {
  start();
  auto second = EventSocket::start(*rings_, options_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, sqlstate::kObjectNotInPrerequisiteState);
  socket_.reset();
  // As after a crash: a bound socket nobody listens on.
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, options_.path.c_str());
  const int fd = ::socket(AF_UNIX, SOCK_SEQPACKET, 0);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  close(fd);
  start();
  struct stat info {};
  ASSERT_EQ(stat(options_.path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0660U);
  socket_.reset();
  // Never a file of somebody else's.
  close(::open(options_.path.c_str(), O_CREAT | O_WRONLY, 0600));
  EXPECT_FALSE(EventSocket::start(*rings_, options_).ok());
  unlink(options_.path.c_str());
}

}  // namespace
}  // namespace eventd::kmes
