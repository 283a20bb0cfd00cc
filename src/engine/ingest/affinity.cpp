#include "engine/ingest/affinity.h"

#include <pthread.h>
#include <sched.h>

#include <string>

#include "kmes/cpu_topology.h"
#include "log.h"

namespace eventd::engine {
namespace {

/// False when the CPU's node is not known.
bool add_node_of(uint16_t cpu_id, cpu_set_t& set) {
  const auto node = kmes::node_of_cpu(cpu_id);
  if (!node) return false;
  for (const uint32_t cpu : kmes::cpus_of_node(*node)) {
    if (cpu < CPU_SETSIZE) CPU_SET(cpu, &set);
  }
  return true;
}

}  // namespace

void pin_current_thread(EventIngestOptions::Affinity affinity, uint16_t cpu_id) {
  if (affinity == EventIngestOptions::Affinity::kOff || cpu_id >= CPU_SETSIZE) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (affinity == EventIngestOptions::Affinity::kCpu) {
    CPU_SET(cpu_id, &set);
  } else if (!add_node_of(cpu_id, set)) {
    return;
  }
  if (pthread_setaffinity_np(pthread_self(), sizeof set, &set) != 0)
    log::debug("drain thread of cpu " + std::to_string(cpu_id) + " could not be pinned");
}

}  // namespace eventd::engine
