// evbench: measures eventd beside its peers, all in one run.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include "bench/baseline.h"
#include "bench/bench.h"
#include "bench/workload.h"

namespace {

using eventd::bench::BenchOptions;
using eventd::bench::Report;

constexpr char kUsage[] =
    "evbench: measures eventd beside PostgreSQL, SQLite and a server that does nothing\n"
    "\n"
    "usage: evbench [--only NAME] [--rows N] [--runs N] [--seconds N] [--json FILE] [--baseline FILE]\n"
    "       evbench --generate N\n"
    "  --only NAME       one of: ring latency validate segments copy insert queries shapes wire (may be repeated)\n"
    "  --rows N          events in the workload (default 1000000)\n"
    "  --runs N          runs of each measurement; the median counts (default 3)\n"
    "  --seconds N       length of one pgbench run (default 3)\n"
    "  --json FILE       the figures, for programs\n"
    "  --baseline FILE   fails when a ratio is 15 % below the file's (bench/baseline.tsv)\n"
    "  --save-baseline FILE  puts this run's ratios there\n"
    "  --work DIR        where data directories are made (default $TMPDIR or /tmp)\n"
    "  --eventd FILE     the server (default: beside this program)\n"
    "  --postgres DIR    folder of initdb, postgres, pgbench (default /usr/lib/postgresql/15/bin)\n"
    "  --generate N      prints N events of the last 24 hours for\n"
    "                    \\copy events (event_type, payload) from 'FILE'\n";

struct Group {
  const char* name;
  void (*run)(const BenchOptions&, Report&);
};
constexpr Group kGroups[] = {{"ring", eventd::bench::bench_ring},
                             {"latency", eventd::bench::bench_latency},
                             {"validate", eventd::bench::bench_validate},
                             {"segments", eventd::bench::bench_segments},
                             {"copy", eventd::bench::bench_copy},
                             {"insert", eventd::bench::bench_insert},
                             {"queries", eventd::bench::bench_queries},
                             {"shapes", eventd::bench::bench_shapes},
                             {"wire", eventd::bench::bench_wire}};

struct Arguments {
  BenchOptions options;
  std::vector<std::string> only;
  std::string json, baseline, save_baseline;
  uint64_t generate = 0;
};

int usage_error(const std::string& what) {
  std::fprintf(stderr, "evbench: %s\n%s", what.c_str(), kUsage);
  return 2;
}

bool parse_count(const char* text, uint64_t max, uint64_t& value) {
  char* end = nullptr;
  value = std::strtoull(text, &end, 10);
  return *text >= '0' && *text <= '9' && *end == '\0' && value >= 1 && value <= max;
}

// 0 = go on, else the exit status.
int parse_value(const std::string& name, const char* value, Arguments& arguments) {
  uint64_t count = 0;
  if (name == "--only") {
    const bool known = std::any_of(std::begin(kGroups), std::end(kGroups),
                                   [&](const Group& group) { return group.name == std::string(value); });
    if (!known) return usage_error(fmt::format("no group \"{}\"", value));
    arguments.only.emplace_back(value);
  } else if (name == "--json") {
    arguments.json = value;
  } else if (name == "--baseline") {
    arguments.baseline = value;
  } else if (name == "--save-baseline") {
    arguments.save_baseline = value;
  } else if (name == "--work") {
    arguments.options.work_directory = value;
  } else if (name == "--eventd") {
    arguments.options.eventd = value;
  } else if (name == "--postgres") {
    arguments.options.postgres_bin = value;
  } else if (name == "--rows" || name == "--runs" || name == "--seconds" || name == "--generate") {
    const uint64_t max = name == "--runs" || name == "--seconds" ? 1000 : 100'000'000;
    if (!parse_count(value, max, count)) {
      return usage_error(fmt::format("{} wants a number from 1 to {}", name, max));
    }
    if (name == "--rows") arguments.options.rows = count;
    if (name == "--runs") arguments.options.runs = static_cast<int>(count);
    if (name == "--seconds") arguments.options.seconds = static_cast<int>(count);
    if (name == "--generate") arguments.generate = count;
  } else {
    return usage_error("unknown argument \"" + name + "\"");
  }
  return 0;
}

int generate(uint64_t count) {
  eventd::bench::Workload workload(count, eventd::bench::recent_day_begin_ns());
  std::string text;
  for (uint64_t i = 0; i < count; ++i) {
    append_copy_row(workload, workload.next(), text);
    if (text.size() < (1 << 16) && i + 1 < count) continue;
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) break;
    text.clear();
  }
  if (std::fflush(stdout) == 0 && text.empty()) return 0;
  std::perror("evbench: cannot write");
  return 1;
}

// False when a file can't be read or written, or a ratio is worse than before.
bool save_and_compare(const Arguments& arguments, const Report& report) {
  const auto fine = [](const eventd::Status& status) {
    if (!status.ok()) std::fprintf(stderr, "evbench: %s\n", status.error().message.c_str());
    return status.ok();
  };
  const BenchOptions& options = arguments.options;
  if (!arguments.json.empty() &&
      !fine(report.write_json(arguments.json, options.rows, options.runs))) {
    return false;
  }
  bool holds = true;
  if (!arguments.baseline.empty()) {
    auto baseline = eventd::bench::Baseline::read(arguments.baseline);
    if (!baseline.ok()) return fine(std::move(baseline).take_status());
    holds = baseline->holds(report, options.rows);
  }
  if (arguments.save_baseline.empty()) return holds;
  return fine(eventd::bench::Baseline::update(arguments.save_baseline, report, options.rows)) && holds;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  BenchOptions& options = arguments.options;
  if (const char* directory = std::getenv("TMPDIR")) options.work_directory = directory;
  options.postgres_bin = "/usr/lib/postgresql/15/bin";
  std::error_code error;
  options.eventd = std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / "eventd";
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--help") == 0) {
      std::fputs(kUsage, stdout);
      return 0;
    }
    if (i + 1 == argc) return usage_error(fmt::format("no value for \"{}\"", argv[i]));
    if (const int status = parse_value(argv[i], argv[i + 1], arguments); status != 0) return status;
    ++i;
  }
  if (arguments.generate > 0) return generate(arguments.generate);

  Report report;
  report.print_heading();
  for (const Group& group : kGroups) {
    const auto& only = arguments.only;
    if (only.empty() || std::find(only.begin(), only.end(), group.name) != only.end()) {
      group.run(options, report);
    }
  }
  const bool holds = save_and_compare(arguments, report);
  return holds && !report.any_failed() ? 0 : 1;
}
