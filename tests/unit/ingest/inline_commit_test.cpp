// Commits on the session's own thread: only while the writer sleeps, beside everything else it does.
#include <signal.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <thread>

#include "engine/ingest/handoff.h"
#include "engine/stats/registry.h"
#include "tests/unit/ingest/ingest_fixture.h"

namespace eventd::engine {
namespace {

class InlineCommit : public IngestTest {
 protected:
  static uint64_t commits_here() { return stats().counter("ingest.shard.0.commits_here").value(); }
  /// Adds one row and commits it; where is the pipeline's choice.
  Status insert(const std::string& type, EventTransaction::Outcome* outcome = nullptr) {
    auto transaction = begin();
    EXPECT_TRUE(transaction->add(type, payload()).ok());
    CommitWaiter waiter;
    transaction->commit_here(waiter.callback());
    waiter.wait();
    if (outcome != nullptr) *outcome = waiter.outcome();
    return waiter.take();
  }
  /// Until the writer sleeps and lends its place.
  void insert_until_here(const std::string& type) {
    const uint64_t before = commits_here();
    while (commits_here() == before) ASSERT_OK(insert(type));
  }
};

TEST_F(InlineCommit, RunsOnTheCallersThreadWhenTheWriterSleeps) {
  open(1, 1);
  start();
  ASSERT_NO_FATAL_FAILURE(insert_until_here("test.first"));
  const uint64_t before = commits_here();
  while (commits_here() == before) {
    auto transaction = begin();
    ASSERT_OK(transaction->add("test.here", payload()));
    std::thread::id thread;
    std::latch done(1);
    transaction->commit_here([&](Status status, EventTransaction::Outcome outcome) {
      EXPECT_TRUE(status.ok());
      EXPECT_EQ(outcome.cpu_id, 32'768);
      thread = std::this_thread::get_id();
      done.count_down();
    });
    done.wait();
    if (commits_here() != before) { EXPECT_EQ(thread, std::this_thread::get_id()); }
  }
  close();
  EXPECT_EQ(files_.sum("SELECT count(*)-max(sequence) FROM events WHERE cpu_id=32768"), 0);
}

TEST_F(InlineCommit, LargeAndSpilledTransactionsGoToTheWriter) {
  open(1, 1);
  start();
  ASSERT_NO_FATAL_FAILURE(insert_until_here("test.first"));
  const uint64_t before = commits_here();
  const std::string value = "\xda\x40\x01" + std::string(0x4001, 'x');  // str 16
  for (const size_t emit_buffer : {size_t{1} << 20, size_t{1} << 14}) {
    auto transaction = begin(false, emit_buffer);
    for (int i = 0; i < 5; ++i) ASSERT_OK(transaction->add("test.large", as_bytes(value)));
    CommitWaiter waiter;
    transaction->commit_here(waiter.callback());
    ASSERT_OK(waiter.wait());
  }
  EXPECT_EQ(commits_here(), before);
  close();
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='test.large'"), 10);
}

TEST_F(InlineCommit, SessionsRingsAndLargeTransactionsGetAlong) {
  open(1, 2);
  start();
  constexpr int kSessions = 4, kEach = 150, kEvents = 20'000;
  ASSERT_NO_FATAL_FAILURE(insert_until_here("test.first"));
  const auto first_rows = [&] { return files_.sum("SELECT count(*) FROM events WHERE event_type='test.first'"); };
  std::vector<std::thread> threads;
  for (int s = 0; s < kSessions; ++s) {
    threads.emplace_back([this, s] {
      uint64_t last = 0;
      for (int i = 0; i < kEach; ++i) {
        EventTransaction::Outcome outcome;
        ASSERT_OK(insert("test.session" + std::to_string(s), &outcome));
        ASSERT_GT(outcome.first_sequence, last);
        last = outcome.first_sequence;
        // Now and then the writer falls asleep.
        if (i % 16 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
      }
    });
  }
  threads.emplace_back([this] {
    for (int i = 0; i < kEvents / 100; ++i) {
      const std::vector<kmes::EmitEntry> entries(100, {"test.ring", payload()});
      ASSERT_TRUE(rings_->emit_lossless(entries, {}));
      if (i % 8 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  threads.emplace_back([this] {
    for (int i = 0; i < 5; ++i) {
      auto transaction = begin(true, 4096);
      for (int row = 0; row < 1000; ++row) {
        std::latch room(1);
        if (!transaction->ready_for_more([&room] { room.count_down(); })) room.wait();
        ASSERT_OK(transaction->add("test.large", payload()));
      }
      CommitWaiter waiter;
      transaction->commit_here(waiter.callback());
      ASSERT_OK(waiter.wait());
    }
  });
  for (auto& thread : threads) thread.join();
  const int64_t firsts = first_rows();
  close();
  for (int s = 0; s < kSessions; ++s) {
    EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='test.session" +
                         std::to_string(s) + "'"), kEach);
  }
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='test.ring'"), kEvents);
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='test.large'"), 5000);
  EXPECT_EQ(files_.sum("SELECT count(DISTINCT sequence) FROM events WHERE cpu_id=32768"),
            kSessions * kEach + 5000 + firsts);
  EXPECT_EQ(files_.sum("SELECT max(sequence) FROM events WHERE cpu_id=32768"),
            kSessions * kEach + 5000 + firsts);
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='synthetic.gap'"), 0);
}

TEST_F(InlineCommit, AFailureIsTheCallersAndTheWriterGoesOn) {
  open(1, 1);
  start();
  signal(SIGXFSZ, SIG_IGN);
  rlimit unlimited{};
  getrlimit(RLIMIT_FSIZE, &unlimited);
  rlimit full = unlimited;
  full.rlim_cur = 4096;
  for (bool failed_here = false; !failed_here;) {
    ASSERT_NO_FATAL_FAILURE(insert_until_here("test.before"));
    const uint64_t before = commits_here();
    setrlimit(RLIMIT_FSIZE, &full);
    const Status status = insert("test.refused");
    failed_here = commits_here() != before;
    setrlimit(RLIMIT_FSIZE, &unlimited);
    ASSERT_FALSE(status.ok());
    while (!insert("test.after").ok()) std::this_thread::yield();
  }
  close();
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='test.refused'"), 0);
  EXPECT_GE(files_.sum("SELECT count(*) FROM events WHERE event_type='test.after'"), 1);
  // Sequences of refused rows are given out again.
  EXPECT_EQ(files_.sum("SELECT count(*)-max(sequence) FROM events WHERE cpu_id=32768"), 0);
}

TEST_F(InlineCommit, AfterStopTheClientIsTold) {
  open(1, 1);
  start();
  auto transaction = begin();
  ASSERT_OK(transaction->add("test.late", payload()));
  ingest_->stop();
  CommitWaiter waiter;
  transaction->commit_here(waiter.callback());
  ASSERT_FALSE(waiter.wait().ok());
  EXPECT_EQ(waiter.wait().error().code.text(), "57P01");
}

TEST(HandoffBorrow, OneAtATimeAndTheWriterWaitsForIt) {
  Handoff handoff(10);
  EXPECT_FALSE(handoff.try_borrow());  // nobody sleeps
  constexpr int kThreads = 4, kEach = 2000;
  constexpr int64_t kShortNs = 20'000;  // the writer's sleep also ends while its place is lent
  std::atomic<int> owners{0};
  int64_t turns = 0;  // the owner's: a race shows under TSan
  const auto own = [&] {
    EXPECT_EQ(owners.fetch_add(1), 0);
    ++turns;
    std::this_thread::yield();
    owners.fetch_sub(1);
  };
  int64_t expected = 0;
  std::thread writer([&] {
    Handoff::Contents contents;
    for (int taken = 0; taken < kThreads * kEach; ++expected) {
      ASSERT_TRUE(handoff.take(contents, kShortNs, true));
      own();
      taken += static_cast<int>(contents.items.size());
      contents.clear();
    }
  });
  std::atomic<int64_t> borrowed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        if (handoff.try_borrow()) {
          own();
          borrowed.fetch_add(1);
          handoff.end_borrow(i % 5 == 0);
        }
        ASSERT_TRUE(handoff.post(Fence{}));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  writer.join();
  EXPECT_EQ(turns, expected + borrowed.load());
  handoff.close();
  EXPECT_FALSE(handoff.try_borrow());
}

}  // namespace
}  // namespace eventd::engine
