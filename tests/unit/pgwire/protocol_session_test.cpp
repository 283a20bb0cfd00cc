// The state machine over bytes, with a fake engine: waiting, back pressure, errors, loss.
#include "pgwire/protocol_session.h"

#include <gtest/gtest.h>

#include "fake_backend.h"

namespace eventd::pgwire {
namespace {

class Host final : public ConnectionHost {
 public:
  engine::Wake make_wake(uint64_t ticket) override {
    return [this, ticket] { posted.push_back(ticket); };
  }
  engine::Wake make_completion(uint64_t ticket) override { return make_wake(ticket); }
  engine::Wake make_cancel_wake() override {
    return [this] { ++cancels; };
  }
  std::vector<uint64_t> posted;
  int cancels = 0;
};

std::string message(char type, std::string_view body) {
  std::string out(1, type);
  append_be(out, static_cast<uint32_t>(body.size() + 4));
  return out.append(body);
}
std::string z(std::string_view text) { return std::string(text) + '\0'; }
std::string query(std::string_view text) { return message('Q', z(text)); }

class ProtocolSessionTest : public testing::Test {
 protected:
  ProtocolSessionTest() : session(backend, host, unix_peer(), false) {}
  static Peer unix_peer() {
    Peer peer;
    peer.unix_socket = true;
    return peer;
  }
  void feed(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto room = session.input().prepare();
      const size_t count = std::min(room.size(), bytes.size());
      std::memcpy(room.data(), bytes.data(), count);
      session.input().commit(count);
      bytes.remove_prefix(count);
    }
    session.run();
  }
  /// Message types in the output, which is taken.
  std::string types() {
    std::string out;
    std::string_view left = session.output();
    while (left.size() >= 5) {
      out.push_back(left[0]);
      left.remove_prefix(1 + load_be<uint32_t>(left.data() + 1));
    }
    session.output().clear();
    return out;
  }
  void log_in() {
    std::string body;
    append_be(body, kProtocolVersion30);
    body += z("user") + z("user") + z("database") + z("db") + '\0';
    std::string packet;
    append_be(packet, static_cast<uint32_t>(body.size() + 4));
    feed(packet + body);
    ASSERT_EQ(types(), "R" + std::string(13, 'S') + "KZ");
  }
  void run_posted() {
    for (const uint64_t ticket : std::exchange(host.posted, {})) session.resume(ticket);
    session.run();
  }

  FakeBackend backend;
  Host host;
  ProtocolSession session;
};

TEST_F(ProtocolSessionTest, SimpleQueryAnswersInOrder) {
  log_in();
  feed(query("rows 3"));
  EXPECT_EQ(types(), "TDDDCZ");
}

TEST_F(ProtocolSessionTest, BytesMayArriveOneByOne) {
  log_in();
  for (const char c : query("rows 1")) feed({&c, 1});
  EXPECT_EQ(types(), "TDCZ");
}

TEST_F(ProtocolSessionTest, WaitsForWakeAndGoesOn) {
  log_in();
  feed(query("rows 150 wait"));
  EXPECT_EQ(types(), "T");
  ASSERT_EQ(backend.session->wakes.size(), 1u);
  backend.session->wakes.front()();
  run_posted();
  EXPECT_EQ(types(), std::string(100, 'D'));
}

TEST_F(ProtocolSessionTest, StaleWakeIsIgnored) {
  log_in();
  feed(query("rows 1"));  // its wakes were never needed; one may still be called
  feed(query("rows 150 wait"));
  types();
  session.resume(1);
  session.run();
  EXPECT_EQ(types(), "");
}

TEST_F(ProtocolSessionTest, CancelEndsAWait) {
  log_in();
  feed(query("rows 150 wait"));
  EXPECT_EQ(types(), "T");
  backend.session->cancel_token().cancel(engine::CancelToken::Reason::kUserRequest);
  backend.session->cancel_wake();
  ASSERT_EQ(host.cancels, 1);
  session.cancel_requested();
  session.run();
  EXPECT_EQ(types(), "EZ");
}

TEST_F(ProtocolSessionTest, StatementTimeoutEndsAWaitOnce) {
  log_in();
  backend.session->deadline = 1000;
  feed(query("rows 150 wait"));
  EXPECT_EQ(session.next_deadline_ns(), 1000);
  session.check_time(999);
  EXPECT_TRUE(host.posted.empty());
  EXPECT_EQ(session.next_deadline_ns(), 1000);
  session.check_time(1000);
  session.run();
  EXPECT_EQ(types(), "T" + std::string(100, 'D'));  // the portal was asked again
  EXPECT_EQ(session.next_deadline_ns(), ProtocolSession::kNever);  // and isn't over and over
}

TEST_F(ProtocolSessionTest, CancelEndsACopyWhoseClientIsSilent) {
  log_in();
  feed(query("copy in"));
  EXPECT_EQ(types(), "G");
  EXPECT_EQ(backend.session->pauses, 1);  // waiting for the client is not the statement's time
  feed(message('d', "row"));
  EXPECT_EQ(backend.session->pauses, 1);
  backend.session->cancel_token().cancel(engine::CancelToken::Reason::kUserRequest);
  session.cancel_requested();
  session.run();
  EXPECT_EQ(types(), "EZ");
  EXPECT_EQ(backend.session->pauses, 0);
  backend.session->cancel_token().reset();
  feed(message('d', "row") + message('c', "") + query("rows 1"));
  EXPECT_EQ(types(), "TDCZ");
}

TEST_F(ProtocolSessionTest, IdleSessionsEnd) {
  log_in();
  EXPECT_EQ(session.next_deadline_ns(), ProtocolSession::kNever);
  ASSERT_TRUE(backend.session->settings().set("idle_session_timeout", "1s", false, true).ok());
  feed(query("rows 1"));
  EXPECT_EQ(types(), "TDCZ");
  const int64_t due = session.next_deadline_ns();
  ASSERT_NE(due, ProtocolSession::kNever);
  session.check_time(due - 1);
  EXPECT_FALSE(session.finished());
  feed(query("begin"));  // in a transaction the other timeout counts, and that is off
  EXPECT_EQ(types(), "CZ");
  EXPECT_EQ(session.next_deadline_ns(), ProtocolSession::kNever);
  feed(query("commit"));
  EXPECT_EQ(types(), "CZ");
  session.check_time(session.next_deadline_ns());
  EXPECT_TRUE(session.finished());
  EXPECT_NE(session.output().find("57P05"), std::string::npos);
}

TEST_F(ProtocolSessionTest, TagComesAfterTheCommit) {
  log_in();
  backend.session->commit_waits = true;
  feed(query("insert"));
  EXPECT_EQ(types(), "");
  backend.session->wakes.front()();
  run_posted();
  EXPECT_EQ(types(), "CZ");
}

TEST_F(ProtocolSessionTest, FailedCommitReplacesTheTag) {
  log_in();
  backend.session->fail_commit = true;
  feed(query("insert"));
  EXPECT_EQ(types(), "EZ");
}

TEST_F(ProtocolSessionTest, PoolStepIsBoundedAndWaitsForTheSocket) {
  log_in();
  feed(query("rows 30000 pool"));
  ASSERT_EQ(backend.session->pool.size(), 1u);
  backend.session->pool.front()();
  backend.session->pool.pop_front();
  run_posted();
  EXPECT_GE(session.output().size(), kOutputBytesHigh);
  EXPECT_LT(session.output().size(), kOutputBytesHigh + 16 * 1024);
  EXPECT_TRUE(backend.session->pool.empty()) << "no step while the last one's bytes are unsent";
  EXPECT_TRUE(session.waits_for_output());
  types();  // taken for sending
  session.run();
  EXPECT_EQ(backend.session->pool.size(), 1u) << "the next step runs while the first is sent";
}

TEST_F(ProtocolSessionTest, WakeBeforeCompletionIsNotLost) {
  log_in();
  feed(query("rows 10 wait pool"));
  backend.session->pool.front()();
  backend.session->pool.pop_front();
  backend.session->wakes.front()();
  std::swap(host.posted.front(), host.posted.back());  // the wake is posted first
  run_posted();
  EXPECT_EQ(backend.session->pool.size(), 1u);
}

TEST_F(ProtocolSessionTest, LostConnectionWaitsForThePool) {
  log_in();
  feed(query("rows 10 pool"));
  session.connection_lost();
  EXPECT_TRUE(backend.session->cancel_token().cancelled());
  EXPECT_FALSE(session.can_destroy());
  backend.session->pool.front()();
  run_posted();
  EXPECT_TRUE(session.can_destroy());
  EXPECT_TRUE(session.finished());
}

TEST_F(ProtocolSessionTest, LargeResultStopsAtTheBound) {
  log_in();
  feed(query("rows 30000"));
  EXPECT_TRUE(session.waits_for_output());
  size_t rows = 0;
  while (session.waits_for_output()) {
    EXPECT_LT(session.output().size(), kOutputBytesHigh + 1024);
    for (const char type : types()) rows += type == 'D' ? 1 : 0;
    session.run();
  }
  for (const char type : types()) rows += type == 'D' ? 1 : 0;
  EXPECT_EQ(rows, 30000u);
}

TEST_F(ProtocolSessionTest, InputIsBoundedWhileAStatementRuns) {
  log_in();
  feed(query("rows 10 pool"));
  EXPECT_TRUE(session.wants_input());
  for (int i = 0; i < 100; ++i) feed(query(std::string(1000, ' ')));
  EXPECT_FALSE(session.wants_input());
}

TEST_F(ProtocolSessionTest, ErrorSkipsToSync) {
  log_in();
  feed(message('P', z("") + z("broken") + std::string(2, '\0')) + query("rows 1") + message('S', ""));
  EXPECT_EQ(types(), "EZ");
}

TEST_F(ProtocolSessionTest, CopyInTakesDataInBothWays) {
  log_in();
  feed(query("copy in") + message('d', "abc") + message('d', "de") + message('c', ""));
  EXPECT_EQ(types(), "GCZ");
  feed(query("copy in") + message('d', "bad") + message('d', "more") + message('c', ""));
  EXPECT_EQ(types(), "GEZ");
  feed(query("copy in") + message('f', z("no")));
  EXPECT_EQ(types(), "GEZ");
}

TEST_F(ProtocolSessionTest, ShutdownEndsIdleSessionsAtOnceAndBusyOnesAfter) {
  log_in();
  feed(query("rows 10 pool"));
  session.shut_down();
  EXPECT_FALSE(session.finished());
  backend.session->pool.front()();
  run_posted();
  EXPECT_EQ(types(), "T" + std::string(10, 'D') + "CZE");
  EXPECT_TRUE(session.finished());
}

TEST_F(ProtocolSessionTest, NoSlotIsTooManyConnections) {
  backend.slots = 0;
  std::string body;
  append_be(body, kProtocolVersion30);
  body += z("user") + z("user") + z("database") + z("db") + '\0';
  std::string packet;
  append_be(packet, static_cast<uint32_t>(body.size() + 4));
  feed(packet + body);
  EXPECT_NE(session.output().find("53300"), std::string::npos);
  EXPECT_TRUE(session.finished());
}

TEST_F(ProtocolSessionTest, CancelRequestGetsNoAnswer) {
  std::string packet;
  append_be(packet, uint32_t{16});
  append_be(packet, kCancelRequestCode);
  append_be(packet, uint32_t{4711});
  append_be(packet, uint32_t{99});
  feed(packet);
  EXPECT_TRUE(session.finished());
  EXPECT_TRUE(session.output().empty());
  ASSERT_EQ(backend.cancelled.size(), 1u);
  EXPECT_EQ(backend.cancelled[0], (std::pair<int32_t, int32_t>(4711, 99)));
}

}  // namespace
}  // namespace eventd::pgwire
