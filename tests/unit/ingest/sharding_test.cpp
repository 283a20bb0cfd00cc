// Every ratio of shards to rings, over restarts: each sequence stored once or told as missing.
#include <pthread.h>

#include <thread>

#include "engine/ingest/drain_thread.h"
#include "engine/ingest/resume.h"
#include "engine/stats/registry.h"
#include "tests/unit/ingest/ingest_fixture.h"

namespace eventd::engine {
namespace {

class Sharding : public IngestTest {
 protected:
  /// Emits from both CPUs and waits; what each ring has then numbered.
  void emit(int count) {
    std::vector<std::thread> emitters;
    for (unsigned i = 0; i < 2; ++i) {
      emitters.emplace_back([this, i, count] {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(i, &set);
        pthread_setaffinity_np(pthread_self(), sizeof set, &set);
        const std::vector<kmes::EmitEntry> entries(20, {"test.sharded", payload()});
        for (int sent = 0; sent < count; sent += 20) ASSERT_TRUE(rings_->emit_lossless(entries, {}));
      });
    }
    for (auto& emitter : emitters) emitter.join();
    last_.clear();
    for (uint16_t cpu = 0; cpu < rings_->ring_count(); ++cpu) last_.push_back(rings_->last_sequence(cpu));
  }
  /// `sql` on one file.
  void execute(uint32_t shard, const std::string& sql) {
    sqlite3* db = nullptr;
    const std::string path = directory_.path() + "/shard-000" + std::to_string(shard) + ".db";
    ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  }
  /// Parts of startup payloads: "restart"/"clean": true.
  int64_t startups(const char* with) {
    return files_.sum("SELECT count(*) FROM events WHERE event_type='synthetic.startup' AND "
                      "instr(payload,x'" + std::string(with) + "')");
  }
  static constexpr const char* kRestart = "a772657374617274c3";
  static constexpr const char* kClean = "a5636c65616ec3";

  std::vector<uint64_t> last_;
};

class EveryRatio : public Sharding, public testing::WithParamInterface<uint16_t> {};

TEST_P(EveryRatio, StoresEachEventOnceOverRestarts) {
  const uint16_t rings = GetParam();
  uint32_t runs = 0;
  for (const uint32_t shards : {1u, 2u, 3u, 5u, 7u, 2u, 4u, 1u}) {
    open(shards, rings);
    start();
    ASSERT_NO_FATAL_FAILURE(emit(3'000));
    ASSERT_OK(insert_row("test.sql"));
    close();
    ++runs;
    Accounts accounts(files_);
    for (uint16_t cpu = 0; cpu < rings; ++cpu)
      ASSERT_NO_FATAL_FAILURE(accounts.expect_complete(cpu, last_[cpu])) << shards << " shards";
    ASSERT_NO_FATAL_FAILURE(accounts.expect_complete(kSqlCpuIdBase, runs));
  }
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='test.sharded'"), runs * 6'000);
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='synthetic.gap'"), 0);
  EXPECT_EQ(startups(kRestart), runs - 1);
  EXPECT_EQ(startups(kClean), runs);
}

INSTANTIATE_TEST_SUITE_P(Rings, EveryRatio, testing::Values(1, 2, 4));

TEST_F(Sharding, StripesGoRoundTheShardsOfARing) {
  open(3, 1);
  start();
  ASSERT_NO_FATAL_FAILURE(emit(10 * kStripeEvents));
  close();
  // Each shard has its share, in runs of a stripe (a batch may end a little before it).
  for (uint32_t shard = 0; shard < 3; ++shard) {
    const auto path = directory_.path() + "/shard-000" + std::to_string(shard) + ".db";
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
    sqlite3_stmt* statement = nullptr;
    ASSERT_EQ(sqlite3_prepare_v2(db, "SELECT sequence FROM events WHERE event_type='test.sharded' ORDER BY id",
                                 -1, &statement, nullptr), SQLITE_OK);
    int rows = 0, runs = 0;
    for (int64_t before = -1; sqlite3_step(statement) == SQLITE_ROW; ++rows) {
      const int64_t sequence = sqlite3_column_int64(statement, 0);
      EXPECT_GT(sequence, before);
      runs += sequence != before + 1;
      before = sequence;
    }
    EXPECT_GT(rows, 6 * static_cast<int>(kStripeEvents) - 100);
    EXPECT_LE(runs, 8);
    sqlite3_finalize(statement);
    sqlite3_close(db);
  }
}

TEST_F(Sharding, ReceiptsCollapseOnceAllShardsHaveCommitted) {
  open(5, 1);
  start();
  for (int round = 0; round < 20; ++round) ASSERT_NO_FATAL_FAILURE(emit(5 * kStripeEvents));
  const uint64_t before = last_[0];
  // Everything so far is durable; then each shard commits once more.
  while (!on_writer(0, [](Shard&) { return Status(); }).ok()) {}
  uint64_t rows = 0;
  while (rows < before + 1) {  // synthetic.startup is one too
    rows = 0;
    for (uint32_t i = 0; i < 5; ++i) rows += shards_->shard(i).committed_rows();
  }
  ASSERT_NO_FATAL_FAILURE(emit(5 * kStripeEvents));
  close();
  for (uint32_t shard = 0; shard < 5; ++shard) {
    const auto path = directory_.path() + "/shard-000" + std::to_string(shard) + ".db";
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
    sqlite3_stmt* statement = nullptr;
    ASSERT_EQ(sqlite3_prepare_v2(db, "SELECT count(*),min(first),min(last) FROM receipts WHERE cpu_id=0", -1,
                                 &statement, nullptr), SQLITE_OK);
    ASSERT_EQ(sqlite3_step(statement), SQLITE_ROW);
    // Without collapsing there would be twenty stripes and more.
    EXPECT_LE(sqlite3_column_int64(statement, 0), 6) << "shard " << shard;
    EXPECT_EQ(sqlite3_column_int64(statement, 1), 1) << "shard " << shard;
    EXPECT_GE(sqlite3_column_int64(statement, 2), static_cast<int64_t>(before) - 2 * int64_t{kStripeEvents}) << "shard " << shard;
    sqlite3_finalize(statement);
    sqlite3_close(db);
  }
}

TEST_F(Sharding, WhatACrashLostBelowTheHighestReceiptIsToldAsGaps) {
  open(3, 1);
  start();
  ASSERT_NO_FATAL_FAILURE(emit(1'500));
  const uint64_t last = last_[0];
  close();
  // As if shard 0 had committed its next stripes, the other two theirs not, and the server had died.
  const std::string boot = "x'0102030405060708090A0B0C0D0E0F10',zeroblob(16)";
  execute(0, "INSERT INTO receipts VALUES(" + boot + ",0," + std::to_string(last + 101) + "," +
                 std::to_string(last + 200) + "),(" + boot + ",0," + std::to_string(last + 301) + "," +
                 std::to_string(last + 400) + ");"
             "DELETE FROM receipts WHERE cpu_id=65535 AND last>1");
  for (uint32_t shard = 0; shard < 3; ++shard) {
    execute(shard, "UPDATE receipts SET last=1 WHERE cpu_id=65535 AND first=1");
  }
  open(2, 1);  // with another count of shards at that
  start();
  EXPECT_EQ(rings_->last_sequence(0), last + 400);
  ASSERT_NO_FATAL_FAILURE(emit(100));
  close();
  Accounts accounts(files_);
  EXPECT_EQ(accounts.missing(0).size(), 200u);
  for (uint64_t i = 1; i <= 100; ++i) {
    EXPECT_TRUE(accounts.missing(0).contains(last + i));
    EXPECT_TRUE(accounts.missing(0).contains(last + 200 + i));
  }
  EXPECT_EQ(startups(kRestart), 1);
  EXPECT_EQ(startups(kClean), 1);  // the first
  // Told once: the next start finds no hole.
  open(3, 1);
  start();
  close();
  EXPECT_EQ(Accounts(files_).missing(0), accounts.missing(0));
  EXPECT_EQ(startups(kClean), 2);
}

TEST_F(Sharding, MoreHolesThanABatchHasRowsAreToldInSeveral) {
  open(1, 1);
  close();
  std::string sql = "BEGIN;";
  for (int i = 1; i <= 450; ++i) {
    const std::string at = std::to_string(i * 10);
    sql += "INSERT INTO receipts VALUES(x'0102030405060708090A0B0C0D0E0F10',zeroblob(16),0," + at + "," + at + ");";
  }
  execute(0, sql + "COMMIT");
  options_.max_batch_size = 100;
  Counter& batches = stats().counter("ingest.shard.0.batches");
  const uint64_t batches_before = batches.value();
  open(1, 1);
  start();
  EXPECT_GE(batches.value() - batches_before, 5u);
  close();
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='synthetic.gap'"), 450);
  EXPECT_EQ(files_.rows("SELECT first,last FROM receipts WHERE cpu_id=0"),
            (std::vector<std::vector<std::string>>{{"1", "4500"}}));
}

TEST_F(Sharding, TheBacklogIsCommittedBeforeTheStartIsOver) {
  open(2, 2, 4 << 20);
  ASSERT_NO_FATAL_FAILURE(emit(5'000));
  start();
  // Read while it runs.
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='test.sharded'"), 10'000);
  EXPECT_EQ(startups(kClean), 1);
}

TEST_F(Sharding, RingsOfAnEpochOutliveTheServer) {
  options_.epoch.bytes[3] = 0xee;
  open(2, 1);
  ASSERT_NO_FATAL_FAILURE(emit(500));
  start();
  ASSERT_NO_FATAL_FAILURE(emit(500));
  ingest_.reset();
  shards_.reset();
  // The rings go on without a server; what it had stored is still in them too.
  const std::vector<kmes::EmitEntry> entries(10, {"test.between", payload()});
  for (int i = 0; i < 30; ++i) rings_->emit(entries, {});
  auto shards = ShardSet::open({.directory = directory_.path(), .shard_count = 3});
  ASSERT_OK(shards);
  shards_ = std::move(*shards);
  start();
  EXPECT_EQ(ingest_->boot_id(), options_.boot_id);
  const uint64_t last = rings_->last_sequence(0);
  EXPECT_EQ(last, 2'300u);
  close();
  Accounts(files_).expect_complete(0, last);
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='test.between'"), 300);
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='synthetic.gap'"), 0);
  EXPECT_EQ(startups(kRestart), 1);
}

TEST_F(Sharding, WhatACrashLostIsTakenFromARingThatOutlivedIt) {
  options_.epoch.bytes[3] = 0xee;
  open(2, 1);
  start();
  ASSERT_NO_FATAL_FAILURE(emit(1'000));
  ingest_.reset();
  shards_.reset();
  // As if the commits of 301-400 and 601-700 had never been.
  const std::string key = "(x'0102030405060708090A0B0C0D0E0F10',x'000000EE000000000000000000000000',0,";
  for (uint32_t shard = 0; shard < 2; ++shard) {
    execute(shard, "DELETE FROM events_0 WHERE cpu_id=0 AND (sequence BETWEEN 301 AND 400 OR sequence BETWEEN "
                   "601 AND 700);DELETE FROM receipts WHERE cpu_id=0;INSERT INTO receipts VALUES" +
                       key + "1,300)," + key + "401,600)," + key + "701,2000)");
  }
  auto shards = ShardSet::open({.directory = directory_.path(), .shard_count = 3});
  ASSERT_OK(shards);
  shards_ = std::move(*shards);
  start();
  const uint64_t last = rings_->last_sequence(0);
  close();
  Accounts accounts(files_);
  accounts.expect_complete(0, last);
  EXPECT_EQ(accounts.stored(0).size(), last);
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='synthetic.gap'"), 0);
}

TEST_F(Sharding, AnotherEpochInTheSameBootIsStampedWithItsOwnGuid) {
  const Guid boot = options_.boot_id;
  for (const uint8_t epoch : {uint8_t{0xe1}, uint8_t{0xe2}, uint8_t{0xe2}}) {
    options_.epoch.bytes[0] = epoch;
    open(1, 1);
    if (ingest_ == nullptr && epoch == 0xe2 && files_.sum("SELECT count(*) FROM receipts WHERE "
                                                          "substr(epoch,1,1)=x'E2'") != 0) {
      // The second load goes on: its rings have numbered 40 events so far.
      RingFeeder feeder(rings_->ring(0));
      feeder.skip(40);
      for (int i = 0; i < 2; ++i) feeder.write("test.epoch", payload(), 1);
    } else {
      const std::vector<kmes::EmitEntry> entries(10, {"test.epoch", payload()});
      for (int i = 0; i < 4; ++i) rings_->emit(entries, {});
    }
    start();
    EXPECT_EQ(ingest_->boot_id(), epoch == 0xe1 ? boot : options_.epoch);
    ASSERT_OK(insert_row("test.sql"));
    close();
  }
  // (boot_id, cpu_id, sequence) is still one event for ever.
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='test.epoch'"), 82);
  EXPECT_EQ(files_.sum("SELECT count(*) FROM (SELECT DISTINCT boot_id,cpu_id,sequence FROM events WHERE "
                       "sequence IS NOT NULL)"), 82 + 3);
  EXPECT_EQ(files_.rows("SELECT hex(substr(boot_id,1,1)),max(sequence) FROM events WHERE event_type='test.epoch' "
                        "GROUP BY boot_id ORDER BY 1"),
            (std::vector<std::vector<std::string>>{{"01", "40"}, {"E2", "42"}}));
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='synthetic.gap'"), 0);
  EXPECT_EQ(startups(kRestart), 1);
}

}  // namespace
}  // namespace eventd::engine
