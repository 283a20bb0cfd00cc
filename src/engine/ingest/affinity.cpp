#include "engine/ingest/affinity.h"

#include <pthread.h>
#include <sched.h>

#include <charconv>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>

#include "log.h"

namespace eventd::engine {
namespace {

constexpr int kNodesMax = 1024;

/// A list as in sysfs: "0-3,8".
bool parse_cpu_list(std::string_view list, cpu_set_t& set) {
  CPU_ZERO(&set);
  const char* at = list.data();
  const char* end = at + list.size();
  while (at < end) {
    unsigned first = 0;
    auto parsed = std::from_chars(at, end, first);
    if (parsed.ec != std::errc()) break;
    unsigned last = first;
    at = parsed.ptr;
    if (at < end && *at == '-') {
      parsed = std::from_chars(at + 1, end, last);
      if (parsed.ec != std::errc()) return false;
      at = parsed.ptr;
    }
    for (unsigned cpu = first; cpu <= last && cpu < CPU_SETSIZE; ++cpu) CPU_SET(cpu, &set);
    if (at < end && *at == ',') ++at;
  }
  return CPU_COUNT(&set) > 0;
}

bool node_of(uint16_t cpu_id, cpu_set_t& set) {
  for (int node = 0; node < kNodesMax; ++node) {
    std::ifstream file("/sys/devices/system/node/node" + std::to_string(node) + "/cpulist");
    std::string list;
    if (!file || !std::getline(file, list)) return false;
    if (parse_cpu_list(list, set) && CPU_ISSET(cpu_id, &set)) return true;
  }
  return false;
}

}  // namespace

void pin_current_thread(EventIngestOptions::Affinity affinity, uint16_t cpu_id) {
  if (affinity == EventIngestOptions::Affinity::kOff || cpu_id >= CPU_SETSIZE) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (affinity == EventIngestOptions::Affinity::kCpu) {
    CPU_SET(cpu_id, &set);
  } else if (!node_of(cpu_id, set)) {
    return;
  }
  if (pthread_setaffinity_np(pthread_self(), sizeof set, &set) != 0)
    log::debug("drain thread of cpu " + std::to_string(cpu_id) + " could not be pinned");
}

}  // namespace eventd::engine
