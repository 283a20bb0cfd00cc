#include "engine/stats/registry.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace eventd::engine {
namespace {

TEST(StatsRegistry, CountersAreSharedByNameAndCountFromAllThreads) {
  StatsRegistry registry;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) registry.counter("a.b").add();
    });
  }
  for (auto& thread : threads) thread.join();
  registry.counter("a.b").add(5);
  EXPECT_EQ(registry.counter("a.b").value(), 4005u);
  EXPECT_EQ(registry.counter("other").value(), 0u);
}

TEST(StatsRegistry, ReadsSortedByNameWithGauges) {
  StatsRegistry registry;
  double level = 2.5;
  auto gauge = registry.add_gauge("b", [&] { return level; });
  registry.counter("c").add(3);
  registry.counter("a").add(1);
  auto readings = registry.read();
  ASSERT_EQ(readings.size(), 3u);
  EXPECT_EQ(readings[0].name, "a");
  EXPECT_EQ(readings[1].name, "b");
  EXPECT_EQ(readings[1].value, 2.5);
  EXPECT_EQ(readings[2].value, 3);
  level = 4;
  EXPECT_EQ(registry.read()[1].value, 4);
  gauge.reset();
  EXPECT_EQ(registry.read().size(), 2u);
}

TEST(StatsRegistry, GaugeMayOutliveTheRegistry) {
  auto registry = std::make_unique<StatsRegistry>();
  auto gauge = registry->add_gauge("g", [] { return 1.0; });
  registry.reset();
  gauge.reset();
}

}  // namespace
}  // namespace eventd::engine
