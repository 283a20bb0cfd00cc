// Where a drain thread runs: setting drain_affinity.
#pragma once

#include <cstdint>

#include "engine/ingest/event_ingest.h"

namespace eventd::engine {

/// Pins the calling thread to the CPU or to its NUMA node. Best effort: a CPU that is not there, or
/// not allowed in this container, leaves the thread where it is.
void pin_current_thread(EventIngestOptions::Affinity affinity, uint16_t cpu_id);

}  // namespace eventd::engine
