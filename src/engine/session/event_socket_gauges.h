// What the event socket counts, as statistics.
#pragma once

#include <memory>
#include <vector>

#include "engine/stats/registry.h"
#include "kmes/event_socket.h"

namespace eventd::engine {

/// Readings `event_socket.…` of every counter in EventSocketStats. `socket` outlives them.
std::vector<std::unique_ptr<StatsRegistry::Gauge>> event_socket_gauges(
    const kmes::EventSocket& socket);

}  // namespace eventd::engine
