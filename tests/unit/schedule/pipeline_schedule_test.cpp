// Emitters, ring, drain thread, handoff and writer together, while the ring is replaced.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "engine/ingest/drain_thread.h"
#include "engine/ingest/handoff.h"
#include "kmes/event_view.h"
#include "kmes/user_rings.h"
#include "support/schedule/explore.h"
#include "support/schedule/sync.h"

namespace eventd::schedule {
namespace {

constexpr uint64_t kRingBytes[] = {256, 512, 1024};

/// Lossless emitters; the real drain thread; a writer that only counts.
class PipelineScenario {
 public:
  explicit PipelineScenario(Simulation& simulation)
      : simulation_(simulation),
        rings_(std::move(kmes::UserRings::create(1, any_capacity())).value()),
        handoff_(simulation.random().between(2, 16)),
        drain_(*rings_, options()) {}

  void run() {
    Random& random = simulation_.random();
    const int writer = simulation_.spawn(Role::kReader, [this] { write(); });
    drain_.start();
    std::vector<int> threads;
    for (uint32_t i = random.between(1, 2); i != 0; --i) {
      const uint32_t events = random.between(1, 6);
      total_ += events;
      threads.push_back(simulation_.spawn(Role::kWriter, [this, events] { emit(events); }));
    }
    if (random.one_in(2)) {
      threads.push_back(simulation_.spawn(Role::kMain, [this] {
        for (uint32_t i = simulation_.random().between(1, 4); i != 0; --i)
          simulation_.check(rings_->resize(any_capacity()).ok(), "a resize failed");
      }));
    }
    for (const int thread : threads) simulation_.join(thread);
    if (random.one_in(2)) {
      // By itself; otherwise stop() has to see to it.
      all_written_.wait(false, std::memory_order_acquire);
    }
    drain_.stop();
    handoff_.close();
    simulation_.join(writer);
    simulation_.check(written_ == total_, "an event was not written");
    simulation_.check(drain_.last_sequence() == total_, "the last sequence is another one");
    simulation_.check(drain_.finished(), "stopped and not finished");
  }

 private:
  uint64_t any_capacity() { return kRingBytes[simulation_.random().below(std::size(kRingBytes))]; }

  engine::DrainThreadOptions options() {
    engine::DrainThreadOptions options;
    options.handoffs = {&handoff_};
    options.affinity = engine::EventIngestOptions::Affinity::kOff;
    return options;
  }

  void emit(uint32_t events) {
    static constexpr std::array<uint8_t, 36> kPayload{};
    while (events != 0) {
      const uint32_t size = std::min(events, simulation_.random().between(1, 3));
      std::vector<kmes::EmitEntry> entries(
          size, {"p", ByteSpan(kPayload).first(simulation_.random().below(kPayload.size()))});
      simulation_.check(rings_->emit_lossless(entries, {}), "a lossless emit gave up");
      events -= size;
    }
  }

  void write() {
    engine::Handoff::Contents contents;
    while (handoff_.take(contents, 1'000'000'000)) {
      for (engine::DrainedBatch* batch : contents.batches) {
        simulation_.check(batch->gaps.empty(), "a lossless event is missing");
        simulation_.check(batch->covered_first == written_ + 1, "a batch is out of order");
        const ByteSpan bytes = batch->arena.used();
        size_t at = 0;
        for (uint32_t i = 0; i < batch->events; ++i) {
          const kmes::EventView event(bytes.data() + at);
          simulation_.check(kmes::EventView::check_structure(event.data(), bytes.size() - at,
                                                             bytes.size() - at),
                            "an event is damaged");
          simulation_.check(event.sequence() == ++written_, "an event is missing or came twice");
          at += event.event_size();
        }
        simulation_.check(at == bytes.size() && batch->covered_last == written_, "a batch is damaged");
        handoff_.recycle(batch);
      }
      contents.clear();
      if (written_ == total_ && !all_written_.exchange(true)) all_written_.notify_all();
    }
  }

  Simulation& simulation_;
  std::unique_ptr<kmes::UserRings> rings_;
  engine::Handoff handoff_;
  engine::DrainThread drain_;
  Atomic<bool> all_written_{false};
  uint64_t total_ = 0;
  uint64_t written_ = 0;  // writer's
};

TEST(PipelineSchedule, LosslessEventsAreWrittenOnceWhileTheRingIsReplaced) {
  const Findings findings = explore("pipeline", schedule_count(5'000, 500'000),
                                    [](Simulation& sim) { PipelineScenario(sim).run(); });
  EXPECT_FALSE(findings.failed) << findings.failure;
}

}  // namespace
}  // namespace eventd::schedule
