// Retention by age and size over active and older shards: storage.md "Retention".
#include "engine/maintenance/retention.h"

#include <chrono>
#include <thread>

#include "engine/maintenance/retention_plan.h"
#include "engine/stats/registry.h"
#include "engine/storage/event_snapshot.h"
#include "maintenance_fixture.h"

namespace eventd::engine {
namespace {

constexpr int64_t kDayNs = int64_t{86'400} * 1'000'000'000;

class RetentionTest : public MaintenanceTest {
 protected:
  ~RetentionTest() override {
    retention_.reset();
    if (ingest_) ingest_->stop();
    ingest_.reset();
    set_.reset();
  }

  void open(uint32_t shards) {
    auto set = ShardSet::open({.directory = path("events"), .shard_count = shards});
    ASSERT_TRUE(set.ok()) << set.error().message;
    set_ = std::move(*set);
  }

  /// `count` rows from `age` days ago on, a second apart, each with `bytes` of payload.
  void fill(uint32_t shard, int64_t days_ago, int64_t count, size_t bytes = 10) {
    const int64_t first_ns = Clock::system().realtime_ns() - days_ago * kDayNs;
    std::string payload = "\xda";
    payload += static_cast<char>(bytes >> 8);
    payload += static_cast<char>(bytes & 0xff);
    payload.append(bytes, 'p');
    ASSERT_TRUE(set_->shard(shard).begin().ok());
    for (int64_t i = 0; i < count; ++i) {
      EventRow row;
      row.timestamp_ns = first_ns + i * 1'000'000;
      row.boot_id = boot_.bytes.data();
      row.event_type = "old";
      row.payload = as_bytes(payload);
      ASSERT_TRUE(set_->shard(shard).append(row).ok());
    }
    const ReceiptRange receipt{.boot_id = boot_, .epoch = {}, .cpu_id = 1, .first = 1,
                               .last = static_cast<uint64_t>(count)};
    ASSERT_TRUE(set_->shard(shard).add_receipts({&receipt, 1}).ok());
    ASSERT_TRUE(set_->shard(shard).commit().ok());
  }

  void start(RetentionOptions options) {
    auto rings = kmes::UserRings::create(1, 1 << 16);
    ASSERT_TRUE(rings.ok());
    rings_ = std::move(*rings);
    auto ingest = EventIngest::start(*set_, *rings_, {.boot_id = boot_});
    ASSERT_TRUE(ingest.ok()) << ingest.error().message;
    ingest_ = std::move(*ingest);
    auto retention = Retention::start(*set_, *ingest_, options);
    ASSERT_TRUE(retention.ok());
    retention_ = std::move(*retention);
  }

  /// Asks for a check and waits until one that began afterwards has ended.
  void check() {
    const uint64_t before = checks_.value();
    retention_->run_now();
    while (checks_.value() == before) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }

  /// Rows that a snapshot sees of each file of type `old`, active ones first.
  std::vector<int64_t> counts() {
    std::vector<int64_t> counts;
    const auto snapshot = std::static_pointer_cast<const EventSnapshot>(set_->snapshot());
    const auto count = [&](const ShardSnapshot& shard) {
      counts.push_back(query(shard.file->path(), "SELECT count(*) FROM events WHERE event_type='old'"));
    };
    for (const ShardSnapshot& shard : snapshot->active) count(shard);
    for (const ShardSnapshot& shard : *snapshot->historical) count(shard);
    return counts;
  }

  int64_t used() {
    const auto snapshot = std::static_pointer_cast<const EventSnapshot>(set_->snapshot());
    int64_t bytes = 0;
    for (const ShardSnapshot& shard : snapshot->active) bytes += *set_->used_bytes(shard.file);
    for (const ShardSnapshot& shard : *snapshot->historical) bytes += *set_->used_bytes(shard.file);
    return bytes;
  }

  std::unique_ptr<ShardSet> set_;
  std::unique_ptr<kmes::UserRings> rings_;
  std::unique_ptr<EventIngest> ingest_;
  std::unique_ptr<Retention> retention_;
  Counter& checks_ = stats().counter("retention.checks");
};

TEST_F(RetentionTest, WhatIsTooOldGoesFromEveryFile) {
  open(3);
  for (uint32_t i = 0; i < 3; ++i) {
    fill(i, 40, 7000);
    fill(i, 10, 3000);
  }
  set_.reset();
  open(2);
  start({});
  check();
  EXPECT_EQ(counts(), (std::vector<int64_t>{3000, 3000, 3000}));
  const auto snapshot = std::static_pointer_cast<const EventSnapshot>(set_->snapshot());
  EXPECT_EQ(query((*snapshot->historical)[0].file->path(), "SELECT count(*) FROM receipts"), 1);
  // Live: shorter.
  retention_->set_options({.event_retention_ns = 5 * kDayNs});
  check();
  check();
  EXPECT_EQ(counts(), (std::vector<int64_t>{0, 0, 0}));
}

TEST_F(RetentionTest, WithoutASizeLimitAFullDiskTakesNothingThatIsNotExpired) {
  open(1);
  fill(0, 1, 5000, 500);
  start({});
  check();
  check();
  EXPECT_EQ(counts(), (std::vector<int64_t>{5000}));
}

TEST_F(RetentionTest, WhatIsTooMuchGoesOldestFirstOverAllFiles) {
  open(3);
  fill(0, 5, 6000, 1000);
  fill(1, 20, 6000, 1000);  // the oldest
  fill(2, 10, 6000, 1000);
  set_.reset();
  open(2);
  const int64_t all = used();
  start({.event_retention_max_bytes = all / 2});
  check();
  const auto left = counts();
  EXPECT_LE(used(), all / 2);
  EXPECT_EQ(left[0], 6000);
  EXPECT_EQ(left[1], 0);
  EXPECT_GT(left[2], 500);
  EXPECT_LT(left[2], 5000);
  // More than everything is wanted: it ends nevertheless.
  retention_->set_options({.event_retention_max_bytes = 1});
  check();
  check();
  EXPECT_EQ(counts(), (std::vector<int64_t>{0, 0, 0}));
}

TEST_F(RetentionTest, StopsWhileItIsAtWork) {
  open(2);
  for (uint32_t i = 0; i < 2; ++i) {
    fill(i, 40, 30'000);
    fill(i, 1, 10);
  }
  start({});
  retention_->run_now();
  retention_->stop();
  retention_->stop();
  const auto left = counts();
  for (const int64_t rows : left) EXPECT_GE(rows, 10);
}

TEST(RetentionPlanTest, TheCutoffTakesAboutTheExcess) {
  RetentionPlan plan;
  const auto tail = [](int64_t min_ns, int64_t max_ns) {
    TailInfo info;
    info.row_count = 1000;
    info.timestamp_min_ns = min_ns;
    info.timestamp_max_ns = max_ns;
    return info;
  };
  EXPECT_FALSE(plan.cutoff(1).has_value());
  plan.add(100'000, {tail(0, 999), tail(1000, 1999)}, true);
  plan.add(100'000, {tail(500, 1499)}, true);
  plan.add(77'000, {tail(-5000, -4000)}, false);
  EXPECT_EQ(plan.used_bytes(), 277'000);
  EXPECT_NEAR(static_cast<double>(*plan.cutoff(25'000)), 500, 2);
  EXPECT_NEAR(static_cast<double>(*plan.cutoff(100'000)), 1000, 2);
  EXPECT_EQ(*plan.cutoff(1'000'000), 2000);
  EXPECT_EQ(*plan.cutoff(0), 1);
  RetentionPlan extremes;
  extremes.add(10, {tail(std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max())}, true);
  EXPECT_TRUE(extremes.cutoff(5).has_value());
}

}  // namespace
}  // namespace eventd::engine
