#include "support/schedule/explore.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <string_view>

namespace eventd::schedule {
namespace {

bool thorough() {
  const char* value = std::getenv("EVENTD_LONG_TESTS");
  return value != nullptr && std::string_view(value) == "1";
}

uint64_t first_seed() {
  // One for the whole run, so that one line tells it.
  static const uint64_t seed = thorough() ? uint64_t{std::random_device{}()} << 20 : 1;
  return seed;
}

void describe(Findings& findings, const char* name, const Simulation::Outcome& outcome) {
  const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
  findings.failure = std::string(name) + ": " + outcome.failure + "\nagain: EVENTD_SEED=" +
                     std::to_string(findings.seed) + " schedule_test --gtest_filter='" +
                     test->test_suite_name() + "." + test->name() + "'\nlast steps:\n";
  for (const std::string& line : outcome.trace) findings.failure += "  " + line + "\n";
}

}  // namespace

uint64_t schedule_count(uint64_t quick, uint64_t thorough_count) {
  if (const char* value = std::getenv("EVENTD_SCHEDULES")) return std::strtoull(value, nullptr, 0);
#if defined(__SANITIZE_ADDRESS__)
  quick /= 4;  // each takes several times as long
#endif
  return thorough() ? thorough_count : quick;
}

Findings explore(const char* name, uint64_t count, const std::function<void(Simulation&)>& scenario,
                 const ScheduleOptions& options) {
  static Simulation simulation;
  Findings findings;
  uint64_t seed = first_seed();
  if (const char* only = std::getenv("EVENTD_SEED")) {
    seed = std::strtoull(only, nullptr, 0);
    count = 1;
  }
  const uint64_t first = seed;
  const std::clock_t start = std::clock();
  for (; findings.schedules < count && !findings.failed; ++seed) {
    const Simulation::Outcome& outcome = simulation.run(seed, options, scenario);
    ++findings.schedules;
    findings.steps += outcome.steps;
    findings.sleeps += outcome.sleeps;
    findings.wakes += outcome.wakes;
    findings.stale_loads += outcome.stale_loads;
    if (!outcome.failed) continue;
    findings.failed = true;
    findings.seed = seed;
    ScheduleOptions again = options;
    again.trace = true;
    describe(findings, name, simulation.run(seed, again, scenario));
  }
  const double cpu_seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  const auto number = [](uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf("%s: %llu schedules from seed %llu, %.0f a CPU second; %llu steps, %llu sleeps, "
              "%llu wake-ups, %llu old values read%s\n",
              name, number(findings.schedules), number(first),
              static_cast<double>(findings.schedules) / std::max(cpu_seconds, 1e-3),
              number(findings.steps), number(findings.sleeps), number(findings.wakes),
              number(findings.stale_loads), findings.failed ? "; one failed" : "");
  return findings;
}

}  // namespace eventd::schedule
