// The common queries over one day of events, text results fetched by libpq, beside PostgreSQL.
#include <fmt/format.h>

#include <chrono>

#include "bench/bench.h"
#include "bench/database.h"
#include "bench/loaded_servers.h"
#include "bench/query_lists.h"

namespace eventd::bench {
namespace {

// Milliseconds; `rows` gets the number of rows.
Result<double> run_query(Database& database, const std::string& sql, int& rows) {
  const auto start = std::chrono::steady_clock::now();
  ASSIGN_OR_RETURN(rows, database.rows(sql));
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  return took.count();
}

Status measure(const BenchQuery& query, int runs, const LoadedServers& servers, Database& eventd,
               Database& postgres, Measurement& measurement) {
  int our_rows = 0, their_rows = 0;
  double our_cpu = 0, their_cpu = 0;
  // The first run of each only warms the caches.
  for (int run = 0; run <= runs; ++run) {
    ASSIGN_OR_RETURN(const double theirs, run_query(postgres, query.sql, their_rows));
    if (run > 0) {
      measurement.peer_values.add(theirs);
    } else {
      our_cpu = servers.eventd().cpu_seconds();
      their_cpu = servers.postgres().cpu_seconds();
    }
    auto ours = run_query(eventd, query.sql, our_rows);
    // What eventd lacks is a line of the table; PostgreSQL's figure stays useful.
    if (!ours.ok()) {
      if (measurement.note.empty()) measurement.note = ours.error().message;
      measurement.failed = true;
    } else if (run > 0) {
      measurement.eventd.add(*ours);
    }
  }
  if (!measurement.failed) {
    measurement.note = fmt::format("{} rows", our_rows);
    if (our_rows != their_rows) measurement.note += fmt::format(" (PostgreSQL {})", their_rows);
    // The ticks of 10 ms say nothing about short queries.
    our_cpu = (servers.eventd().cpu_seconds() - our_cpu) * 1000 / (runs + 1);
    their_cpu = (servers.postgres().cpu_seconds() - their_cpu) * 1000 / runs;
    if (our_cpu > 20) {
      measurement.note += fmt::format("; CPU {:.0f} ms, PostgreSQL {:.0f} ms", our_cpu, their_cpu);
    }
  }
  return {};
}

using QueryList = std::vector<BenchQuery> (*)(const EventSet&, int64_t);

Status run_all(const BenchOptions& options, QueryList list, Report& report) {
  const int64_t begin_ns = recent_day_begin_ns();
  const EventSet events(options.rows, begin_ns);
  ASSIGN_OR_RETURN(const auto servers, LoadedServers::start(options, events));
  ASSIGN_OR_RETURN(Database eventd, Database::connect(servers->eventd().target()));
  ASSIGN_OR_RETURN(Database postgres, Database::connect(servers->postgres().target()));
  for (const BenchQuery& query : list(events, begin_ns)) {
    Measurement measurement{.name = query.name, .unit = "ms", .higher_is_better = false,
                            .peer = "PostgreSQL"};
    if (const Status status = measure(query, options.runs, *servers, eventd, postgres, measurement); !status.ok()) {
      measurement.note = status.error().message;
      measurement.failed = true;
    }
    measurement.peak_rss_kib = servers->eventd().peak_rss_kib();
    report.add(std::move(measurement));
  }
  return {};
}

}  // namespace

void bench_queries(const BenchOptions& options, Report& report) {
  if (const Status status = run_all(options, common_queries, report); !status.ok()) {
    report.add({.name = "queries", .unit = "ms", .note = status.error().message, .failed = true});
  }
}

void bench_shapes(const BenchOptions& options, Report& report) {
  if (const Status status = run_all(options, shape_queries, report); !status.ok()) {
    report.add({.name = "shapes", .unit = "ms", .note = status.error().message, .failed = true});
  }
}

}  // namespace eventd::bench
