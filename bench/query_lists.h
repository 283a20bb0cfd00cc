// The statements that are measured over one day of events.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/event_set.h"

namespace eventd::bench {

struct BenchQuery {
  std::string name;
  std::string sql;
};

/// The common workload, a to g.
std::vector<BenchQuery> common_queries(const EventSet& events, int64_t begin_ns);
/// What BI tools send: joins, windows, DISTINCT, sorts, and the panels and cards of Grafana and Metabase.
std::vector<BenchQuery> shape_queries(const EventSet& events, int64_t begin_ns);

}  // namespace eventd::bench
