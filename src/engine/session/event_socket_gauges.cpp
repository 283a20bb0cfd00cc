#include "engine/session/event_socket_gauges.h"

#include <array>
#include <string>

namespace eventd::engine {
namespace {

struct SocketReading {
  const char* name;
  uint64_t kmes::EventSocketStats::*count;
};
using Stats = kmes::EventSocketStats;
constexpr std::array<SocketReading, 10> kSocketReadings = {{
    {"connections_accepted", &Stats::connections_accepted},
    {"connections_refused", &Stats::connections_refused},
    {"connections_open", &Stats::connections_open},
    {"events_accepted", &Stats::events_accepted},
    {"events_invalid", &Stats::events_invalid},
    {"events_too_large", &Stats::events_too_large},
    {"protocol_errors", &Stats::protocol_errors},
    {"backpressure_pauses", &Stats::backpressure_pauses},
    {"rate_pauses", &Stats::rate_pauses},
    {"wake_ups", &Stats::wake_ups},
}};
static_assert(sizeof(Stats) == kSocketReadings.size() * sizeof(uint64_t), "every counter is read");

}  // namespace

std::vector<std::unique_ptr<StatsRegistry::Gauge>> event_socket_gauges(
    const kmes::EventSocket& socket) {
  std::vector<std::unique_ptr<StatsRegistry::Gauge>> gauges;
  for (const SocketReading& reading : kSocketReadings) {
    gauges.push_back(stats().add_gauge(std::string("event_socket.") + reading.name,
                                       [&socket, count = reading.count] {
                                         return static_cast<double>(socket.stats().*count);
                                       }));
  }
  return gauges;
}

}  // namespace eventd::engine
