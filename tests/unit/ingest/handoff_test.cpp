#include "engine/ingest/handoff.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <thread>

namespace eventd::engine {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

/// A batch of `events` one-byte events.
void put(Handoff& handoff, uint16_t cpu, uint64_t first, uint32_t events) {
  DrainedBatch* batch = handoff.reserve(events, 0);
  ASSERT_NE(batch, nullptr);
  batch->cpu_id = cpu;
  batch->events = events;
  batch->cover(first, first + events - 1);
  handoff.put(batch);
}

TEST(Handoff, TakesWhatWasPutInOrder) {
  Handoff handoff(100);
  put(handoff, 1, 1, 10);
  put(handoff, 1, 11, 5);
  ASSERT_TRUE(handoff.post(SyntheticEvent{.type = "t", .payload = {}, .timestamp_ns = 0, .receipts = {}}));
  EXPECT_TRUE(handoff.waiting());
  Handoff::Contents contents;
  EXPECT_TRUE(handoff.take(contents, 0));
  ASSERT_EQ(contents.batches.size(), 2u);
  EXPECT_EQ(contents.batches[0]->covered_first, 1u);
  EXPECT_EQ(contents.batches[1]->covered_first, 11u);
  EXPECT_EQ(contents.items.size(), 1u);
  EXPECT_FALSE(handoff.waiting());
  EXPECT_EQ(handoff.reserved_events(), 15u);
  for (auto* batch : contents.batches) handoff.recycle(batch);
  EXPECT_EQ(handoff.reserved_events(), 0u);
}

TEST(Handoff, ReservationsThatAreNotUsedAreGivenBack) {
  Handoff handoff(100);
  DrainedBatch* batch = handoff.reserve(100, 0);
  EXPECT_EQ(handoff.reserved_events(), 100u);
  handoff.cancel(batch);
  EXPECT_EQ(handoff.reserved_events(), 0u);
  batch = handoff.reserve(100, 0);
  batch->events = 1;
  batch->cover(1, 1);
  handoff.put(batch);
  EXPECT_EQ(handoff.reserved_events(), 1u);
}

TEST(Handoff, AnEventLargerThanTheBoundPassesAlone) {
  Handoff handoff(100);
  DrainedBatch* batch = handoff.reserve(1, kHandoffBytesMax * 2);
  ASSERT_NE(batch, nullptr);
  EXPECT_GE(batch->arena.free_space().size(), kHandoffBytesMax * 2);
  handoff.cancel(batch);
  batch = handoff.reserve(1, 0);
  EXPECT_EQ(batch->arena.capacity_bytes(), kArenaBytes);  // not kept
  handoff.cancel(batch);
}

TEST(Handoff, AFullOneHoldsTheProducerUntilTheWriterRecycles) {
  Handoff handoff(10);
  put(handoff, 0, 1, 10);
  std::atomic<bool> through{false};
  std::thread producer([&] {
    put(handoff, 0, 11, 10);
    through = true;
  });
  Handoff::Contents contents;
  ASSERT_TRUE(handoff.take(contents, kSecond));
  ASSERT_EQ(contents.batches.size(), 1u);
  // Taken is not yet written: the bound still holds.
  EXPECT_FALSE(through);
  handoff.recycle(contents.batches[0]);
  producer.join();
  EXPECT_TRUE(through);
}

TEST(Handoff, CloseEndsWaitingOnBothSides) {
  Handoff handoff(10);
  put(handoff, 0, 1, 10);
  std::thread producer([&] { EXPECT_EQ(handoff.reserve(1, 0), nullptr); });
  handoff.close();
  producer.join();
  EXPECT_FALSE(handoff.post(Fence{}));
  Handoff::Contents contents;
  EXPECT_TRUE(handoff.take(contents, kSecond));  // what was there still comes
  EXPECT_EQ(contents.batches.size(), 1u);
  handoff.recycle(contents.batches[0]);
  contents.clear();
  EXPECT_FALSE(handoff.take(contents, kSecond));
}

TEST(Handoff, ManyProducersLoseNothingAndStayWithinTheBound) {
  constexpr uint32_t kBound = 1000;
  constexpr uint64_t kEach = 100'000;
  constexpr uint16_t kProducers = 4;
  Handoff handoff(kBound);
  std::vector<std::thread> producers;
  for (uint16_t cpu = 0; cpu < kProducers; ++cpu) {
    producers.emplace_back([&handoff, cpu] {
      uint64_t next = 1;
      for (uint32_t size = 1; next <= kEach; size = size % 97 + 1) {
        const auto events = static_cast<uint32_t>(std::min<uint64_t>(size, kEach - next + 1));
        put(handoff, cpu, next, events);
        next += events;
      }
    });
  }
  std::thread poster([&handoff] {
    for (int i = 0; i < 1000; ++i)
      ASSERT_TRUE(handoff.post(SyntheticEvent{.type = std::to_string(i), .payload = {}, .timestamp_ns = 0, .receipts = {}}));
  });
  uint64_t last[kProducers] = {};
  uint64_t total = 0;
  int posted = 0;
  Handoff::Contents contents;
  while (total < kEach * kProducers || posted < 1000) {
    // A lost wake-up shows as this timeout, many times over.
    ASSERT_TRUE(handoff.take(contents, 60 * kSecond));
    ASSERT_FALSE(contents.empty());
    uint32_t taken = 0;
    for (auto* batch : contents.batches) {
      EXPECT_EQ(batch->covered_first, last[batch->cpu_id] + 1);
      last[batch->cpu_id] = batch->covered_last;
      total += batch->events;
      taken += batch->events;
    }
    EXPECT_LE(taken, kBound);
    for (auto& item : contents.items) EXPECT_EQ(std::get<SyntheticEvent>(item).type, std::to_string(posted++));
    EXPECT_LE(handoff.reserved_events(), kBound);
    for (auto* batch : contents.batches) handoff.recycle(batch);
    contents.clear();
  }
  for (auto& producer : producers) producer.join();
  poster.join();
  for (const uint64_t sequence : last) EXPECT_EQ(sequence, kEach);
  EXPECT_EQ(handoff.reserved_events(), 0u);
}

}  // namespace
}  // namespace eventd::engine
