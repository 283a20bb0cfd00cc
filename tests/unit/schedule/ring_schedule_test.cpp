// The ring under schedules: overwriting, wake-ups; and that every barrier is needed.
#include <gtest/gtest.h>

#include <atomic>

#include "support/schedule/explore.h"
#include "support/schedule/sync.h"
#include "unit/schedule/ring_scenarios.h"

namespace eventd::schedule {
namespace {

/// One writer going round a ring of two or three events, one or two readers.
void overwriting(Simulation& sim, RingCounts& counts) {
  BareRing ring(sim, 256);
  const uint32_t batches = sim.random().between(3, 8);
  const int readers = sim.random().one_in(4) ? 2 : 1;
  std::vector<std::unique_ptr<CheckingReader>> reading;
  uint64_t last = 0;
  std::vector<uint32_t> sizes;
  for (uint32_t i = 0; i < batches; ++i) {
    sizes.push_back(sim.random().one_in(4) ? sim.random().between(2, 4) : 1);
    last += sizes.back();
  }
  for (int i = 0; i < readers; ++i) {
    reading.push_back(std::make_unique<CheckingReader>(sim, ring.mapping(), BareRing::whole));
    sim.spawn(Role::kReader, [&, i] { reading[i]->read_through(last); });
  }
  sim.spawn(Role::kWriter, [&] {
    for (const uint32_t size : sizes) ring.write(size);
  });
  sim.join_all();
  for (const auto& reader : reading) {
    reader->count(counts);
    sim.check(reader->reader().corrupt_count() == 0, "the ring looked corrupt");
  }
}

/// A ring that holds everything, readers that catch up and sleep each time.
void waking(Simulation& sim, RingCounts& counts) {
  BareRing ring(sim, 1024);
  const uint32_t events = sim.random().between(1, 5);
  const int readers = sim.random().one_in(2) ? 2 : 1;
  std::vector<std::unique_ptr<CheckingReader>> reading;
  for (int i = 0; i < readers; ++i) {
    reading.push_back(std::make_unique<CheckingReader>(sim, ring.mapping(), BareRing::whole));
    sim.spawn(Role::kReader, [&, i] { reading[i]->read_through(events); });
  }
  sim.spawn(Role::kWriter, [&] {
    for (uint32_t i = 0; i < events; ++i) ring.write(1);
  });
  sim.join_all();
  for (const auto& reader : reading) {
    reader->count(counts);
    sim.check(reader->missed() == 0, "an event is missing from a ring that holds all");
  }
}

/// RingReader::wake() from outside, for a reader that is told to stop.
void stopping(Simulation& sim) {
  BareRing ring(sim, 1024);
  CheckingReader reading(sim, ring.mapping(), BareRing::whole);
  Atomic<bool> stop{false};
  sim.spawn(Role::kReader, [&] {
    while (!stop.load(std::memory_order_acquire)) {
      reading.drain();
      reading.reader().wait(1'000'000'000);
    }
  });
  const bool also_writes = sim.random().one_in(2);
  if (also_writes) sim.spawn(Role::kWriter, [&] { ring.write(1); });
  stop.store(true, std::memory_order_release);
  reading.reader().wake();
  sim.join_all();
}

TEST(RingSchedule, OverwrittenEventsAreMissedWholeOrReadWhole) {
  RingCounts counts;
  const Findings findings =
      explore("overwriting", schedule_count(20'000, 3'000'000),
              [&](Simulation& sim) { overwriting(sim, counts); });
  counts.print();
  EXPECT_FALSE(findings.failed) << findings.failure;
  if (findings.schedules < 1000) return;
  EXPECT_GT(counts.lapped, findings.schedules / 100);
  EXPECT_GT(counts.torn, findings.schedules / 1000);
  EXPECT_GT(counts.missed, 0u);
  EXPECT_GT(findings.stale_loads, findings.schedules);
}

TEST(RingSchedule, NoWakeUpIsLost) {
  RingCounts counts;
  const Findings findings = explore("waking", schedule_count(20'000, 2'000'000),
                                    [&](Simulation& sim) { waking(sim, counts); });
  EXPECT_FALSE(findings.failed) << findings.failure;
  if (findings.schedules < 1000) return;
  EXPECT_GT(findings.sleeps, findings.schedules / 2);
}

TEST(RingSchedule, AReaderToldToStopWakesUp) {
  const Findings findings =
      explore("stopping", schedule_count(10'000, 500'000), stopping);
  EXPECT_FALSE(findings.failed) << findings.failure;
}

/// Each barrier left out is found, so the schedules above would have found a missing one.
struct Missing {
  const char* name;
  Omission omission;
  bool wakes;  ///< shows in waking(), not in overwriting()
};

class RingBarrier : public testing::TestWithParam<Missing> {};

TEST_P(RingBarrier, IsNeeded) {
  RingCounts counts;
  ScheduleOptions options;
  options.omission = GetParam().omission;
  const Findings findings = explore(
      GetParam().name, kLeftOutMax,
      [&](Simulation& sim) { GetParam().wakes ? waking(sim, counts) : overwriting(sim, counts); },
      options);
  std::printf("%s", findings.failure.substr(0, findings.failure.find('\n') + 1).c_str());
  EXPECT_TRUE(findings.failed) << "left out and not missed";
}

INSTANTIATE_TEST_SUITE_P(
    LeftOut, RingBarrier,
    testing::Values(Missing{"StoreBarrierAfterTail", Omission::kStoreBarrierAfterTail, false},
                    Missing{"LoadBarrierAfterCopy", Omission::kLoadBarrierAfterCopy, false},
                    Missing{"ReleaseOfWritePos", Omission::kWritePosRelease, false},
                    Missing{"AcquireOfWritePos", Omission::kWritePosAcquire, false},
                    Missing{"FullBarrierOfWriter", Omission::kFullBarrierOfWriter, true},
                    Missing{"FullBarrierOfReader", Omission::kFullBarrierOfReader, true},
                    Missing{"ReleaseOfFutexCounter", Omission::kFutexCounterRelease, true},
                    Missing{"AcquireOfFutexCounter", Omission::kFutexCounterAcquire, true}),
    [](const auto& missing) { return std::string(missing.param.name); });

}  // namespace
}  // namespace eventd::schedule
