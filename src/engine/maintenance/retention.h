// Deletes what is older than it should be kept, and the oldest of what is too much.
// Spec: storage.md "Retention".
#pragma once

#include <cstdint>
#include <memory>

#include "clock.h"
#include "engine/ingest/event_ingest.h"
#include "engine/storage/shard_set.h"
#include "result.h"

namespace eventd::engine {

struct RetentionOptions {
  int64_t event_retention_ns = int64_t{30} * 86'400 * 1'000'000'000;
  /// Bytes in use of all shard files; 0 = no limit.
  int64_t event_retention_max_bytes = 0;
  int64_t check_interval_ns = int64_t{3'600} * 1'000'000'000;
  const Clock* clock = &Clock::system();
};

/// A thread of its own that every `check_interval_ns` plans what has expired. Active shards are
/// worked on by their writers (MaintenanceTask), files nobody writes by this thread. It also closes
/// read connections that have been idle for a while. Methods may be called from any thread.
class Retention {
 public:
  /// `shards` and `ingest` outlive it. The first check is a few seconds after the start.
  static Result<std::unique_ptr<Retention>> start(ShardSet& shards, EventIngest& ingest,
                                                  const RetentionOptions& options);
  /// stop() if not stopped.
  ~Retention();

  /// Live; a check follows at once. `clock` is ignored.
  void set_options(const RetentionOptions& options);
  /// Asks for a check at once and returns: EventIngestOptions::on_storage_full. Never more than one
  /// check a second follows.
  void run_now();
  /// Waits for the check that is running to notice, and joins. Before EventIngest::stop(). Idempotent.
  void stop();

 private:
  struct Impl;
  explicit Retention(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace eventd::engine
