// One drain thread with its ring and a handoff that the test empties itself.
#include "engine/ingest/drain_thread.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

#include "kmes/event_view.h"

namespace eventd::engine {
namespace {

constexpr uint64_t kSmall = KMES_CAPACITY_MIN;
constexpr uint64_t kLarge = 1 << 20;
constexpr size_t kEventBytes = 77 + 4 + 200;

class DrainThreadTest : public testing::Test {
 protected:
  void make(uint64_t capacity, uint32_t handoff_events = 1000) {
    auto rings = kmes::UserRings::create(1, capacity);
    ASSERT_TRUE(rings.ok());
    rings_ = std::move(*rings);
    handoff_ = std::make_unique<Handoff>(handoff_events);
    DrainThreadOptions options;
    options.handoffs = {handoff_.get()};
    options.affinity = EventIngestOptions::Affinity::kOff;
    drain_ = std::make_unique<DrainThread>(*rings_, options);
  }
  void TearDown() override {
    if (handoff_) handoff_->close();
    drain_.reset();
  }
  void emit(size_t count) {
    const std::string payload(200, 'x');
    const kmes::EmitEntry entry{"test", as_bytes(std::string_view(payload))};
    for (size_t i = 0; i < count; ++i) rings_->emit({&entry, 1}, {});
  }
  /// Takes what comes until `last` was handed off: each sequence once, in order.
  void expect_through(uint64_t last) {
    Handoff::Contents contents;
    while (last_ < last) {
      ASSERT_TRUE(handoff_->take(contents, 1'000'000'000));
      for (DrainedBatch* batch : contents.batches) {
        ASSERT_TRUE(batch->gaps.empty());
        for (const uint8_t* at = batch->arena.used().data(); at != batch->arena.used().data() +
                                                                       batch->arena.used_bytes();) {
          const kmes::EventView event(at);
          ASSERT_EQ(event.sequence(), ++last_);
          at += event.event_size();
        }
        handoff_->recycle(batch);
      }
      contents.clear();
    }
    EXPECT_EQ(last_, last);
  }
  /// The thread is done with a batch a little after it has handed it off.
  template <class Condition>
  void eventually(Condition condition) {
    for (int i = 0; i < 10'000 && !condition(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_TRUE(condition());
  }

  std::unique_ptr<kmes::UserRings> rings_;
  std::unique_ptr<Handoff> handoff_;
  std::unique_ptr<DrainThread> drain_;
  uint64_t last_ = 0;
};

TEST_F(DrainThreadTest, CatchesUpThroughGenerationsOfBeforeItsStart) {
  make(kSmall);
  emit(100);
  ASSERT_TRUE(rings_->resize(kLarge).ok());
  emit(2000);
  ASSERT_TRUE(rings_->resize(kSmall).ok());
  emit(50);
  EXPECT_EQ(drain_->lag_bytes(), 2150 * kEventBytes);
  drain_->start();
  EXPECT_FALSE(drain_->caught_up());
  expect_through(2150);
  eventually([&] { return drain_->caught_up() && drain_->lag_bytes() == 0; });
  EXPECT_EQ(drain_->last_sequence(), 2150U);
}

TEST_F(DrainThreadTest, LagGoesOnOverAResize) {
  make(kLarge, 10);  // stops reading once ten events wait
  drain_->start();
  emit(1000);
  eventually([&] { return drain_->last_sequence() > 0; });
  ASSERT_TRUE(rings_->resize(kSmall).ok());
  // At least what neither the handoff nor the batch being filled can hold.
  EXPECT_GE(drain_->lag_bytes(), (1000 - 30) * kEventBytes);
  EXPECT_LE(drain_->lag_bytes(), 1000 * kEventBytes);
  expect_through(1000);
  eventually([&] { return drain_->lag_bytes() == 0; });
}

TEST_F(DrainThreadTest, StopsAfterWhatWasThereWhicheverGenerationHasIt) {
  make(kSmall);
  drain_->start();
  emit(10);
  ASSERT_TRUE(rings_->resize(kLarge).ok());
  emit(500);
  drain_->request_stop();
  ASSERT_TRUE(rings_->resize(kSmall).ok());
  expect_through(510);
  drain_->stop();
  EXPECT_TRUE(drain_->finished());
  EXPECT_EQ(drain_->last_sequence(), 510U);
}

TEST_F(DrainThreadTest, AResizeLetsLosslessEmittersGoOnByItsDrainPosition) {
  make(kLarge);
  const std::string payload(200, 'x');
  const std::vector<kmes::EmitEntry> batch(100, {"test", as_bytes(std::string_view(payload))});
  uint64_t emitted = 0;
  while (const size_t done = rings_->try_emit_lossless(batch, {})) emitted += done;
  ASSERT_TRUE(rings_->resize(kSmall).ok());
  drain_->start();
  std::thread emitter([&] { EXPECT_TRUE(rings_->emit_lossless(batch, {})); });
  expect_through(emitted + batch.size());
  emitter.join();
}

}  // namespace
}  // namespace eventd::engine
