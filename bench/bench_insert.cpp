// Single durable INSERTs, each its own transaction, prepared, beside PostgreSQL.
#include <fmt/format.h>

#include "bench/bench.h"
#include "bench/eventd_server.h"
#include "bench/pgbench.h"
#include "bench/postgres_server.h"
#include "bench/workload.h"

namespace eventd::bench {
namespace {

// pgbench would take `:true` for a variable: a space after each colon.
std::string insert_script() {
  Workload workload(1, recent_day_begin_ns());
  const WorkloadEvent event = workload.next();
  std::string json, spaced;
  workload.append_json(event, json);
  for (const char c : json) {
    spaced += c;
    if (c == ':') spaced += ' ';
  }
  return fmt::format("INSERT INTO events (event_type, payload) VALUES ('{}', '{}');\n",
                     workload.event_type(event), spaced);
}

Status measure(const BenchOptions& options, const EventdServer& eventd, const PostgresServer& postgres,
               int clients, Measurement& measurement) {
  const PgbenchRun load{.program = options.postgres_bin + "/pgbench", .script = insert_script(),
                        .prepared = true, .clients = clients, .seconds = options.seconds};
  Samples our_cpu, their_cpu;
  for (int run = 0; run < options.runs; ++run) {
    double before = postgres.cpu_seconds();
    ASSIGN_OR_RETURN(const auto theirs, run_pgbench(load, postgres.target(), options.work_directory));
    measurement.peer_values.add(theirs.tps);
    their_cpu.add((postgres.cpu_seconds() - before) * 1e6 / static_cast<double>(theirs.transactions));
    before = eventd.cpu_seconds();
    ASSIGN_OR_RETURN(const auto ours, run_pgbench(load, eventd.target(), options.work_directory));
    measurement.eventd.add(ours.tps);
    our_cpu.add((eventd.cpu_seconds() - before) * 1e6 / static_cast<double>(ours.transactions));
  }
  measurement.note = fmt::format("CPU {:.0f} us each, PostgreSQL {:.0f}", our_cpu.median(),
                                 their_cpu.median());
  measurement.peak_rss_kib = eventd.peak_rss_kib();
  return {};
}

Status run(const BenchOptions& options, Report& report) {
  ASSIGN_OR_RETURN(const auto postgres,
                   PostgresServer::start(options.postgres_bin, options.work_directory));
  RETURN_IF_ERROR(postgres->create_events_table());
  ASSIGN_OR_RETURN(const auto directory, TemporaryDirectory::create(options.work_directory));
  ASSIGN_OR_RETURN(const auto eventd, EventdServer::start(options.eventd, directory->path()));
  for (const int clients : {1, 8, 32}) {
    Measurement measurement{.name = fmt::format("INSERT, {} clients", clients), .unit = "tps",
                            .peer = "PostgreSQL"};
    const Status status = measure(options, *eventd, *postgres, clients, measurement);
    measurement.failed = !status.ok();
    if (!status.ok()) measurement.note = status.error().message;
    report.add(std::move(measurement));
  }
  return {};
}

}  // namespace

void bench_insert(const BenchOptions& options, Report& report) {
  if (const Status status = run(options, report); !status.ok()) {
    report.add({.name = "INSERT", .unit = "tps", .note = status.error().message, .failed = true});
  }
}

}  // namespace eventd::bench
