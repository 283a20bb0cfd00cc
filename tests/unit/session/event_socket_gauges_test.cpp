#include "engine/session/event_socket_gauges.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <map>

namespace eventd::engine {
namespace {

std::map<std::string, double> socket_readings() {
  std::map<std::string, double> readings;
  for (const Statistic& statistic : stats().read()) {
    if (statistic.name.starts_with("event_socket.")) readings[statistic.name] = statistic.value;
  }
  return readings;
}

TEST(EventSocketGauges, AreThereWhileTheSocketIs) {
  auto rings = kmes::UserRings::create(1, KMES_CAPACITY_MIN);
  ASSERT_TRUE(rings.ok());
  kmes::EventSocketOptions options;
  options.path = "/tmp/gauges-test-" + std::to_string(getpid()) + ".sock";
  auto socket = kmes::EventSocket::start(**rings, options);
  ASSERT_TRUE(socket.ok()) << socket.error().message;
  {
    const auto gauges = event_socket_gauges(**socket);
    const auto readings = socket_readings();
    EXPECT_EQ(readings.size(), 10U);
    EXPECT_EQ(readings.count("event_socket.events_too_large"), 1U);
    for (const auto& [name, value] : readings) EXPECT_EQ(value, 0) << name;
  }
  EXPECT_TRUE(socket_readings().empty());
}

}  // namespace
}  // namespace eventd::engine
