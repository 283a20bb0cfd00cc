// How long an event takes from its timestamp in the ring to a durable commit, under an even load.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "bench/bench.h"
#include "bench/event_set.h"
#include "bench/process.h"
#include "engine/ingest/event_ingest.h"

namespace eventd::bench {
namespace {

constexpr uint32_t kLatencyShards = 2;
constexpr uint64_t kLatencyRingBytes = 16 << 20;
constexpr int64_t kEventsPerSecond = 50'000;
constexpr size_t kPacedBatch = 10;  // one emitter's, every 400 us

using Time = std::chrono::steady_clock::time_point;

// Half of the rate. False when the machine could not keep it up.
bool emit_paced(kmes::UserRings& rings, const EventSet& events, size_t first, Time start, int seconds) {
  const int64_t per_emitter = kEventsPerSecond / 2;
  const std::chrono::nanoseconds pause(static_cast<int64_t>(kPacedBatch) * 1'000'000'000 / per_emitter);
  const int64_t batches = per_emitter * seconds / static_cast<int64_t>(kPacedBatch);
  std::vector<kmes::EmitEntry> entries;
  size_t at = first;
  for (int64_t i = 0; i < batches; ++i) {
    std::this_thread::sleep_until(start + i * pause);
    entries.clear();
    for (size_t n = 0; n < kPacedBatch; ++n, ++at)
      entries.push_back({events.event_type(at % events.size()), events.payload(at % events.size())});
    const WorkloadEvent& event = events.event(at % events.size());
    const Workload& workload = events.workload();
    rings.emit(entries, {workload.effective_token_guid(event), workload.true_token_guid(event),
                         workload.process_guid(event), event.origin_class});
  }
  return std::chrono::steady_clock::now() < start + batches * pause + std::chrono::milliseconds(200);
}

struct Ages {
  double p50_ms = 0, p99_ms = 0, max_ms = 0;
  bool kept_pace = false;
};

Result<Ages> run_paced(const BenchOptions& options, const EventSet& events, int64_t latency_ns) {
  ASSIGN_OR_RETURN(const auto directory, TemporaryDirectory::create(options.work_directory));
  ASSIGN_OR_RETURN(const auto shards, engine::ShardSet::open({.directory = directory->path(),
                                                              .shard_count = kLatencyShards}));
  ASSIGN_OR_RETURN(const auto rings, kmes::UserRings::create(kLatencyShards, kLatencyRingBytes));
  ASSIGN_OR_RETURN(const auto ingest,
                   engine::EventIngest::start(*shards, *rings,
                                              {.boot_id = events.workload().boot_id(),
                                               .max_batch_latency_ns = latency_ns}));
  const Time start = std::chrono::steady_clock::now() + std::chrono::milliseconds(10);
  std::atomic<bool> kept_pace{true};
  std::vector<std::thread> emitters;
  for (size_t i = 0; i < 2; ++i) {
    emitters.emplace_back([&, i] {
      if (!emit_paced(*rings, events, i * events.size() / 2, start, options.seconds)) kept_pace = false;
    });
  }
  for (std::thread& emitter : emitters) emitter.join();
  ingest->stop();
  const auto counts = ingest->commit_ages();
  const auto ms = [&](double share) {
    return static_cast<double>(engine::CommitAges::quantile(counts, share)) / 1e6;
  };
  return Ages{ms(0.5), ms(0.99), ms(1), kept_pace};
}

}  // namespace

void bench_latency(const BenchOptions& options, Report& report) {
  const EventSet events(std::min<uint64_t>(options.rows, 100'000), recent_day_begin_ns());
  const int64_t latency_ns = engine::EventIngestOptions{}.max_batch_latency_ns;
  Measurement measurement{.name = "event to durable commit at 50,000 events/s, p99",
                          .unit = "ms",
                          .higher_is_better = false,
                          .peer = "max_batch_latency"};
  Samples p50, max;
  bool kept_pace = true;
  for (int run = 0; run < options.runs; ++run) {
    const auto ages = run_paced(options, events, latency_ns);
    if (!ages.ok()) {
      measurement.failed = true;
      measurement.note = ages.error().message;
      break;
    }
    measurement.eventd.add(ages->p99_ms);
    measurement.peer_values.add(static_cast<double>(latency_ns) / 1e6);
    p50.add(ages->p50_ms);
    max.add(ages->max_ms);
    kept_pace = kept_pace && ages->kept_pace;
  }
  if (!measurement.failed) {
    measurement.note = fmt::format("p50 {:.2f}, max {:.2f} ms{}", p50.median(), max.median(),
                                   kept_pace ? "" : "; the emitters fell behind");
  }
  report.add(std::move(measurement));
}

}  // namespace eventd::bench
