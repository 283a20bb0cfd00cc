// A commit that fails: the disk is full, as RLIMIT_FSIZE makes it for this process.
#include <signal.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "engine/stats/registry.h"
#include "tests/unit/ingest/ingest_fixture.h"

namespace eventd::engine {
namespace {

/// While it lives, no file can be written past `bytes`.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

class StorageFailure : public IngestTest {
 protected:
  void emit(const char* type, int count) {
    const std::vector<kmes::EmitEntry> entries(static_cast<size_t>(count), {type, payload()});
    ASSERT_TRUE(rings_->emit_lossless(entries, {}));
  }
  Status insert(const char* type) {
    auto transaction = begin();
    EXPECT_TRUE(transaction->add(type, payload()).ok());
    CommitWaiter waiter;
    transaction->submit(waiter.callback());
    waiter.wait();
    return waiter.take();
  }
  static uint64_t failures() { return stats().counter("ingest.shard.0.commit_failures").value(); }
};

TEST_F(StorageFailure, LostEventsBecomeAGapAndClientsAreTold) {
  open(1, 1);
  start();
  emit("test.before", 10);
  ASSERT_OK(insert("test.acknowledged"));
  // synthetic.startup, ten from the ring, one by SQL.
  while (shards_->shard(0).committed_rows() < 12) std::this_thread::yield();
  const uint64_t failures_before = failures();
  {
    const FileSizeLimit full(4096);
    const Status status = insert("test.refused");
    ASSERT_FALSE(status.ok());
    EXPECT_TRUE(status.error().code.text() == "53100" || status.error().code.text() == "58030")
        << status.error().code.text() << status.error().message;
    // The writer goes on: the next client is told too, and the rings' events are tried.
    ASSERT_FALSE(insert("test.refused").ok());
    emit("test.lost", 7);
    while (failures() < failures_before + 4) std::this_thread::yield();
  }
  emit("test.after", 10);
  Status status = insert("test.acknowledged");
  for (int i = 0; i < 1000 && !status.ok(); ++i) status = insert("test.acknowledged");
  ASSERT_OK(status);
  close();
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='test.refused'"), 0);
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='test.acknowledged'"), 2);
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='test.before'"), 10);
  const int64_t stored = files_.sum("SELECT count(*) FROM events WHERE cpu_id=0 AND sequence IS NOT NULL");
  const int64_t gaps = files_.sum("SELECT count(*) FROM events WHERE event_type='synthetic.gap' AND cpu_id=0");
  // All 27 are accounted for: stored or told as missing.
  EXPECT_EQ(files_.rows("SELECT first,last FROM receipts WHERE cpu_id=0"),
            (std::vector<std::vector<std::string>>{{"1", "27"}}));
  EXPECT_LT(stored, 27);
  EXPECT_GE(gaps, 1);
  // The sequences of refused SQL rows were given out again.
  EXPECT_EQ(files_.rows("SELECT first,last FROM receipts WHERE cpu_id=32768"),
            (std::vector<std::vector<std::string>>{{"1", "2"}}));
}

TEST_F(StorageFailure, AStagedTransactionFailsWhole) {
  open(1, 1);
  start();
  auto transaction = begin(true, 64 << 10);
  CommitWaiter waiter;
  {
    const FileSizeLimit full(4096);
    for (int i = 0; i < 20'000; ++i) ASSERT_OK(transaction->add("test.staged", payload()));
    transaction->submit(waiter.callback());
    ASSERT_FALSE(waiter.wait().ok());
  }
  transaction.reset();
  Status status = insert("test.next");
  for (int i = 0; i < 1000 && !status.ok(); ++i) status = insert("test.next");
  ASSERT_OK(status);
  // The staged table goes, at once or when there is space again, without a restart.
  for (int i = 0; i < 1000 && files_.sum("SELECT count(*) FROM tails WHERE state=0") != 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(files_.sum("SELECT count(*) FROM tails WHERE state=0"), 0);
  close();
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='test.staged'"), 0);
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='test.next'"), 1);
}

TEST_F(StorageFailure, StoppingWhileTheDiskIsFullEnds) {
  open(1, 1);
  start();
  const FileSizeLimit full(4096);
  ASSERT_FALSE(insert("test.never").ok());
  // More than the handoff takes: the drain thread waits for room that will not come.
  const std::vector<kmes::EmitEntry> entries(200, {"test.never", payload()});
  for (int i = 0; i < 500; ++i) rings_->emit(entries, {});
  ingest_->stop();
}

TEST_F(StorageFailure, AFullShardAsksForRetentionAndTellsAnotherOncePerEpisode) {
  std::atomic<int> storage_full{0};
  options_.on_storage_full = [&] { ++storage_full; };
  open(2, 1);
  start();
  const auto insert_until = [&](bool succeeds) {
    for (int i = 0; i < 1'000; ++i) {
      // Large enough that a page more is needed soon.
      auto transaction = begin();
      const std::string large = "\xda\x40\x01" + std::string(16'385, 'x');  // str 16
      EXPECT_TRUE(transaction->add("test.large", as_bytes(large)).ok());
      CommitWaiter waiter;
      transaction->submit(waiter.callback());
      if (waiter.wait().ok() == succeeds) return waiter.take();
    }
    ADD_FAILURE() << "no " << (succeeds ? "success" : "failure");
    return Status();
  };
  for (int episode = 1; episode <= 2; ++episode) {
    ASSERT_OK(on_writer(0, [](Shard& shard) { return shard.limit_pages_for_test(1); }));
    const uint64_t failures_before = failures();
    for (int i = 0; i < 5; ++i) {
      const Status status = insert_until(false);
      ASSERT_FALSE(status.ok());
      EXPECT_EQ(status.error().code.text(), "53100");
    }
    EXPECT_GE(failures() - failures_before, 5u);
    EXPECT_GE(storage_full, episode);
    std::string state;
    ingest_->describe(state);
    EXPECT_NE(state.find("shard 0: commits fail"), std::string::npos) << state;
    EXPECT_NE(state.find("last failure at "), std::string::npos) << state;
    // Maintenance runs while commits fail: it may be what makes room.
    ASSERT_OK(on_writer(0, [](Shard& shard) { return shard.limit_pages_for_test(1 << 30); }));
    ASSERT_OK(insert_until(true));
  }
  close();
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='synthetic.storage_error'"), 2);
  Accounts(files_).expect_complete(0, 0);
}

TEST_F(StorageFailure, ASurvivingShardHasTheStorageError) {
  open(3, 1);
  start();
  ASSERT_OK(on_writer(1, [](Shard& shard) { return shard.limit_pages_for_test(1); }));
  const std::string large = "\xda\x40\x01" + std::string(16'385, 'x');
  const std::vector<kmes::EmitEntry> entries(20, {"test.striped", as_bytes(large)});
  const Counter& failed = stats().counter("ingest.shard.1.commit_failures");
  const uint64_t before = failed.value();
  // The other two shards of the ring go on; the failing one's stripes are lost or wait.
  // On a busy machine the writers come late.
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (failed.value() == before && std::chrono::steady_clock::now() < end) {
    rings_->emit(entries, {});
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  ASSERT_NE(failed.value(), before);
  ASSERT_OK(on_writer(1, [](Shard& shard) { return shard.limit_pages_for_test(1 << 30); }));
  const uint64_t last = rings_->last_sequence(0);
  close();
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='synthetic.storage_error'"), 1);
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='synthetic.shutdown'"), 1);
  Accounts accounts(files_);
  accounts.expect_complete(0, last);
  EXPECT_FALSE(accounts.missing(0).empty());
}

}  // namespace
}  // namespace eventd::engine
