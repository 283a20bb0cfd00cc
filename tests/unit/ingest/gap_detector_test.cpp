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

}  // namespace
}  // namespace eventd::engine
