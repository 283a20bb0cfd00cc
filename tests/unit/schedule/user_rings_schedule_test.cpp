// UserRings under schedules: emitters that share a ring, lossless emission, rings replaced meanwhile.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "kmes/user_rings.h"
#include "support/schedule/explore.h"
#include "support/schedule/sync.h"
#include "unit/schedule/ring_scenarios.h"

namespace eventd::schedule {
namespace {

constexpr int kEmittersMax = 3;
constexpr uint64_t kCapacities[] = {256, 512, 1024};

/// Set in an emitter's number: every other of its events is large.
constexpr uint8_t kUneven = 8;

/// Payloads follow from their first two bytes: whose event it is, and its number from 1.
struct Payload {
  std::array<uint8_t, kLargePayload> bytes;
  uint32_t size;

  Payload(uint8_t emitter, uint8_t number)
      : size((emitter & kUneven) == 0 ? 2 + (emitter * 5U + number * 7U) % (kPayloadMax - 1)
             : number % 2 == 0        ? kLargePayload
                                      : 2) {
    for (uint32_t at = 0; at < size; ++at)
      bytes[at] = static_cast<uint8_t>(emitter * 91U + number * 31U + at);
    bytes[0] = emitter;
    bytes[1] = number;
  }
};

bool whole(const kmes::EventView& event) {
  if (event.type() != "u" || event.payload().size() < 2) return false;
  const Payload expected(event.payload()[0], event.payload()[1]);
  return event.payload().size() == expected.size &&
         std::equal(event.payload().begin(), event.payload().end(), expected.bytes.begin());
}

struct Plan {
  bool lossless = false;
  bool polls = false;     ///< the reader never sleeps
  bool uneven = false;    ///< events of very different sizes
  uint32_t resizes_max = 0;
};

/// Emitters on one ring, a reader, perhaps somebody who replaces the ring.
class UserRingsScenario {
 public:
  UserRingsScenario(Simulation& simulation, const Plan& plan, RingCounts& counts)
      : simulation_(simulation),
        plan_(plan),
        counts_(counts),
        rings_(std::move(kmes::UserRings::create(1, any_capacity())).value()),
        reader_(simulation, rings_->ring(0), whole) {}

  void run() {
    const uint32_t emitters = simulation_.random().between(1, plan_.resizes_max == 0 ? 3 : 2);
    for (uint32_t i = 0; i < emitters; ++i) {
      const uint32_t events = simulation_.random().between(2, 6);
      total_ += events;
      simulation_.spawn(Role::kWriter, [this, i, events] {
        emit(static_cast<uint8_t>(plan_.uneven ? i | kUneven : i), events);
      });
    }
    const int reader = simulation_.spawn(Role::kReader, [this] { read(); });
    const uint32_t resizes = simulation_.random().below(plan_.resizes_max + 1);
    if (resizes != 0) {
      simulation_.spawn(Role::kMain, [this, resizes] {
        for (uint32_t i = 0; i < resizes; ++i)
          simulation_.check(rings_->resize(any_capacity()).ok(), "a resize failed");
      });
    }
    simulation_.join_all_but(reader);
    // The reader gets that far by itself; the wake-up below must not make good a lost one.
    caught_up_.wait(false, std::memory_order_acquire);
    stop_.store(true, std::memory_order_release);
    reader_.reader().wake();
    simulation_.join(reader);
    reader_.count(counts_);
    simulation_.check(!plan_.lossless || reader_.missed() == 0, "a lossless event is missing");
    simulation_.check(rings_->emitted_count() == total_, "the events are miscounted");
  }

 private:
  uint64_t any_capacity() {
    return plan_.uneven ? kCapacities[1]
                        : kCapacities[simulation_.random().below(std::size(kCapacities))];
  }

  void emit(uint8_t emitter, uint32_t events) {
    for (uint32_t number = 1; number <= events;) {
      const uint32_t size = std::min(simulation_.random().between(1, 3), events + 1 - number);
      std::vector<Payload> payloads;
      std::vector<kmes::EmitEntry> entries;
      for (uint32_t i = 0; i < size; ++i)
        payloads.emplace_back(emitter, static_cast<uint8_t>(number + i));
      for (const Payload& payload : payloads)
        entries.push_back({"u", ByteSpan(payload.bytes.data(), payload.size)});
      number += size;
      if (plan_.lossless) {
        simulation_.check(rings_->emit_lossless(entries, {}), "a lossless emit gave up");
      } else {
        rings_->emit(entries, {});
      }
    }
  }

  void read() {
    for (;;) {
      reader_.drain([this](const kmes::EventView& event) {
        const uint8_t number = event.payload()[1];
        uint8_t& last = last_[event.payload()[0] & ~kUneven];
        simulation_.check(plan_.lossless ? number == last + 1 : number > last,
                          "an emitter's events are out of order");
        last = number;
      });
      // Only when there is news, so that a lost wake-up is not made good by the next call.
      const uint64_t position = reader_.reader().stream_pos();
      if (position != drained_) rings_->note_drained(0, position);
      drained_ = position;
      if (reader_.last_sequence() == total_ && !caught_up_.exchange(true)) caught_up_.notify_all();
      if (stop_.load(std::memory_order_acquire)) return;
      if (plan_.polls) {
        simulation_.pause();
      } else {
        reader_.reader().wait(1'000'000'000);
      }
    }
  }

  Simulation& simulation_;
  const Plan plan_;
  RingCounts& counts_;
  std::unique_ptr<kmes::UserRings> rings_;
  CheckingReader reader_;
  Atomic<bool> stop_{false};
  Atomic<bool> caught_up_{false};  // everything that was ever emitted has been read
  uint64_t total_ = 0;
  uint64_t drained_ = 0;  // reader's
  std::array<uint8_t, kEmittersMax> last_{};
};

Findings explore_rings(const char* name, uint64_t count, const Plan& plan,
                       Omission omission = Omission::kNone) {
  RingCounts counts;
  ScheduleOptions options;
  options.omission = omission;
  const Findings findings = explore(
      name, count,
      [&](Simulation& sim) { UserRingsScenario(sim, plan, counts).run(); }, options);
  counts.print();
  return findings;
}

TEST(UserRingsSchedule, EmittersShareARing) {
  const Findings findings =
      explore_rings("emitting", schedule_count(8'000, 700'000), {});
  EXPECT_FALSE(findings.failed) << findings.failure;
}

TEST(UserRingsSchedule, OneEmitterUsesRoomThatAnotherMade) {
  const Findings findings =
      explore_rings("emitting unevenly", schedule_count(8'000, 700'000), {.uneven = true});
  EXPECT_FALSE(findings.failed) << findings.failure;
}

TEST(UserRingsSchedule, LosslessEventsAllArrive) {
  const Findings findings =
      explore_rings("lossless", schedule_count(8'000, 700'000), {.lossless = true});
  EXPECT_FALSE(findings.failed) << findings.failure;
}

TEST(UserRingsSchedule, LosslessEmittersAreWokenByAReaderThatNeverSleeps) {
  const Findings findings = explore_rings("lossless, polled", schedule_count(8'000, 700'000),
                                          {.lossless = true, .polls = true});
  EXPECT_FALSE(findings.failed) << findings.failure;
}

TEST(UserRingsSchedule, OverwritingWhileTheRingIsReplaced) {
  const Findings findings = explore_rings("generations", schedule_count(8'000, 700'000),
                                          {.resizes_max = 5});
  EXPECT_FALSE(findings.failed) << findings.failure;
}

TEST(UserRingsSchedule, NothingLosslessIsLostWhileTheRingIsReplaced) {
  const Findings findings = explore_rings("lossless generations", schedule_count(8'000, 700'000),
                                          {.lossless = true, .resizes_max = 5});
  EXPECT_FALSE(findings.failed) << findings.failure;
}

struct MissingInUserRings {
  const char* name;
  Omission omission;
  Plan plan;
};

class UserRingsBarrier : public testing::TestWithParam<MissingInUserRings> {};

TEST_P(UserRingsBarrier, IsNeeded) {
  const Findings findings = explore_rings(GetParam().name, kLeftOutMax,
                                          GetParam().plan, GetParam().omission);
  std::printf("%s", findings.failure.substr(0, findings.failure.find('\n') + 1).c_str());
  EXPECT_TRUE(findings.failed) << "left out and not missed";
}

INSTANTIATE_TEST_SUITE_P(
    LeftOut, UserRingsBarrier,
    testing::Values(
        MissingInUserRings{"AcquireOfRingLock", Omission::kRingLockAcquire, {}},
        MissingInUserRings{"StoreBarrierOfBatch", Omission::kStoreBarrierOfBatch, {.uneven = true}},
        MissingInUserRings{"ReleaseOfGeneration", Omission::kGenerationRelease,
                           {.lossless = true, .resizes_max = 5}},
        MissingInUserRings{"AcquireOfGeneration", Omission::kGenerationAcquire,
                           {.lossless = true, .resizes_max = 5}},
        MissingInUserRings{"FullBarrierAfterUnlock", Omission::kFullBarrierOfWriter, {}},
        MissingInUserRings{"FullBarrierOfWaitForRoom", Omission::kFullBarrierOfWriter,
                           {.lossless = true, .polls = true}},
        MissingInUserRings{"FullBarrierOfNoteDrained", Omission::kFullBarrierOfReader,
                           {.lossless = true, .polls = true}},
        MissingInUserRings{"MutexOfNoteDrained", Omission::kMutexOfReader,
                           {.lossless = true, .polls = true}},
        MissingInUserRings{"NotifyOfNoteDrained", Omission::kNotifyOfFirstCondVar,
                           {.lossless = true, .polls = true}}),
    [](const auto& missing) { return std::string(missing.param.name); });

}  // namespace
}  // namespace eventd::schedule
