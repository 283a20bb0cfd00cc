// Many schedules of one scenario.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "support/schedule/simulation.h"

namespace eventd::schedule {

struct Findings {
  uint64_t schedules = 0, steps = 0, sleeps = 0, wakes = 0, stale_loads = 0;
  bool failed = false;
  uint64_t seed = 0;    ///< of the schedule that failed
  std::string failure;  ///< with seed and last steps; empty if none failed
};

/// How many schedules a scenario gets: `quick` by default, `thorough` with EVENTD_LONG_TESTS=1,
/// EVENTD_SCHEDULES if set. Fewer by default where a sanitizer makes them slow.
uint64_t schedule_count(uint64_t quick, uint64_t thorough);

/// Within as many something that is left out has to show.
inline constexpr uint64_t kLeftOutMax = 500'000;

/// Runs up to `count` schedules, stops at the first that fails and runs it again for its trace. The
/// seeds follow from one that is printed: the same every time by default, another each time with
/// EVENTD_LONG_TESTS=1. EVENTD_SEED=N: only the schedule with seed N.
Findings explore(const char* name, uint64_t count, const std::function<void(Simulation&)>& scenario,
                 const ScheduleOptions& options = {});

}  // namespace eventd::schedule
