// Limits that change while emitters are connected: they learn of it, and nothing accepted is lost.
#include "kmes/limits_history.h"
#include "tests/unit/kmes/libkmes/libkmes_fixture.h"

namespace eventd::kmes {
namespace {

class LiveLimits : public LibKmes {
 protected:
  void change(const std::function<void(EventSocketLimits&)>& edit) {
    edit(options_.limits);
    socket_->set_limits(options_.limits);
  }
};

TEST_F(LiveLimits, ALargerSizeIsTakenWithoutOpeningAgain) {
  make_rings(1 << 20);
  options_.limits.max_event_size = 1000;
  start();
  open();
  EXPECT_EQ(emit("a", binary(2000)), ENOSPC);
  change([](auto& limits) { limits.max_event_size = 5000; });
  EXPECT_TRUE(eventually([&] { return emit("a", binary(2000)) == 0; }));
  EXPECT_TRUE(eventually([&] { return rings_->emitted_count() == 1; }));
  EXPECT_EQ(socket_->stats().events_too_large, 0U);
}

TEST_F(LiveLimits, ASmallerSizeIsLearnedAndLosesNothing) {
  make_rings(1 << 20);
  start();
  open();
  drain();
  change([](auto& limits) { limits.max_event_size = 1000; });
  uint64_t sent = 0;
  int error = 0;
  ASSERT_TRUE(eventually([&] {
    error = emit("a", binary(2000));
    if (error == 0) ++sent;
    return error != 0;
  }));
  EXPECT_EQ(error, ENOSPC);
  EXPECT_EQ(emit("a", binary(500)), 0);
  EXPECT_TRUE(eventually([&] { return drained_ == sent + 1; })) << drained_ << " of " << sent + 1;
  EXPECT_EQ(socket_->stats().events_too_large, 0U);
}

TEST_F(LiveLimits, WhatIsInTheSocketIsJudgedByTheLimitsItWasCheckedWith) {
  start();
  open(KMES_NONBLOCK);
  const std::string nested = "\x91\x91\x91\x91\x91" + binary(2000);
  uint64_t sent = 0;
  ASSERT_TRUE(eventually([&] {
    while (emit("a", nested) == 0) ++sent;
    return socket_->stats().backpressure_pauses > 0;
  }));
  change([](auto& limits) {
    limits.max_event_size = 1000;
    limits.max_nesting_depth = 4;
  });
  change([](auto& limits) { limits.max_event_size = 900; });
  drain();
  EXPECT_TRUE(eventually([&] { return drained_ == sent; })) << drained_ << " of " << sent;
  EXPECT_TRUE(eventually([&] { return emit("a", nested) == ENOSPC; }));
  EXPECT_EQ(socket_->stats().events_too_large + socket_->stats().events_invalid, 0U);
}

TEST_F(LiveLimits, ClosingWithALaterHelloUnreadLosesNothing) {
  // The kernel reports that as a reset, before what is still queued.
  start();
  open(KMES_NONBLOCK);
  uint64_t sent = 0;
  ASSERT_TRUE(eventually([&] {
    while (emit("a", binary(2000)) == 0) ++sent;
    return socket_->stats().backpressure_pauses > 0;
  }));
  change([](auto& limits) { limits.max_event_size = 5000; });
  usleep(20'000);
  kmes_close(client_);
  client_ = nullptr;
  drain();
  EXPECT_TRUE(eventually([&] { return drained_ == sent; })) << drained_ << " of " << sent;
}

TEST_F(LiveLimits, NestingAndRateFollow) {
  options_.exempt_superuser = false;
  options_.limits.max_nesting_depth = 4;
  options_.limits.max_emit_rate_per_process = 100;
  start();
  open();
  EXPECT_EQ(emit("a", "\x91\x91\x91\x91\x91\x01"), EINVAL);
  change([](auto& limits) { limits.max_nesting_depth = 5; });
  EXPECT_TRUE(eventually([&] { return emit("a", "\x91\x91\x91\x91\x91\x01") == 0; }));
  EXPECT_EQ(emit("a", "\x91\x91\x91\x91\x91\x91\x01"), EINVAL);
  const std::vector<kmes_entry> entries(200, {"a", 1, "\x01", 1});
  EXPECT_EQ(kmes_emit_batch(client_, entries.data(), 200, nullptr), -1);
  EXPECT_EQ(errno, EAGAIN) << "above the burst";
  change([](auto& limits) { limits.max_emit_rate_per_process = 100'000; });
  EXPECT_TRUE(eventually([&] {
    return kmes_emit_batch(client_, entries.data(), 200, nullptr) == 0;
  }));
  change([](auto& limits) { limits.max_emit_rate_per_process = 100; });
  EXPECT_TRUE(eventually([&] {
    return kmes_emit_batch(client_, entries.data(), 200, nullptr) == -1 && errno == EAGAIN;
  })) << "the bucket is clamped";
}

TEST_F(LiveLimits, ABatchGoesByOneSetOfLimits) {
  make_rings(1 << 20);
  options_.limits.max_event_size = 1000;
  start();
  open();
  drain();
  // The server raises and lowers all the time; each batch has small entries and ends with large ones.
  std::atomic<bool> stop{false};
  std::thread changes([&] {
    for (uint32_t i = 0; !stop; ++i) {
      change([&](auto& limits) { limits.max_event_size = i % 2 == 0 ? 5000 : 1000; });
      usleep(500);
    }
  });
  const std::string small = binary(900), large = binary(3000);
  std::vector<kmes_entry> entries(40, {"a", 1, small.data(), small.size()});
  for (size_t i = 20; i < 40; ++i) entries[i] = {"a", 1, large.data(), large.size()};
  uint64_t sent = 0;
  for (int i = 0; i < 300; ++i) {
    unsigned emitted = 0;
    const int failed = kmes_emit_batch(client_, entries.data(), 40, &emitted);
    EXPECT_TRUE(failed == 0 || errno == ENOSPC) << errno;
    sent += emitted;
  }
  stop = true;
  changes.join();
  EXPECT_TRUE(eventually([&] {
    return drained_ + socket_->stats().events_too_large == sent;
  })) << drained_ << " of " << sent;
  // Only what names one of the last eight versions is judged by it, and these changes are faster.
  EXPECT_GT(drained_, 0U);
}

TEST_F(LiveLimits, AClientThatNeverLooksDoesNotHoldTheServerUp) {
  start();
  open();
  struct kmes* other = kmes_open(options_.path.c_str(), 0);
  ASSERT_NE(other, nullptr);
  for (uint32_t i = 0; i < 20'000; ++i) {
    change([&](auto& limits) { limits.max_event_size = 1000 + i; });
    if (i % 100 == 0) usleep(1000);
  }
  // `client_` finds the last of them, behind all that its socket could hold.
  EXPECT_TRUE(eventually([&] { return emit("a", binary(20'000)) == 0; }));
  EXPECT_TRUE(eventually([&] { return rings_->emitted_count() == 1; }));
  kmes_close(other);
}

TEST(LimitsHistory, OldVersionsCountForAWhile) {
  const auto limits = [](uint32_t size) { return EventSocketLimits{size, 32, 0}; };
  LimitsHistory history(limits(1));
  const uint16_t first = history.version();
  EXPECT_NE(first, 0);
  EXPECT_EQ(history.of(0, 0).max_event_size, 1U);
  EXPECT_EQ(history.of(999, 0).max_event_size, 1U) << "unknown: the ones now";
  history.change(limits(2), 1000);
  EXPECT_EQ(history.now().max_event_size, 2U);
  EXPECT_EQ(history.of(first, 1000 + LimitsHistory::kKeepNs).max_event_size, 1U);
  EXPECT_EQ(history.of(first, 1001 + LimitsHistory::kKeepNs).max_event_size, 2U) << "too old";
  for (uint32_t i = 3; i <= 9; ++i) history.change(limits(i), 2000);
  EXPECT_EQ(history.of(first, 2000).max_event_size, 9U) << "the ninth pushed it out";
  EXPECT_EQ(history.of(static_cast<uint16_t>(first + 1), 2000).max_event_size, 2U);
  for (uint32_t i = 0; i < 200'000; ++i) {
    history.change(limits(i), 3000);
    ASSERT_NE(history.version(), 0) << "0 is nobody's";
    ASSERT_EQ(history.of(history.version(), 3000).max_event_size, i);
  }
}

}  // namespace
}  // namespace eventd::kmes
