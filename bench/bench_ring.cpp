// Ring → drain thread → batch writer → durable commit, beside a loop of bare SQLite.
#include <fmt/format.h>
#include <pthread.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "bench/bench.h"
#include "bench/event_set.h"
#include "bench/process.h"
#include "engine/ingest/event_ingest.h"
#include "engine/storage/event_schema.h"
#include "engine/storage/sqlite.h"

namespace eventd::bench {
namespace {

constexpr uint32_t kShards = 2;
constexpr uint64_t kRingBytes = 4 << 20;
constexpr size_t kEmitBatch = 64;
constexpr size_t kRowsPerTransaction = 10'000;
constexpr uint32_t kPageBytes = 16'384;
constexpr int kCheckpointPages = (8 << 20) / kPageBytes;  // as often as a shard

using SteadyClock = std::chrono::steady_clock;

double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void pin_to_cpu(uint32_t cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu % std::max(1u, std::thread::hardware_concurrency()), &set);
  (void)::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
}

struct Rate {
  double events_per_second = 0;
  double cpu_us_per_event = 0;
};

uint64_t committed_rows(engine::ShardSet& shards) {
  uint64_t rows = 0;
  for (uint32_t i = 0; i < shards.shard_count(); ++i) rows += shards.shard(i).committed_rows();
  return rows;
}

// One emitter's events, a stamp for every batch.
void emit(kmes::UserRings& rings, const EventSet& events, size_t start, size_t end) {
  std::vector<kmes::EmitEntry> entries;
  for (size_t at = start; at < end; at += entries.size()) {
    entries.clear();
    for (size_t i = at; i < std::min(at + kEmitBatch, end); ++i) {
      entries.push_back({events.event_type(i), events.payload(i)});
    }
    const WorkloadEvent& first = events.event(at);
    const Workload& workload = events.workload();
    const kmes::EventStamp stamp{workload.effective_token_guid(first),
                                 workload.true_token_guid(first), workload.process_guid(first),
                                 first.origin_class};
    if (!rings.emit_lossless(entries, stamp)) return;
  }
}

Result<Rate> run_pipeline(const BenchOptions& options, const EventSet& events) {
  ASSIGN_OR_RETURN(const auto directory, TemporaryDirectory::create(options.work_directory));
  ASSIGN_OR_RETURN(const auto shards,
                   engine::ShardSet::open({.directory = directory->path(), .shard_count = kShards}));
  ASSIGN_OR_RETURN(const auto rings, kmes::UserRings::create(kShards, kRingBytes));
  ASSIGN_OR_RETURN(const auto ingest,
                   engine::EventIngest::start(*shards, *rings, {.boot_id = events.workload().boot_id()}));
  const uint64_t before = committed_rows(*shards);
  const double cpu_before = cpu_seconds();
  const auto start = SteadyClock::now();
  std::vector<std::thread> emitters;
  for (uint32_t i = 0; i < kShards; ++i) {
    emitters.emplace_back([&, i] {
      pin_to_cpu(i);
      emit(*rings, events, events.size() * i / kShards, events.size() * (i + 1) / kShards);
    });
  }
  for (std::thread& emitter : emitters) emitter.join();
  while (committed_rows(*shards) < before + events.size()) {
    if (seconds_since(start) > 300) return Status(sqlstate::kIoError, "events were not committed");
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  const auto count = static_cast<double>(events.size());
  const Rate rate{count / seconds_since(start), (cpu_seconds() - cpu_before) * 1e6 / count};
  ingest->stop();
  return rate;
}

Status write_rows(const EventSet& events, const std::string& path, size_t first, size_t end) {
  ASSIGN_OR_RETURN(auto connection, engine::sqlite::Connection::open(
                                        path, {.page_size_bytes = kPageBytes, .cache_kib = 3 * 1024}));
  RETURN_IF_ERROR(engine::event_schema::create(connection, engine::CarriedOver{}));
  sqlite3_wal_autocheckpoint(connection.raw(), kCheckpointPages);
  ASSIGN_OR_RETURN(auto insert, connection.prepare(engine::event_schema::insert_sql(0)));
  int64_t id = 0;
  for (size_t start = first; start < end; start += kRowsPerTransaction) {
    RETURN_IF_ERROR(connection.exec("BEGIN IMMEDIATE"));
    for (size_t i = start; i < std::min(start + kRowsPerTransaction, end); ++i) {
      const engine::EventRow row = events.row(i);
      insert.bind(1, ++id);
      insert.bind_blob(2, row.boot_id, 16);
      insert.bind(3, row.timestamp_ns);
      insert.bind(4, *row.cpu_id);
      insert.bind(5, static_cast<int64_t>(*row.sequence));
      insert.bind(6, *row.origin_class);
      insert.bind_text(7, row.event_type);
      insert.bind_blob(8, row.effective_token_guid, 16);
      insert.bind_blob(9, row.true_token_guid, 16);
      insert.bind_blob(10, row.process_guid, 16);
      insert.bind_blob(11, row.payload.data(), row.payload.size());
      RETURN_IF_ERROR(insert.run());
    }
    RETURN_IF_ERROR(connection.exec("COMMIT"));
  }
  return {};
}

Result<Rate> run_raw(const BenchOptions& options, const EventSet& events) {
  ASSIGN_OR_RETURN(const auto directory, TemporaryDirectory::create(options.work_directory));
  const double cpu_before = cpu_seconds();
  const auto start = SteadyClock::now();
  std::vector<std::thread> writers;
  Status statuses[kShards];
  for (uint32_t i = 0; i < kShards; ++i) {
    writers.emplace_back([&, i] {
      statuses[i] = write_rows(events, fmt::format("{}/raw-{}.db", directory->path(), i),
                               events.size() * i / kShards, events.size() * (i + 1) / kShards);
    });
  }
  for (std::thread& writer : writers) writer.join();
  for (Status& status : statuses) {
    if (!status.ok()) return std::move(status);
  }
  const auto count = static_cast<double>(events.size());
  return Rate{count / seconds_since(start), (cpu_seconds() - cpu_before) * 1e6 / count};
}

}  // namespace

void bench_ring(const BenchOptions& options, Report& report) {
  bench_ring_memory(options, report);
  const EventSet events(options.rows, recent_day_begin_ns());
  Measurement measurement{.name = "ring to durable commit", .unit = "events/s", .peer = "raw SQLite"};
  Samples cpu, raw_cpu;
  for (int run = 0; run < options.runs; ++run) {
    const auto pipeline = run_pipeline(options, events);
    const auto raw = run_raw(options, events);
    if (!pipeline.ok() || !raw.ok()) {
      measurement.failed = true;
      measurement.note = pipeline.ok() ? raw.error().message : pipeline.error().message;
      break;
    }
    measurement.eventd.add(pipeline->events_per_second);
    measurement.peer_values.add(raw->events_per_second);
    cpu.add(pipeline->cpu_us_per_event);
    raw_cpu.add(raw->cpu_us_per_event);
  }
  if (!measurement.failed) {
    measurement.note = fmt::format("CPU {:.2f} us an event, emitters included; raw {:.2f}",
                                   cpu.median(), raw_cpu.median());
  }
  report.add(std::move(measurement));
}

}  // namespace eventd::bench
