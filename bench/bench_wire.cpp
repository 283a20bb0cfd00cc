// What a short request costs, beside PostgreSQL and a server that does nothing.
#include <fmt/format.h>

#include <algorithm>

#include "bench/bench.h"
#include "bench/loaded_servers.h"
#include "bench/pgbench.h"
#include "bench/stub_server.h"

namespace eventd::bench {
namespace {

struct Load {
  std::string name;
  PgbenchRun run;
};

std::vector<Load> loads(const BenchOptions& options, const EventSet& events) {
  const std::string pgbench = options.postgres_bin + "/pgbench";
  uint64_t sequence_max = 1;
  for (size_t i = events.size(); i-- > 0;) {
    if (events.event(i).cpu_id != 0) continue;
    sequence_max = events.event(i).sequence;
    break;
  }
  const std::string point =
      fmt::format("\\set s random(1, {})\nSELECT event_type FROM events WHERE cpu_id = 0 AND "
                  "sequence = :s;\n",
                  sequence_max);
  std::vector<Load> all;
  for (const auto& [name, script] : {std::pair<std::string, std::string>{"SELECT 1", "SELECT 1;\n"},
                                     std::pair<std::string, std::string>{"point select", point}}) {
    for (const bool prepared : {false, true}) {
      for (const int clients : {1, 8, 32}) {
        all.push_back({fmt::format("{}, {}, {}", name, prepared ? "prepared" : "simple", clients),
                       {pgbench, script, prepared, false, clients, options.seconds}});
      }
    }
  }
  all.push_back({"connect + SELECT 1, 8", {pgbench, "SELECT 1;\n", false, true, 8, options.seconds}});
  return all;
}

// One line beside each peer.
void measure(const BenchOptions& options, const Load& load, const LoadedServers& servers,
             const StubServer& stub, Report& report) {
  std::string failure;
  const Target targets[] = {servers.eventd().target(), servers.postgres().target(), stub.target()};
  Samples samples[3], cpu[3];
  const auto cpu_seconds = [&](size_t i) {
    return i == 0 ? servers.eventd().cpu_seconds() : i == 1 ? servers.postgres().cpu_seconds() : 0.0;
  };
  for (int run = 0; run < options.runs; ++run) {
    for (size_t i = 0; i < 3; ++i) {
      const double before = cpu_seconds(i);
      const auto result = run_pgbench(load.run, targets[i], options.work_directory);
      if (result.ok()) {
        samples[i].add(result->tps);
        cpu[i].add((cpu_seconds(i) - before) * 1e6 /
                   static_cast<double>(std::max<int64_t>(result->transactions, 1)));
      } else if (failure.empty()) {
        failure = targets[i].label + ": " + result.error().message;
      }
    }
  }
  std::string note = failure;
  if (note.empty()) {
    note = fmt::format("CPU {:.0f} us each, PostgreSQL {:.0f}", cpu[0].median(), cpu[1].median());
  }
  for (size_t peer = 1; peer < 3; ++peer) {
    report.add({.name = load.name, .unit = "tps", .peer = targets[peer].label, .eventd = samples[0],
                .peer_values = samples[peer], .peak_rss_kib = servers.eventd().peak_rss_kib(),
                .note = note, .failed = !failure.empty()});
  }
}

Status run_all(const BenchOptions& options, Report& report) {
  const EventSet events(options.rows, recent_day_begin_ns());
  ASSIGN_OR_RETURN(const auto servers, LoadedServers::start(options, events));
  ASSIGN_OR_RETURN(const auto stub, StubServer::start(options.work_directory));
  for (const Load& load : loads(options, events)) measure(options, load, *servers, *stub, report);
  return {};
}

}  // namespace

void bench_wire(const BenchOptions& options, Report& report) {
  if (const Status status = run_all(options, report); !status.ok()) {
    report.add({.name = "wire", .unit = "tps", .note = status.error().message, .failed = true});
  }
}

}  // namespace eventd::bench
