#include "engine/ingest/gap_detector.h"

#include <gtest/gtest.h>

namespace eventd::engine {
namespace {

using Kind = GapDetector::Kind;

TEST(GapDetector, ConsecutiveSequencesAreNoGap) {
  GapDetector detector(3, 0);
  EXPECT_EQ(detector.observe(1, 10), Kind::kNext);
  EXPECT_EQ(detector.observe(2, 20), Kind::kNext);
  EXPECT_EQ(detector.last_sequence(), 2u);
}

TEST(GapDetector, ReportsTheMissingRangeWithItsNeighbours) {
  GapDetector detector(3, 0);
  detector.observe(1, 10);
  ASSERT_EQ(detector.observe(5, 50), Kind::kGap);
  const Gap& gap = detector.gap();
  EXPECT_EQ(gap.cpu_id, 3);
  EXPECT_EQ(gap.first_missing, 2u);
  EXPECT_EQ(gap.last_missing, 4u);
  EXPECT_EQ(gap.count(), 3u);
  EXPECT_EQ(gap.last_timestamp_ns, 10);
  EXPECT_EQ(gap.revealed_by_timestamp_ns, 50);
  EXPECT_EQ(detector.observe(6, 60), Kind::kNext);
}

TEST(GapDetector, AGapAtTheStartHasNoTimeBefore) {
  GapDetector detector(0, 0);
  ASSERT_EQ(detector.observe(3, 30), Kind::kGap);
  EXPECT_EQ(detector.gap().first_missing, 1u);
  EXPECT_EQ(detector.gap().last_missing, 2u);
  EXPECT_EQ(detector.gap().last_timestamp_ns, std::nullopt);
}

TEST(GapDetector, WhatWasHandledBeforeIsSkipped) {
  GapDetector detector(0, 100);
  EXPECT_EQ(detector.observe(99, 1), Kind::kSeen);
  EXPECT_EQ(detector.observe(100, 2), Kind::kSeen);
  EXPECT_EQ(detector.observe(101, 3), Kind::kNext);
  EXPECT_EQ(detector.observe(101, 4), Kind::kSeen);
  EXPECT_EQ(detector.last_sequence(), 101u);
}

TEST(GapDetector, FillsHolesBetweenWhatIsCoveredAhead) {
  GapDetector detector(3, 10, {{21, 30, 3}, {41, 50, 3}});
  EXPECT_EQ(detector.observe(5, 1), Kind::kSeen);
  EXPECT_EQ(detector.observe(11, 2), Kind::kNext);
  EXPECT_EQ(detector.observe(12, 3), Kind::kNext);
  // 13-18 are gone for ever, 19 and 20 come.
  ASSERT_EQ(detector.observe(19, 4), Kind::kGap);
  EXPECT_EQ(detector.gap().first_missing, 13u);
  EXPECT_EQ(detector.gap().last_missing, 18u);
  EXPECT_EQ(detector.observe(20, 5), Kind::kNext);
  for (uint64_t sequence = 21; sequence <= 30; ++sequence) EXPECT_EQ(detector.observe(sequence, 6), Kind::kSeen);
  EXPECT_EQ(detector.observe(31, 7), Kind::kNext);
  // The rest of this hole and all of the next are missing: the last covered one shows it.
  ASSERT_EQ(detector.observe(45, 8), Kind::kHole);
  EXPECT_EQ(detector.gap().first_missing, 32u);
  EXPECT_EQ(detector.gap().last_missing, 40u);
  EXPECT_EQ(detector.observe(45, 8), Kind::kSeen);
  EXPECT_EQ(detector.observe(51, 9), Kind::kNext);
  ASSERT_EQ(detector.observe(54, 10), Kind::kGap);
  EXPECT_EQ(detector.gap().first_missing, 52u);
}

TEST(GapDetector, AnEventFarAheadRevealsEveryHole) {
  GapDetector detector(0, 0, {{11, 20, 0}, {31, 40, 0}});
  ASSERT_EQ(detector.observe(45, 1), Kind::kHole);
  EXPECT_EQ(detector.gap().last_missing, 10u);
  ASSERT_EQ(detector.observe(45, 1), Kind::kHole);
  EXPECT_EQ(detector.gap().first_missing, 21u);
  EXPECT_EQ(detector.gap().last_missing, 30u);
  ASSERT_EQ(detector.observe(45, 1), Kind::kGap);
  EXPECT_EQ(detector.gap().first_missing, 41u);
  EXPECT_EQ(detector.gap().last_missing, 44u);
  EXPECT_EQ(detector.observe(46, 1), Kind::kNext);
}

}  // namespace
}  // namespace eventd::engine
