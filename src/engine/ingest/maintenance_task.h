// Work on a shard's file that only its one writing thread may do, in bounded steps between batches:
// retention, backup, later sealing and index builds. Spec: ingest.md "Writer", storage.md.
#pragma once

#include <atomic>
#include <cstdint>

#include "engine/storage/shard.h"
#include "result.h"

namespace eventd::engine {

/// What a step should take at most: batches wait for it.
inline constexpr int64_t kMaintenanceStepNs = 20'000'000;

/// Posted with EventIngest::post_maintenance(). Its methods run on the shard's writer thread.
class MaintenanceTask {
 public:
  virtual ~MaintenanceTask() = default;

  enum class Progress : uint8_t { kMore, kFinished };
  /// One bounded step, outside any transaction (it may open and end its own on `shard`).
  /// `rows_wait` becomes true as soon as rows arrive: a long step looks at it and returns kMore early.
  /// Steps follow each other while the writer has nothing else to do. Under load one runs after a
  /// batch now and then, a tenth of the time at most: in those `rows_wait` stays false, so that every
  /// step makes progress. Tasks of a shard take turns. An error ends the task.
  virtual Result<Progress> step(Shard& shard, const std::atomic<bool>& rows_wait) = 0;
  /// Called once: OK after kFinished, the error of a step, 57P01 when the writer stops before, 53000
  /// when too many tasks wait, or XX001 when the file was found damaged and set aside meanwhile.
  /// What holds on to the shard's connection has to let go of it now. Runs on the writer's thread or,
  /// if the task never started, on that of post_maintenance().
  virtual void ended(Status status) = 0;
};

}  // namespace eventd::engine
