// When to wait for more rows: a simulated writer on a simulated clock.
#include "engine/ingest/arrival_estimate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <vector>

namespace eventd::engine {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kLatencyNs = 100 * kMs;
constexpr uint64_t kHandoffRows = 1'000;

/// What the batch writer does, without rows: `waiting(from, to)` rows arrive in that time.
class SimulatedWriter {
 public:
  SimulatedWriter(int64_t commit_ns, int64_t row_ns) : commit_ns_(commit_ns), row_ns_(row_ns) {}

  /// Runs for `duration_ns`; the sizes of the batches.
  std::vector<uint64_t> run(int64_t duration_ns, const std::function<uint64_t(int64_t, int64_t)>& arrive) {
    std::vector<uint64_t> sizes;
    uint64_t batch = 0;
    int64_t started_ns = 0;
    bool was_fast = estimate_.fast();
    const int64_t end_ns = now_ns_ + duration_ns;
    while (now_ns_ < end_ns) {
      waiting_ += arrive(looked_ns_, now_ns_);
      looked_ns_ = now_ns_;
      const uint64_t rows = std::min<uint64_t>(waiting_, kHandoffRows);
      waiting_ -= rows;
      if (rows == 0 && batch == 0) {
        now_ns_ += kMs / 10;
        continue;
      }
      estimate_.note_arrival(rows, now_ns_);
      if (batch == 0) started_ns = now_ns_;
      batch += rows;
      now_ns_ += static_cast<int64_t>(rows) * row_ns_;
      waiting_ += arrive(looked_ns_, now_ns_);
      looked_ns_ = now_ns_;
      if (!estimate_.commit_now(waiting_ != 0, started_ns, now_ns_, kLatencyNs)) continue;
      now_ns_ += commit_ns_;
      latency_max_ns_ = std::max(latency_max_ns_, now_ns_ - started_ns);
      estimate_.note_commit(commit_ns_);
      sizes.push_back(batch);
      batch = 0;
      flips_ += estimate_.fast() != was_fast;
      was_fast = estimate_.fast();
    }
    return sizes;
  }

  const ArrivalEstimate& estimate() const { return estimate_; }
  int64_t latency_max_ns() const { return latency_max_ns_; }
  int flips() const { return flips_; }

 private:
  const int64_t commit_ns_, row_ns_;
  ArrivalEstimate estimate_;
  int64_t now_ns_ = 1, looked_ns_ = 1;
  uint64_t waiting_ = 0;
  int64_t latency_max_ns_ = 0;
  int flips_ = 0;
};

/// `per_second` rows, evenly.
auto steady(double per_second) {
  return [per_second](int64_t from, int64_t to) {
    const auto at = [per_second](int64_t ns) {
      return static_cast<uint64_t>(static_cast<double>(ns) * per_second / 1e9);
    };
    return at(to) - at(from);
  };
}

/// `rows` at once, every `period_ns`.
auto bursts(uint64_t rows, int64_t period_ns) {
  return [rows, period_ns](int64_t from, int64_t to) {
    return rows * static_cast<uint64_t>(to / period_ns - from / period_ns);
  };
}

TEST(ArrivalEstimate, ALoneRowIsCommittedAtOnce) {
  const ArrivalEstimate estimate;
  EXPECT_TRUE(estimate.commit_now(false, 100, 100, kLatencyNs));
}

TEST(ArrivalEstimate, SlowArrivalsDoNotHoldUpACommit) {
  SimulatedWriter writer(kMs, 2'000);
  const auto sizes = writer.run(2'000 * kMs, steady(100));
  EXPECT_FALSE(writer.estimate().fast());
  EXPECT_EQ(*std::max_element(sizes.begin(), sizes.end()), 1u);
  // Rows that wait already do not either: at this rate the next ones are far.
  EXPECT_TRUE(writer.estimate().commit_now(true, 100, 100, kLatencyNs));
}

TEST(ArrivalEstimate, FastArrivalsAreBatchedUntilTheTimeIsOver) {
  SimulatedWriter writer(2 * kMs, 3'000);
  // More than it can write: there are always rows waiting.
  const auto sizes = writer.run(3'000 * kMs, steady(500'000));
  EXPECT_TRUE(writer.estimate().fast());
  EXPECT_LE(writer.latency_max_ns(), kLatencyNs + 5 * kMs);  // the last look's rows are one piece
  EXPECT_GT(sizes.back(), 10'000u);
  EXPECT_TRUE(writer.estimate().out_of_time(1, 1 + kLatencyNs, kLatencyNs));
  EXPECT_TRUE(writer.estimate().out_of_time(1, 1 + kLatencyNs - kMs, kLatencyNs));
  EXPECT_FALSE(writer.estimate().out_of_time(1, 1 + kLatencyNs - 4 * kMs, kLatencyNs));
}

TEST(ArrivalEstimate, ATrickleNeverHoldsABatchPastItsTime) {
  ArrivalEstimate estimate;
  int64_t now_ns = 1;
  for (int i = 0; i < 100; ++i) estimate.note_arrival(1'000, now_ns += kMs);
  ASSERT_TRUE(estimate.fast());
  // From now on a row every 100 us, always one waiting when the writer looks.
  const int64_t started_ns = now_ns;
  while (!estimate.commit_now(true, started_ns, now_ns, kLatencyNs)) {
    now_ns += kMs / 10;
    estimate.note_arrival(1, now_ns);
    ASSERT_LE(now_ns - started_ns, kLatencyNs);
  }
}

TEST(ArrivalEstimate, BurstsDoNotMakeItSwing) {
  SimulatedWriter writer(2 * kMs, 2'000);
  writer.run(500 * kMs, bursts(500, 10 * kMs));
  const int flips_before = writer.flips();
  const auto sizes = writer.run(5'000 * kMs, bursts(500, 10 * kMs));
  // 50,000 rows a second are 100 in a commit: fast, whether the moment is inside a burst or between.
  EXPECT_TRUE(writer.estimate().fast());
  EXPECT_EQ(writer.flips(), flips_before);
  EXPECT_EQ(*std::min_element(sizes.begin(), sizes.end()), *std::max_element(sizes.begin(), sizes.end()));
}

TEST(ArrivalEstimate, LooksInQuickSuccessionWeighNoMore) {
  ArrivalEstimate one, many;
  for (int64_t now_ns = 1; now_ns < 1'000 * kMs; now_ns += 10 * kMs) {
    one.note_arrival(500, now_ns);
    // The same burst, found in pieces within 50 us.
    for (int piece = 0; piece < 5; ++piece) many.note_arrival(100, now_ns + piece * 10'000);
  }
  EXPECT_NEAR(one.rows_per_second(), 50'000, 1'000);
  EXPECT_NEAR(many.rows_per_second(), 50'000, 1'000);
}

TEST(ArrivalEstimate, IsSlowAgainWhenTheLoadEnds) {
  ArrivalEstimate estimate;
  int64_t now_ns = 1;
  for (int i = 0; i < 50; ++i) estimate.note_arrival(1000, now_ns += kMs);
  EXPECT_TRUE(estimate.fast());
  for (int i = 0; i < 50; ++i) estimate.note_arrival(1, now_ns += 10 * kMs);
  EXPECT_FALSE(estimate.fast());
}

TEST(ArrivalEstimate, AClockThatStandsStillOrStepsBackDoesNoHarm) {
  ArrivalEstimate estimate;
  for (const int64_t now_ns : {10 * kMs, 10 * kMs, 5 * kMs, 4 * kMs, 20 * kMs, 20 * kMs})
    estimate.note_arrival(10, now_ns);
  EXPECT_GE(estimate.rows_per_second(), 0);
  EXPECT_LT(estimate.rows_per_second(), 1e6);
}

}  // namespace
}  // namespace eventd::engine
