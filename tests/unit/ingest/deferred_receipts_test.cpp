// Commits of SQL rows only leave the receipts for later; whatever ends the server, the next one knows
// all sequences.
#include <filesystem>
#include <string>

#include "engine/limits.h"
#include "engine/storage/receipts.h"
#include "tests/unit/ingest/ingest_fixture.h"

namespace eventd::engine {
namespace {

class DeferredReceipts : public IngestTest {
 protected:
  uint64_t insert(int rows = 1, bool bulk = false, size_t emit_buffer = kEmitBuffer) {
    auto transaction = begin(bulk, emit_buffer);
    for (int i = 0; i < rows; ++i) EXPECT_TRUE(transaction->add("test.row", payload()).ok());
    CommitWaiter waiter;
    transaction->submit(waiter.callback());
    EXPECT_TRUE(waiter.wait().ok());
    return waiter.outcome().first_sequence;
  }
  int64_t receipts_through() const {
    return files_.sum("SELECT coalesce(max(last),0) FROM receipts WHERE cpu_id=32768");
  }
  /// Inserts single rows until the receipts lag behind; the number of rows.
  int64_t insert_until_deferred() {
    for (int64_t rows = 1; rows <= 100; ++rows) {
      insert();
      if (receipts_through() < rows) return rows;
    }
    ADD_FAILURE() << "every commit writes receipts";
    return 100;
  }
  /// As the files would be after a kill -9 now. Ends this server and opens the next one on them.
  void crash(uint32_t shard_count = 1) {
    TemporaryDirectory image;
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
      if (entry.path().extension() != ".db-shm") std::filesystem::copy(entry.path(), image.path());
    }
    close();
    std::filesystem::remove_all(directory_.path());
    std::filesystem::copy(image.path(), directory_.path());
    open(shard_count, 1);
    start();
  }
  void expect_whole() {
    EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='synthetic.gap'"), 0);
    EXPECT_EQ(files_.sum("SELECT count(*)-count(DISTINCT sequence) FROM events WHERE cpu_id=32768"), 0);
    EXPECT_EQ(files_.sum("SELECT count(*)-max(sequence) FROM events WHERE cpu_id=32768"), 0);
  }
};

TEST_F(DeferredReceipts, ACrashRepeatsNoSequenceAndMissesNone) {
  open(1, 1);
  start();
  int64_t rows = insert_until_deferred();
  for (int crashes = 0; crashes < 3; ++crashes) {
    ASSERT_NO_FATAL_FAILURE(crash());
    // What the rows alone told is written down before other rows hide it.
    EXPECT_EQ(receipts_through(), rows);
    EXPECT_EQ(insert(), static_cast<uint64_t>(++rows));
    for (int i = 0; i < 3; ++i, ++rows) insert();
  }
  close();
  expect_whole();
  EXPECT_EQ(receipts_through(), rows);
}

TEST_F(DeferredReceipts, SettledByARingCommitByManyRowsAndAtTheEnd) {
  open(1, 1);
  start();
  int64_t rows = insert_until_deferred();
  const std::vector<kmes::EmitEntry> event(1, {"test.ring", payload()});
  const uint64_t before = shards_->shard(0).committed_rows();
  ASSERT_TRUE(rings_->emit_lossless(event, {}));
  while (shards_->shard(0).committed_rows() == before) std::this_thread::yield();
  EXPECT_EQ(receipts_through(), rows);
  insert(static_cast<int>(kDeferredReceiptRowsMax) + 1);
  rows += kDeferredReceiptRowsMax + 1;
  EXPECT_EQ(receipts_through(), rows);
  for (int i = 0; i < 3; ++i, ++rows) insert();
  close();
  EXPECT_EQ(receipts_through(), rows);
  expect_whole();
}

TEST_F(DeferredReceipts, ManyRowsInSmallCommitsStayWithinWhatIsLookedAt) {
  open(1, 1);
  start();
  constexpr int kRows = 3000;
  for (int rows = 0; rows < kRows; rows += 100) {
    insert(100);
    ASSERT_GE(receipts_through() + int64_t{kDeferredReceiptRowsMax}, rows + 100);
  }
  ASSERT_NO_FATAL_FAILURE(crash());
  EXPECT_EQ(insert(), uint64_t{kRows + 1});
  close();
  expect_whole();
}

TEST_F(DeferredReceipts, APublishedTailBetweenThemIsNoMatter) {
  open(1, 1);
  start();
  insert_until_deferred();
  auto large = begin(true, 1024);
  for (int i = 0; i < 2000; ++i) ASSERT_OK(large->add("test.large", payload()));
  insert();
  insert();
  CommitWaiter waiter;
  large->submit(waiter.callback());
  ASSERT_OK(waiter.wait());
  insert();
  insert();
  const int64_t last = files_.sum("SELECT max(sequence) FROM events WHERE cpu_id=32768");
  ASSERT_NO_FATAL_FAILURE(crash());
  EXPECT_EQ(insert(), static_cast<uint64_t>(last + 1));
  close();
  expect_whole();
}

TEST_F(DeferredReceipts, AFileNobodyWritesAnyMoreStillTells) {
  open(2, 1);
  start();
  // Bulk rows go to the last shard.
  for (int i = 0; i < 5; ++i) insert(1, true);
  const auto rows_of = [&](int cpu) {
    return files_.sum("SELECT count(*) FROM events WHERE cpu_id=" + std::to_string(cpu));
  };
  ASSERT_EQ(rows_of(32'769), 5);
  ASSERT_NO_FATAL_FAILURE(crash(1));
  insert();
  ASSERT_NO_FATAL_FAILURE(crash(2));
  EXPECT_EQ(insert(1, true), 6u);
  close();
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='synthetic.gap'"), 0);
  EXPECT_EQ(rows_of(32'769), 6);
}

}  // namespace
}  // namespace eventd::engine
