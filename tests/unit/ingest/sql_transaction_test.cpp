// SQL transactions: atomic, grouped, staged, rolled back.
#include <algorithm>
#include <latch>
#include <thread>

#include "engine/storage/pending_events.h"
#include "tests/unit/ingest/ingest_fixture.h"

namespace eventd::engine {
namespace {

using SqlTransactions = IngestTest;

TEST_F(SqlTransactions, RowsAreStampedAndNumberedInOrder) {
  open(2, 1);
  start();
  auto transaction = begin();
  for (int i = 0; i < 3; ++i) ASSERT_OK(transaction->add("test.row" + std::to_string(i), payload()));
  EXPECT_EQ(transaction->row_count(), 3u);
  CommitWaiter waiter;
  transaction->submit(waiter.callback());
  ASSERT_OK(waiter.wait());
  EXPECT_EQ(waiter.outcome().cpu_id, 32'768);
  EXPECT_EQ(waiter.outcome().first_sequence, 1u);
  transaction.reset();
  EXPECT_EQ(waiter.calls(), 1);
  close();
  const auto rows = files_.rows("SELECT event_type,sequence,cpu_id,origin_class,timestamp,"
                                "hex(process_guid),hex(boot_id) FROM events "
                                "WHERE event_type GLOB 'test.*' ORDER BY id");
  ASSERT_EQ(rows.size(), 3u);
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i], (std::vector<std::string>{
                           "test.row" + std::to_string(i), std::to_string(i + 1), "32768", "0",
                           "1700000000000000000", "07000000000000000000000000000000",
                           "0102030405060708090A0B0C0D0E0F10"}));
  }
}

TEST_F(SqlTransactions, StampsApplyToTheRowsAddedAfterwards) {
  open(1, 1);
  start();
  auto transaction = begin();
  EventTransaction::Stamp stamp;
  stamp.timestamp_ns = 1;
  transaction->set_stamp(stamp);
  ASSERT_OK(transaction->add("test.a", payload()));
  stamp.timestamp_ns = 2;
  transaction->set_stamp(stamp);
  ASSERT_OK(transaction->add("test.b", payload()));
  ASSERT_OK(transaction->add("test.c", {}));
  CommitWaiter waiter;
  transaction->submit(waiter.callback());
  ASSERT_OK(waiter.wait());
  close();
  EXPECT_EQ(files_.rows("SELECT event_type,timestamp,payload IS NULL FROM events WHERE event_type "
                        "GLOB 'test.*' ORDER BY id"),
            (std::vector<std::vector<std::string>>{
                {"test.a", "1", "0"}, {"test.b", "2", "0"}, {"test.c", "2", "1"}}));
}

TEST_F(SqlTransactions, WhatIsNotSubmittedLeavesNothing) {
  open(1, 1);
  start();
  {
    auto small = begin();
    ASSERT_OK(small->add("test.gone", payload()));
    auto spilled = begin(true, 1000);
    for (int i = 0; i < 10'000; ++i) ASSERT_OK(spilled->add("test.gone", payload()));
    EXPECT_TRUE(spilled->spilled());
  }
  auto next = begin();
  ASSERT_OK(next->add("test.kept", payload()));
  CommitWaiter waiter;
  next->submit(waiter.callback());
  ASSERT_OK(waiter.wait());
  close();
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='test.gone'"), 0);
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='test.kept'"), 1);
  // Only the eight tails are left.
  EXPECT_EQ(files_.sum("SELECT count(*) FROM sqlite_master WHERE type='table' AND name GLOB 'events_[0-9]*'"), 8);
}

TEST_F(SqlTransactions, AnEmptyTransactionIsDurableAtOnce) {
  open(1, 1);
  start();
  CommitWaiter waiter;
  begin()->submit(waiter.callback());
  ASSERT_OK(waiter.wait());
}

TEST_F(SqlTransactions, WithoutACallbackRowsAreStoredToo) {
  open(1, 1);
  start();
  auto transaction = begin();
  ASSERT_OK(transaction->add("test.async", payload()));
  transaction->submit(nullptr);
  transaction.reset();
  close();
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='test.async'"), 1);
}

TEST_F(SqlTransactions, TruncateForgetsTheRowsAfterASavepoint) {
  open(1, 1);
  start();
  auto transaction = begin();
  for (int i = 0; i < 1000; ++i) ASSERT_OK(transaction->add("test.before", payload()));
  for (int i = 0; i < 1000; ++i) ASSERT_OK(transaction->add("test.after", payload()));
  ASSERT_EQ(transaction->pending()->size(), 2000u);
  ASSERT_OK(transaction->truncate(1000));
  EXPECT_EQ(transaction->row_count(), 1000u);
  ASSERT_OK(transaction->add("test.again", payload()));
  const auto pending = transaction->pending();
  ASSERT_EQ(pending->size(), 1001u);
  EXPECT_EQ(pending->all()[999]->event_type, "test.before");
  EXPECT_EQ(pending->all()[1000]->event_type, "test.again");
  CommitWaiter waiter;
  transaction->submit(waiter.callback());
  ASSERT_OK(waiter.wait());
  close();
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='test.before'"), 1000);
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='test.after'"), 0);
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='test.again' AND sequence=1001"), 1);
}

TEST_F(SqlTransactions, APendingSnapshotDoesNotGrow) {
  open(1, 1);
  start();
  auto transaction = begin();
  EXPECT_EQ(transaction->pending(), nullptr);
  ASSERT_OK(transaction->add("test.one", payload()));
  const auto one = transaction->pending();
  ASSERT_OK(transaction->add("test.two", payload()));
  const auto two = transaction->pending();
  EXPECT_EQ(one->size(), 1u);
  EXPECT_EQ(two->size(), 2u);
  EXPECT_EQ(two->all()[0]->event_type, "test.one");
  EXPECT_EQ(two->all()[1]->event_type, "test.two");
  EXPECT_EQ(two->all()[1]->payload, as_text(payload()));
}

TEST_F(SqlTransactions, PastTheSpoolLimitIsAnError) {
  open(1, 1);
  start();
  auto transaction = ingest_->begin_transaction(true, 1000, 5000);
  Status status;
  for (int i = 0; i < 1000 && status.ok(); ++i) status = transaction->add("test.spool", payload());
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code.text(), "53400");
}

TEST_F(SqlTransactions, ALargeOneIsInvisibleUntilItsCommitAndWholeAfterwards) {
  open(1, 1);
  start();
  constexpr int64_t kRows = 200'000;
  const std::string filler(100, 'x');
  std::string value = "\xd9\x64" + filler;  // str 8
  auto transaction = begin(true, 1 << 20);
  for (int64_t i = 0; i < kRows; ++i) {
    std::latch room(1);
    if (!transaction->ready_for_more([&room] { room.count_down(); })) room.wait();
    ASSERT_OK(transaction->add("test.large", as_bytes(value)));
    if (i == kRows / 2) {
      EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='test.large'"), 0);
      // Others commit meanwhile.
      auto other = begin();
      ASSERT_OK(other->add("test.other", payload()));
      CommitWaiter waiter;
      other->submit(waiter.callback());
      ASSERT_OK(waiter.wait());
      EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='test.other'"), 1);
    }
  }
  EXPECT_TRUE(transaction->spilled());
  EXPECT_EQ(transaction->row_count(), static_cast<uint64_t>(kRows));
  const auto back = transaction->truncate(10);
  ASSERT_FALSE(back.ok());
  EXPECT_EQ(back.error().code.text(), "0A000");
  CommitWaiter waiter;
  transaction->submit(waiter.callback());
  ASSERT_OK(waiter.wait());
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='test.large'"), kRows);
  close();
  EXPECT_EQ(files_.sum("SELECT count(*) FROM (SELECT DISTINCT sequence FROM events WHERE event_type='test.large')"), kRows);
  // In order of the sequences, which are all covered.
  EXPECT_EQ(files_.sum("SELECT count(*) FROM (SELECT sequence<=lag(sequence) OVER (ORDER BY id) AS back "
                       "FROM events WHERE event_type='test.large') WHERE back"), 0);
  EXPECT_EQ(files_.rows("SELECT first,last FROM receipts WHERE cpu_id=32768"),
            (std::vector<std::vector<std::string>>{{"1", std::to_string(kRows + 1)}}));
}

TEST_F(SqlTransactions, ManySessionsShareCommits) {
  open(1, 1);
  start();
  constexpr int kSessions = 16, kEach = 100;
  std::vector<std::thread> sessions;
  for (int s = 0; s < kSessions; ++s) {
    sessions.emplace_back([this, s] {
      for (int i = 0; i < kEach; ++i) {
        auto transaction = begin();
        for (int row = 0; row <= s % 3; ++row)
          ASSERT_OK(transaction->add("test.session" + std::to_string(s), payload()));
        CommitWaiter waiter;
        transaction->submit(waiter.callback());
        ASSERT_OK(waiter.wait());
        EXPECT_NE(waiter.outcome().first_sequence, 0u);
      }
    });
  }
  for (auto& session : sessions) session.join();
  close();
  for (int s = 0; s < kSessions; ++s) {
    EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='test.session" +
                         std::to_string(s) + "'"), kEach * (s % 3 + 1));
  }
  EXPECT_EQ(files_.sum("SELECT count(*)-max(sequence) FROM events WHERE cpu_id=32768"), 0);
}

TEST_F(SqlTransactions, AfterStopTheClientIsTold) {
  open(1, 1);
  start();
  auto transaction = begin();
  ASSERT_OK(transaction->add("test.late", payload()));
  ingest_->stop();
  CommitWaiter waiter;
  transaction->submit(waiter.callback());
  ASSERT_FALSE(waiter.wait().ok());
  EXPECT_EQ(waiter.wait().error().code.text(), "57P01");
}

}  // namespace
}  // namespace eventd::engine
