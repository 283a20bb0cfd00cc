// Merged ranges, against a plain set of sequences.
#include "engine/ingest/coverage.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <utility>

namespace eventd::engine {
namespace {

using Model = std::set<std::pair<uint16_t, uint64_t>>;

Model sequences(const Coverage& coverage) {
  Model all;
  for (const Coverage::Range& range : coverage.ranges()) {
    for (uint64_t sequence = range.first; sequence <= range.last; ++sequence)
      EXPECT_TRUE(all.emplace(range.cpu_id, sequence).second) << "twice: " << sequence;
  }
  return all;
}

void expect_merged(const Coverage& coverage) {
  const auto& ranges = coverage.ranges();
  for (size_t i = 0; i < ranges.size(); ++i) {
    EXPECT_LE(ranges[i].first, ranges[i].last);
    if (i == 0) continue;
    EXPECT_LE(ranges[i - 1].cpu_id, ranges[i].cpu_id);
    if (ranges[i - 1].cpu_id != ranges[i].cpu_id) continue;
    EXPECT_GT(ranges[i].first, ranges[i - 1].last + 1);
  }
}

TEST(Coverage, MergesWhatTouchesAndKeepsCpusApart) {
  Coverage coverage;
  coverage.add(0, 1, 10);
  coverage.add(1, 11, 12);
  coverage.add(0, 20, 30);
  EXPECT_EQ(coverage.ranges().size(), 3u);
  coverage.add(0, 11, 19);
  ASSERT_EQ(coverage.ranges().size(), 2u);
  EXPECT_EQ(coverage.ranges()[0].first, 1u);
  EXPECT_EQ(coverage.ranges()[0].last, 30u);
  EXPECT_EQ(coverage.ranges()[1].cpu_id, 1);
}

TEST(Coverage, RemovesFromTheMiddle) {
  Coverage coverage;
  coverage.add(0, 1, 10);
  coverage.add(1, 1, 10);
  coverage.remove(0, 4, 6);
  coverage.remove(0, 10, 20);
  coverage.remove(1, 1, 10);
  ASSERT_EQ(coverage.ranges().size(), 2u);
  EXPECT_EQ(coverage.ranges()[0].last, 3u);
  EXPECT_EQ(coverage.ranges()[1].first, 7u);
  EXPECT_EQ(coverage.ranges()[1].last, 9u);
}

TEST(Coverage, IsASetOfSequences) {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    std::mt19937 random(seed);
    Coverage coverage;
    Model model;
    for (int step = 0; step < 100; ++step) {
      const auto cpu = static_cast<uint16_t>(random() % 3);
      const uint64_t first = 1 + random() % 100, last = first + random() % 12;
      const bool adds = random() % 3 != 0;
      if (adds) {
        coverage.add(cpu, first, last);
      } else {
        coverage.remove(cpu, first, last);
      }
      for (uint64_t sequence = first; sequence <= last; ++sequence) {
        if (adds) {
          model.emplace(cpu, sequence);
        } else {
          model.erase({cpu, sequence});
        }
      }
      expect_merged(coverage);
      ASSERT_EQ(sequences(coverage), model) << "seed " << seed << " step " << step;
    }
  }
}

TEST(Coverage, GoesUpToTheLastSequence) {
  Coverage coverage;
  coverage.add(7, UINT64_MAX, UINT64_MAX);
  coverage.add(7, 1, 1);
  coverage.add(7, UINT64_MAX - 1, UINT64_MAX - 1);
  ASSERT_EQ(coverage.ranges().size(), 2u);
  EXPECT_EQ(coverage.ranges()[1].first, UINT64_MAX - 1);
  coverage.remove(7, 2, UINT64_MAX);
  ASSERT_EQ(coverage.ranges().size(), 1u);
}

TEST(Coverage, CoarsensOverTheShortestDistancesAndForgetsNothing) {
  Coverage coverage;
  for (uint64_t i = 0; i < 1000; ++i) coverage.add(0, 1 + i * 100, 10 + i * 100);
  coverage.add(0, 200'000, 200'001);  // far away
  coverage.add(1, 1, 1);
  const Model before = sequences(coverage);
  coverage.coarsen(3);
  ASSERT_EQ(coverage.ranges().size(), 3u);
  expect_merged(coverage);
  EXPECT_EQ(coverage.ranges()[0].last, 99'910u);
  EXPECT_EQ(coverage.ranges()[1].first, 200'000u);
  const Model after = sequences(coverage);
  for (const auto& sequence : before) EXPECT_TRUE(after.contains(sequence));
  // Never across CPUs.
  coverage.coarsen(1);
  EXPECT_EQ(coverage.ranges().size(), 2u);
}

TEST(Coverage, CoarseningKeepsToItsBound) {
  for (uint32_t seed = 0; seed < 10; ++seed) {
    std::mt19937 random(seed);
    Coverage coverage;
    for (int i = 0; i < 500; ++i) {
      const uint64_t first = 1 + random() % 100'000;
      coverage.add(static_cast<uint16_t>(random() % 4), first, first + random() % 20);
    }
    const Model before = sequences(coverage);
    const size_t bound = 4 + random() % 200;
    coverage.coarsen(bound);
    EXPECT_LE(coverage.ranges().size(), bound);
    expect_merged(coverage);
    const Model after = sequences(coverage);
    for (const auto& sequence : before) ASSERT_TRUE(after.contains(sequence)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace eventd::engine
