#include "engine/stats/registry.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

namespace eventd::engine {

struct StatsRegistry::Impl {
  mutable std::mutex mutex;
  // Guarded by mutex; the counters themselves are not.
  std::map<std::string, std::unique_ptr<Counter>, std::less<>> counters;
  std::map<const Gauge*, std::pair<std::string, std::function<double()>>> gauges;
};

StatsRegistry::Gauge::~Gauge() {
  if (const std::shared_ptr<Impl> registry = registry_.lock()) {
    // read() calls gauges under the mutex, so that none runs once this returns.
    std::lock_guard lock(registry->mutex);
    registry->gauges.erase(this);
  }
}

StatsRegistry::StatsRegistry() : impl_(std::make_shared<Impl>()) {}
StatsRegistry::~StatsRegistry() = default;

Counter& StatsRegistry::counter(std::string_view name) {
  std::lock_guard lock(impl_->mutex);
  auto found = impl_->counters.find(name);
  if (found == impl_->counters.end()) {
    found = impl_->counters.emplace(std::string(name), std::make_unique<Counter>()).first;
  }
  return *found->second;
}

std::unique_ptr<StatsRegistry::Gauge> StatsRegistry::add_gauge(std::string name,
                                                               std::function<double()> read) {
  auto gauge = std::make_unique<Gauge>(impl_);
  std::lock_guard lock(impl_->mutex);
  impl_->gauges.emplace(gauge.get(), std::make_pair(std::move(name), std::move(read)));
  return gauge;
}

std::vector<Statistic> StatsRegistry::read() const {
  std::vector<Statistic> readings;
  {
    std::lock_guard lock(impl_->mutex);
    for (const auto& [name, counter] : impl_->counters) {
      readings.push_back({name, static_cast<double>(counter->value())});
    }
    for (const auto& [gauge, entry] : impl_->gauges) {
      readings.push_back({entry.first, entry.second()});
    }
  }
  std::sort(readings.begin(), readings.end(),
            [](const Statistic& a, const Statistic& b) { return a.name < b.name; });
  return readings;
}

StatsRegistry& stats() {
  static StatsRegistry registry;
  return registry;
}

}  // namespace eventd::engine
