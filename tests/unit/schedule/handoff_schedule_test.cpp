// The handoff under schedules: several producers, one writer, closing.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "engine/ingest/handoff.h"
#include "support/schedule/explore.h"
#include "support/schedule/sync.h"

namespace eventd::schedule {
namespace {

using engine::DrainedBatch;
using engine::Handoff;

constexpr int kProducersMax = 3;
constexpr int64_t kForEver = 1'000'000'000;

struct HandoffCounts {
  uint64_t batches = 0, items = 0, cancelled = 0, refused = 0;
};

/// Producers of batches, somebody who posts, and the writer.
class HandoffScenario {
 public:
  HandoffScenario(Simulation& simulation, HandoffCounts& counts)
      : simulation_(simulation),
        counts_(counts),
        events_max_(simulation.random().between(2, 12)),
        handoff_(events_max_),
        bytes_(simulation.random().one_in(8) ? engine::kHandoffBytesMax / 3 : 0) {}

  void run() {
    Random& random = simulation_.random();
    std::vector<int> threads;
    const uint32_t producers = random.between(1, kProducersMax);
    for (uint32_t i = 0; i < producers; ++i) {
      threads.push_back(simulation_.spawn(Role::kWriter, [this, i] { produce(static_cast<uint16_t>(i)); }));
    }
    if (random.one_in(2)) threads.push_back(simulation_.spawn(Role::kWriter, [this] { post(); }));
    const int writer = simulation_.spawn(Role::kReader, [this] { write(); });
    if (random.one_in(4)) handoff_.set_events_max(random.between(1, events_max_));
    if (random.one_in(4)) {
      // In the middle: nobody may be left waiting, and what was there before has to be taken.
      for (uint32_t pauses = random.below(40); pauses != 0; --pauses) simulation_.pause();
      close();
    }
    for (const int thread : threads) simulation_.join(thread);
    if (!closed_) close();
    simulation_.join(writer);
    check_taken();
  }

 private:
  void close() {
    due_ = put_;
    closed_ = true;
    handoff_.close();
  }

  void produce(uint16_t producer) {
    Random& random = simulation_.random();
    for (uint32_t left = random.between(2, 6); left != 0; --left) {
      const uint32_t rows_max = random.between(1, events_max_);
      DrainedBatch* batch = handoff_.reserve(rows_max, bytes_);
      if (batch == nullptr) {
        simulation_.check(closed_, "refused though it is open");
        ++counts_.refused;
        return;
      }
      reserved_ += batch->reserved_events;
      reserved_bytes_ += batch->reserved_bytes;
      simulation_.check(reserved_ <= events_max_, "more events than the bound");
      simulation_.check(reserved_bytes_ <= engine::kHandoffBytesMax, "more bytes than the bound");
      if (random.one_in(3)) simulation_.pause();
      // Counted down before it is done and up afterwards: never above what the handoff counts.
      if (random.one_in(6)) {
        give_back(*batch);
        ++counts_.cancelled;
        handoff_.cancel(batch);
        continue;
      }
      const uint32_t events = random.between(1, batch->reserved_events);
      batch->cpu_id = producer;
      batch->events = events;
      batch->cover(number_[producer] + 1, number_[producer] + events);
      number_[producer] += events;
      reserved_ -= batch->reserved_events - events;
      handoff_.put(batch);
      put_[producer] = number_[producer];
    }
  }

  void post() {
    for (uint32_t left = simulation_.random().between(1, 5); left != 0; --left) {
      const uint64_t number = posted_ + 1;
      if (!handoff_.post(engine::Fence{[this, number](bool) {
            simulation_.check(number == items_taken_ + 1, "an item came twice or out of order");
            items_taken_ = number;
          }})) {
        simulation_.check(closed_, "refused though it is open");
        return;
      }
      posted_ = number;
    }
  }

  void give_back(const DrainedBatch& batch) {
    reserved_ -= batch.reserved_events;
    reserved_bytes_ -= batch.reserved_bytes;
  }

  void recycle(std::vector<DrainedBatch*>& held, size_t keep) {
    while (held.size() > keep) {
      give_back(*held.front());
      DrainedBatch* batch = held.front();
      held.erase(held.begin());
      handoff_.recycle(batch);
    }
  }

  void write() {
    Random& random = simulation_.random();
    Handoff::Contents contents;
    std::vector<DrainedBatch*> held;
    for (;;) {
      // As the writer does: it never sleeps on batches.
      const bool sleeps = held.empty() && !random.one_in(4);
      if (!handoff_.take(contents, sleeps ? kForEver : 0)) break;
      if (contents.empty() && !sleeps) simulation_.pause();
      for (DrainedBatch* batch : contents.batches) {
        uint64_t& last = taken_[batch->cpu_id];
        simulation_.check(batch->covered_first == last + 1, "a batch came twice or out of order");
        simulation_.check(batch->covered_last - last == batch->rows(), "a batch was changed");
        last = batch->covered_last;
        held.push_back(batch);
        ++counts_.batches;
      }
      for (engine::WriterItem& item : contents.items) {
        std::get<engine::Fence>(item).reached(true);
        ++counts_.items;
      }
      contents.clear();
      recycle(held, random.one_in(2) ? 0 : random.below(static_cast<uint32_t>(held.size() + 1)));
    }
    recycle(held, 0);
  }

  void check_taken() {
    for (size_t i = 0; i < kProducersMax; ++i)
      simulation_.check(taken_[i] >= due_[i] && taken_[i] <= number_[i], "a batch was not taken");
    simulation_.check(items_taken_ == posted_, "an item was accepted and not taken");
  }

  Simulation& simulation_;
  HandoffCounts& counts_;
  const uint32_t events_max_;
  Handoff handoff_;
  const size_t bytes_;

  // What the fibers know together; each line is changed between two points of the schedule.
  uint64_t reserved_ = 0;
  uint64_t reserved_bytes_ = 0;
  std::array<uint64_t, kProducersMax> number_{}, put_{}, due_{}, taken_{};
  uint64_t posted_ = 0, items_taken_ = 0;
  bool closed_ = false;
};

Findings explore_handoff(const char* name, uint64_t count, Omission omission) {
  HandoffCounts counts;
  ScheduleOptions options;
  options.omission = omission;
  const Findings findings = explore(
      name, count, [&](Simulation& sim) { HandoffScenario(sim, counts).run(); }, options);
  const auto number = [](uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf("  %llu batches, %llu items, %llu cancelled, %llu refused after close\n",
              number(counts.batches), number(counts.items), number(counts.cancelled),
              number(counts.refused));
  return findings;
}

TEST(HandoffSchedule, EverythingIsTakenOnceAndNobodyIsLeftWaiting) {
  const Findings findings =
      explore_handoff("handoff", schedule_count(10'000, 1'500'000), Omission::kNone);
  EXPECT_FALSE(findings.failed) << findings.failure;
  if (findings.schedules >= 1000) {
    EXPECT_GT(findings.sleeps, findings.schedules);
  }
}

/// A session that sends chunks and waits for room, the writer that makes it (SqlTransaction).
void rows_in_flight(Simulation& sim) {
  engine::SqlTransaction transaction;
  Handoff handoff(10);
  const int writer = sim.spawn(Role::kReader, [&] {
    Handoff::Contents contents;
    while (handoff.take(contents, kForEver)) {
      for (engine::WriterItem& item : contents.items) std::get<engine::Fence>(item).reached(true);
      contents.clear();
    }
  });
  Atomic<uint32_t> wakes{0};
  uint32_t waits = 0;
  for (uint32_t left = sim.random().between(3, 8); left != 0; --left) {
    const size_t bytes = sim.random().between(1, engine::kStagedBytesInFlight);
    transaction.queued_bytes.fetch_add(bytes);
    handoff.post(engine::Fence{[&transaction, bytes](bool) { transaction.release(bytes); }});
    const auto wake = [&wakes] {
      wakes.fetch_add(1);
      wakes.notify_all();
    };
    // Woken when it is worth asking again: there may be none after all.
    while (!transaction.wait_for_room(wake)) {
      wakes.wait(waits);
      sim.check(wakes.load() == ++waits, "woken twice, or for an earlier wait");
    }
  }
  handoff.close();
  sim.join(writer);
  sim.check(transaction.queued_bytes.load() == 0, "bytes are miscounted");
  sim.check(wakes.load() == waits, "woken for nothing");
}

TEST(HandoffSchedule, ASessionThatWaitsForRoomIsWokenOnce) {
  const Findings findings =
      explore("rows in flight", schedule_count(10'000, 500'000), rows_in_flight);
  EXPECT_FALSE(findings.failed) << findings.failure;
}

TEST(HandoffSchedule, ASessionThatWaitsForRoomNeedsTheMutex) {
  ScheduleOptions options;
  options.omission = Omission::kMutexOfReader;
  const Findings findings = explore("rows in flight, no mutex", kLeftOutMax, rows_in_flight, options);
  EXPECT_TRUE(findings.failed) << "left out and not missed";
}

struct MissingInHandoff {
  const char* name;
  Omission omission;
};

class HandoffNotify : public testing::TestWithParam<MissingInHandoff> {};

TEST_P(HandoffNotify, IsNeeded) {
  const Findings findings =
      explore_handoff(GetParam().name, kLeftOutMax, GetParam().omission);
  std::printf("%s", findings.failure.substr(0, findings.failure.find('\n') + 1).c_str());
  EXPECT_TRUE(findings.failed) << "left out and not missed";
}

INSTANTIATE_TEST_SUITE_P(
    LeftOut, HandoffNotify,
    testing::Values(MissingInHandoff{"NotifyOfTheWriter", Omission::kNotifyOfFirstCondVar},
                    MissingInHandoff{"NotifyOfProducers", Omission::kNotifyOfSecondCondVar},
                    MissingInHandoff{"NotifyOfClose", Omission::kNotifyByMain},
                    MissingInHandoff{"MutexOfTheWriter", Omission::kMutexOfReader}),
    [](const auto& missing) { return std::string(missing.param.name); });

}  // namespace
}  // namespace eventd::schedule
