// Rings replaced while their events are drained and stored: every sequence stored once, or in a gap
// record. Under EVENTD_LONG_TESTS=1 for a minute each.
#include <chrono>
#include <random>
#include <thread>

#include "engine/stats/registry.h"
#include "tests/unit/ingest/ingest_fixture.h"

namespace eventd::engine {
namespace {

constexpr uint64_t kSmall = KMES_CAPACITY_MIN;
constexpr uint64_t kLarge = 1 << 20;
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr uint64_t kHuge = 4 << 20;
#else
constexpr uint64_t kHuge = 16 << 20;
#endif
constexpr uint64_t kResizesMin = 4;

std::chrono::milliseconds load_duration() {
  const char* long_tests = getenv("EVENTD_LONG_TESTS");
  return long_tests != nullptr && std::string_view(long_tests) == "1" ? std::chrono::seconds(60)
                                                                     : std::chrono::milliseconds(1500);
}

class RingResize : public IngestTest {
 protected:
  static constexpr unsigned kEmitters = 3;

  /// Resizes up and down while emitters write. REQUIRES: a power of two.
  void load(bool lossless, uint64_t largest) {
    std::atomic<bool> end{false};
    std::vector<std::thread> emitters;
    for (unsigned i = 0; i < kEmitters; ++i) {
      emitters.emplace_back([&, i] {
        std::vector<kmes::EmitEntry> entries(1 + i * 30, {"test.resize", payload()});
        while (!end) {
          if (lossless) {
            ASSERT_TRUE(rings_->emit_lossless(entries, {}));
          } else {
            rings_->emit(entries, {});
          }
        }
      });
    }
    std::mt19937 random(std::random_device{}());
    const auto ends_at = std::chrono::steady_clock::now() + load_duration();
    while (std::chrono::steady_clock::now() < ends_at || resizes_ < kResizesMin) {
      const uint64_t capacity = random() % 4 == 0 ? std::max(largest >> random() % 9, kSmall)
                                : rings_->capacity() == kSmall ? largest : kSmall;
      ASSERT_OK(rings_->resize(capacity, 60'000'000'000));
      ++resizes_;
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
    }
    end = true;
    for (auto& emitter : emitters) emitter.join();
  }
  void load_overwriting(uint64_t largest) {
    const uint64_t missing_before = missing();
    load(false, largest);
    const auto emitted = static_cast<int64_t>(rings_->emitted_count());
    close();
    EXPECT_EQ(stored(), stored_distinct());
    EXPECT_EQ(covered(), emitted);
    EXPECT_EQ(stored() + static_cast<int64_t>(missing() - missing_before), emitted);
    RecordProperty("resizes", std::to_string(resizes_));
    RecordProperty("events", std::to_string(stored()));
  }
  static uint64_t missing() {
    double sum = 0;
    for (const Statistic& statistic : stats().read()) {
      if (statistic.name.starts_with("ingest.ring.") && statistic.name.ends_with(".missing"))
        sum += statistic.value;
    }
    return static_cast<uint64_t>(sum);
  }
  int64_t stored() const {
    return files_.sum("SELECT count(*) FROM events WHERE event_type='test.resize'");
  }
  int64_t stored_distinct() const {
    return files_.sum("SELECT count(*) FROM (SELECT DISTINCT cpu_id,sequence FROM events "
                      "WHERE event_type='test.resize')");
  }
  int64_t covered() const {
    return files_.sum("SELECT coalesce(sum(last-first+1),0) FROM receipts WHERE cpu_id<2");
  }

  uint64_t resizes_ = 0;
};

TEST_F(RingResize, LosesNothingOfLosslessEmitters) {
  open(2, 2, kSmall);
  start();
  load(true, kHuge);
  const auto emitted = static_cast<int64_t>(rings_->emitted_count());
  close();
  EXPECT_EQ(stored(), emitted);
  EXPECT_EQ(stored_distinct(), emitted);
  EXPECT_EQ(covered(), emitted);
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='synthetic.gap'"), 0);
  RecordProperty("resizes", std::to_string(resizes_));
  RecordProperty("events", std::to_string(emitted));
}

TEST_F(RingResize, WhatIsOverwrittenIsInAGapRecord) {
  open(2, 2, kSmall);
  start();
  load_overwriting(kHuge);
}

TEST_F(RingResize, AlsoWhenDrainThreadsWaitForTheirWriterMostOfTheTime) {
  options_.max_batch_size = 500;
  open(1, 2, kSmall);
  start();
  load_overwriting(kLarge);
}

TEST_F(RingResize, AStopFindsTheEventsOfEveryGeneration) {
  open(1, 1, kSmall);
  start();
  const std::vector<kmes::EmitEntry> entries(100, {"test.resize", payload()});
  uint64_t emitted = 0;
  for (const uint64_t capacity : {kLarge, kSmall, kLarge}) {
    ASSERT_TRUE(rings_->emit_lossless(entries, {}));
    ASSERT_OK(rings_->resize(capacity));
    ASSERT_TRUE(rings_->emit_lossless(entries, {}));
    emitted += 2 * entries.size();
  }
  close();
  EXPECT_EQ(stored_distinct(), emitted);
  EXPECT_EQ(files_.sum("SELECT last FROM receipts WHERE cpu_id=0"), emitted);
}

TEST_F(RingResize, AFailedOneIsStoredAsAnEvent) {
  open(1, 1, kSmall);
  start();
  // Three generations that are kept from being freed.
  std::vector<std::shared_ptr<kmes::RingMapping>> held;
  for (uint64_t capacity = 2 * kSmall; held.size() + 1 < kmes::kGenerationsMax; capacity *= 2) {
    held.push_back(rings_->ring(0));
    ASSERT_OK(rings_->resize(capacity));
  }
  EXPECT_FALSE(rings_->resize(kLarge, 0).ok());
  close();
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='kmes.swap_failed' AND "
                       "origin_class=1"), 1);
}

}  // namespace
}  // namespace eventd::engine
