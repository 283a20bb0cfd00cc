// Rings → drain threads → writers → files, with real threads and files.
#include <thread>

#include "tests/unit/ingest/ingest_fixture.h"

namespace eventd::engine {
namespace {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr uint64_t kEvents = 200'000;
#else
constexpr uint64_t kEvents = 1'000'000;
#endif

using RingPipeline = IngestTest;

void pin(unsigned cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

TEST_F(RingPipeline, EveryLosslessEventIsStoredExactlyOnce) {
  open(2, 2);
  start();
  std::vector<std::thread> emitters;
  for (unsigned i = 0; i < 2; ++i) {
    emitters.emplace_back([this, i] {
      pin(i);
      std::vector<kmes::EmitEntry> entries(50, {"test.pipeline", payload()});
      for (uint64_t sent = 0; sent < kEvents / 2; sent += entries.size())
        ASSERT_TRUE(rings_->emit_lossless(entries, {}));
    });
  }
  for (auto& emitter : emitters) emitter.join();
  const uint64_t emitted = rings_->emitted_count();
  EXPECT_EQ(emitted, kEvents);
  close();
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='test.pipeline'"), kEvents);
  EXPECT_EQ(files_.sum("SELECT count(*) FROM (SELECT DISTINCT cpu_id,sequence FROM events "
                       "WHERE event_type='test.pipeline')"), kEvents);
  EXPECT_EQ(files_.sum("SELECT coalesce(sum(top),0) FROM (SELECT max(sequence) AS top FROM events "
                       "WHERE event_type='test.pipeline' GROUP BY cpu_id)"), kEvents);
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='synthetic.gap'"), 0);
  // Covered without holes, and each CPU's payload as it was sent.
  EXPECT_EQ(files_.sum("SELECT coalesce(sum(last-first+1),0) FROM receipts WHERE cpu_id<2"), kEvents);
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE payload=x'81a16b01'"), kEvents);
}

TEST_F(RingPipeline, WhatARingOverwritesShowsAsGaps) {
  open(1, 1, KMES_CAPACITY_MIN);
  start();
  std::vector<kmes::EmitEntry> entries(100, {"test.lossy", payload()});
  for (uint64_t sent = 0; sent < kEvents / 5; sent += entries.size()) rings_->emit(entries, {});
  // The newest event always survives, so the last gap is revealed.
  const uint64_t emitted = rings_->emitted_count();
  close();
  const int64_t stored = files_.sum("SELECT count(*) FROM events WHERE event_type='test.lossy'");
  // The gap's count is the last 1, 2, 3, 5 or 9 bytes of a msgpack integer: receipts tell it too.
  const int64_t covered = files_.sum("SELECT coalesce(sum(last-first+1),0) FROM receipts WHERE cpu_id=0");
  const int64_t gaps = files_.sum("SELECT count(*) FROM events WHERE event_type='synthetic.gap'");
  EXPECT_EQ(covered, emitted);
  EXPECT_LE(stored, covered);
  EXPECT_EQ(gaps > 0, stored < covered);
  EXPECT_EQ(files_.sum("SELECT count(*) FROM receipts WHERE cpu_id=0"), 1);
  // A gap record has its CPU and no stamps.
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='synthetic.gap' AND cpu_id=0 "
                       "AND sequence IS NULL AND origin_class IS NULL AND process_guid IS NULL"),
            gaps);
}

TEST_F(RingPipeline, ReservedTypesAreCoveredButNotStored) {
  open(1, 1);
  start();
  const kmes::EmitEntry entries[] = {{"a", payload()}, {"synthetic.gap", payload()},
                                     {"audit.login", payload()}, {"b", payload()}};
  ASSERT_TRUE(rings_->emit_lossless(entries, {}));
  close();
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type IN ('a','b')"), 2);
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type IN ('synthetic.gap','audit.login')"), 0);
  EXPECT_EQ(files_.sum("SELECT last FROM receipts WHERE cpu_id=0"), 4);
}

TEST_F(RingPipeline, AnEventLargerThanABatchesArenaPasses) {
  open(1, 1, 4 << 20);
  start();
  std::vector<uint8_t> large(1 << 20, 'x');
  const uint32_t size = static_cast<uint32_t>(large.size()) - 5;
  large[0] = 0xdb;  // str 32
  store_be(&large[1], size);
  for (int i = 0; i < 5; ++i) {
    const kmes::EmitEntry entries[] = {{"small", payload()}, {"large", large}};
    ASSERT_TRUE(rings_->emit_lossless(entries, {}));
  }
  close();
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='large' AND length(payload)=1048576"), 5);
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='small'"), 5);
}

TEST_F(RingPipeline, MoreShardsThanRingsShareTheRing) {
  open(3, 1);
  start();
  std::vector<kmes::EmitEntry> entries(64, {"test.striped", payload()});
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(rings_->emit_lossless(entries, {}));
  close();
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='test.striped'"), 12'800);
  EXPECT_EQ(files_.rows("SELECT count(*) FROM events WHERE event_type='test.striped' HAVING count(*)>0").size(), 3u);
  open(1, 1);
  start();
  ASSERT_TRUE(rings_->emit_lossless(entries, {}));
  close();
  // With fewer shards the sequences go on from those of the files no longer written.
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='synthetic.gap'"), 0);
  EXPECT_EQ(files_.sum("SELECT coalesce(max(sequence),0) FROM events WHERE event_type='test.striped' "
                       "AND sequence>12800"), 12'864);
}

TEST_F(RingPipeline, FewerShardsThanRingsShareTheWriter) {
  open(1, 2);
  start();
  std::vector<std::thread> emitters;
  for (unsigned i = 0; i < 2; ++i) {
    emitters.emplace_back([this, i] {
      pin(i);
      std::vector<kmes::EmitEntry> entries(10, {"test.shared", payload()});
      for (int sent = 0; sent < 20'000; sent += 10) ASSERT_TRUE(rings_->emit_lossless(entries, {}));
    });
  }
  for (auto& emitter : emitters) emitter.join();
  close();
  EXPECT_EQ(files_.sum("SELECT count(*) FROM (SELECT DISTINCT cpu_id,sequence FROM events WHERE "
                       "event_type='test.shared')"), 40'000);
}

TEST_F(RingPipeline, ASmallBatchLimitHolds) {
  options_.max_batch_size = 100;
  open(1, 1);
  start();
  std::vector<kmes::EmitEntry> entries(1000, {"test.small_batches", payload()});
  ASSERT_TRUE(rings_->emit_lossless(entries, {}));
  close();
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='test.small_batches'"), 1000);
}

TEST_F(RingPipeline, ARestartResumesSequencesAndSaysSo) {
  for (int run = 0; run < 3; ++run) {
    open(2, 1);
    start();
    std::vector<kmes::EmitEntry> entries(100, {"test.run", payload()});
    ASSERT_TRUE(rings_->emit_lossless(entries, {}));
    auto transaction = begin();
    ASSERT_OK(transaction->add("test.sql", payload()));
    CommitWaiter waiter;
    transaction->submit(waiter.callback());
    ASSERT_OK(waiter.wait());
    EXPECT_EQ(waiter.outcome().first_sequence, run + 1);
    close();
  }
  EXPECT_EQ(files_.sum("SELECT count(*) FROM (SELECT DISTINCT sequence FROM events WHERE event_type='test.run')"), 300);
  EXPECT_EQ(files_.sum("SELECT coalesce(max(sequence),0) FROM events WHERE event_type='test.run'"), 300);
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='synthetic.gap'"), 0);
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='synthetic.startup'"), 3);
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='synthetic.shutdown'"), 3);
  // restart: first false, then true; clean always: "restart" true is c3 after the key.
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE instr(payload,x'a772657374617274c3')"), 2);
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE instr(payload,x'a5636c65616ec3')"), 3);
}

}  // namespace
}  // namespace eventd::engine
