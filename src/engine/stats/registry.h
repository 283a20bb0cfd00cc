// Counters and gauges of the whole server by name, for SHOW-like views, evctl status and tests.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace eventd::engine {

/// A monotonic counter. Relaxed increments from any thread; own cache line.
class alignas(64) Counter {
 public:
  void add(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

/// One reading.
struct Statistic {
  std::string name;  ///< dotted, e.g. "ingest.shard.0.events_committed"
  double value = 0;
};

/// Names → readings. Thread-safe. One per server.
class StatsRegistry {
 public:
  StatsRegistry();
  ~StatsRegistry();
  /// The counter of that name, made at the first call; lives as long as the registry.
  Counter& counter(std::string_view name);
  /// A value computed when read; `read` must be callable until the returned handle is destroyed.
  /// `read` runs under the registry's lock: it must be short and must not use the registry.
  class Gauge;
  [[nodiscard]] std::unique_ptr<Gauge> add_gauge(std::string name, std::function<double()> read);
  /// All readings, sorted by name.
  std::vector<Statistic> read() const;

  struct Impl;

 private:
  std::shared_ptr<Impl> impl_;
};

/// Removes its reading when destroyed; may outlive the registry.
class StatsRegistry::Gauge {
 public:
  explicit Gauge(std::weak_ptr<Impl> registry) : registry_(std::move(registry)) {}
  ~Gauge();
  Gauge(const Gauge&) = delete;
  Gauge& operator=(const Gauge&) = delete;

 private:
  std::weak_ptr<Impl> registry_;
};

/// The process's registry.
StatsRegistry& stats();

}  // namespace eventd::engine
