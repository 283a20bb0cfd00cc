// eventd and PostgreSQL holding the same workload.
#pragma once

#include <memory>
#include <string>

#include "bench/bench.h"
#include "bench/event_set.h"
#include "bench/eventd_server.h"
#include "bench/postgres_server.h"
#include "result.h"

namespace eventd::bench {

/// The events of a set, with their own timestamps and stamps, in both servers. Into eventd they go as
/// a writer thread would put them, shard by shard before the server starts (no client may name the
/// stamps); into PostgreSQL by COPY, followed by an index on (cpu_id, sequence) and VACUUM ANALYZE.
class LoadedServers {
 public:
  static Result<std::unique_ptr<LoadedServers>> start(const BenchOptions& options,
                                                      const EventSet& events);

  const EventdServer& eventd() const { return *eventd_; }
  const PostgresServer& postgres() const { return *postgres_; }

 private:
  LoadedServers() = default;
  std::unique_ptr<TemporaryDirectory> directory_;
  std::unique_ptr<EventdServer> eventd_;
  std::unique_ptr<PostgresServer> postgres_;
};

/// `2026-01-31 12:34:56.123456+00`: what both servers read.
std::string timestamp_text(int64_t timestamp_ns);

}  // namespace eventd::bench
