// COPY of types and JSON payloads through the protocol, beside PostgreSQL.
#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "bench/bench.h"
#include "bench/eventd_server.h"
#include "bench/postgres_server.h"
#include "bench/workload.h"

namespace eventd::bench {
namespace {

constexpr size_t kSendBytes = 64 * 1024;

/// COPY data cut into pieces at the ends of rows.
struct CopyData {
  std::vector<std::string> pieces;
  uint64_t rows = 0;
};

CopyData make_copy_data(uint64_t rows) {
  Workload workload(rows, recent_day_begin_ns());
  CopyData data{.pieces = {""}, .rows = rows};
  for (uint64_t i = 0; i < rows; ++i) {
    if (data.pieces.back().size() >= kSendBytes) data.pieces.emplace_back();
    append_copy_row(workload, workload.next(), data.pieces.back());
  }
  return data;
}

Status copy_pieces(const Target& target, const CopyData& data, size_t first, size_t end) {
  ASSIGN_OR_RETURN(Database database, Database::connect(target));
  RETURN_IF_ERROR(database.begin_copy("COPY events (event_type, payload) FROM STDIN"));
  for (size_t i = first; i < end; ++i) RETURN_IF_ERROR(database.put_copy_data(data.pieces[i]));
  ASSIGN_OR_RETURN([[maybe_unused]] const int64_t count, database.end_copy());
  return {};
}

// Rows a second.
Result<double> run_copy(const Target& target, const CopyData& data, size_t connections) {
  std::vector<Status> statuses(connections);
  std::vector<std::thread> threads;
  const auto start = std::chrono::steady_clock::now();
  for (size_t i = 0; i < connections; ++i) {
    threads.emplace_back([&, i] {
      const size_t pieces = data.pieces.size();
      statuses[i] = copy_pieces(target, data, pieces * i / connections, pieces * (i + 1) / connections);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  for (Status& status : statuses) {
    if (!status.ok()) return std::move(status);
  }
  return static_cast<double>(data.rows) / took.count();
}

Status measure(const BenchOptions& options, const CopyData& data, PostgresServer* postgres,
               size_t connections, Measurement& measurement) {
  Samples our_cpu, their_cpu;
  const double to_us_per_row = 1e6 / static_cast<double>(data.rows);
  for (int run = 0; run < options.runs; ++run) {
    {
      ASSIGN_OR_RETURN(const auto directory, TemporaryDirectory::create(options.work_directory));
      ASSIGN_OR_RETURN(const auto server, EventdServer::start(options.eventd, directory->path()));
      ASSIGN_OR_RETURN(const double rate, run_copy(server->target(), data, connections));
      measurement.eventd.add(rate);
      our_cpu.add(server->cpu_seconds() * to_us_per_row);
      measurement.peak_rss_kib = server->peak_rss_kib();
    }
    if (postgres == nullptr) continue;
    RETURN_IF_ERROR(postgres->create_events_table());
    const double cpu_before = postgres->cpu_seconds();
    ASSIGN_OR_RETURN(const double rate, run_copy(postgres->target(), data, connections));
    measurement.peer_values.add(rate);
    their_cpu.add((postgres->cpu_seconds() - cpu_before) * to_us_per_row);
  }
  measurement.note = fmt::format("CPU {:.2f} us a row, PostgreSQL {:.2f}; peak RSS {} MB",
                                 our_cpu.median(), their_cpu.median(), measurement.peak_rss_kib / 1024);
  return {};
}

}  // namespace

void bench_copy(const BenchOptions& options, Report& report) {
  const CopyData data = make_copy_data(options.rows);
  const auto postgres = PostgresServer::start(options.postgres_bin, options.work_directory);
  for (const size_t connections : {1, 2}) {
    Measurement measurement{.name = fmt::format("COPY, {} connection(s)", connections),
                            .unit = "rows/s", .peer = "PostgreSQL"};
    const Status status = measure(options, data, postgres.ok() ? postgres->get() : nullptr,
                                  connections, measurement);
    measurement.failed = !status.ok();
    if (!status.ok()) {
      measurement.note = status.error().message;
    } else if (!postgres.ok()) {
      measurement.note = postgres.error().message;
    }
    report.add(std::move(measurement));
  }
}

}  // namespace eventd::bench
