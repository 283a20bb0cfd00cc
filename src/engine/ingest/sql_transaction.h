// What a session's transaction and the shard's writer share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "engine/ingest/event_ingest.h"
#include "engine/ingest/row_buffer.h"
#include "engine/storage/shard.h"
#include "result.h"
#include "sync.h"

namespace eventd::engine {

/// Bytes of rows on their way to a staged tail above which the session has to wait.
inline constexpr size_t kStagedBytesInFlight = 4 << 20;

/// Held by both sides; each member belongs to one of them.
struct SqlTransaction {
  // The session's until it posts SqlCommit, the writer's afterwards.
  RowBuffer rows;  ///< not staged
  std::function<void(Status, EventTransaction::Outcome)> durable;
  bool staged = false;  ///< some rows were sent ahead as SqlChunk

  // The writer's.
  std::optional<StagedTailId> tail;
  uint64_t staged_first_sequence = 0;  ///< 0 = not contiguous
  uint64_t staged_last_sequence = 0;
  Status failure;  ///< of staging; commit will report it

  /// Bytes of chunks posted and not staged yet.
  Atomic<size_t> queued_bytes{0};
  /// Staging has failed: more rows are pointless.
  Atomic<bool> failed{false};

  bool has_room() const { return queued_bytes.load() <= kStagedBytesInFlight; }
  /// Session: true if there is room, else `wake` is called once there is.
  bool wait_for_room(std::function<void()> wake) {
    if (has_room()) return true;
    std::lock_guard lock(wake_mutex_);
    wake_ = std::move(wake);
    // The writer lowers queued_bytes before it looks for wake_ under the mutex: none is lost.
    if (!has_room()) return false;
    wake_ = nullptr;
    return true;
  }
  /// Writer: `bytes` of chunks are done with.
  void release(size_t bytes) {
    queued_bytes.fetch_sub(bytes);
    if (!has_room()) return;
    std::function<void()> wake;
    {
      std::lock_guard lock(wake_mutex_);
      wake = std::exchange(wake_, nullptr);
    }
    if (wake) wake();
  }

 private:
  Mutex wake_mutex_;
  std::function<void()> wake_;  // GUARDED_BY(wake_mutex_)
};

/// Rows sent ahead of the commit, into the transaction's staged tail.
struct SqlChunk {
  std::shared_ptr<SqlTransaction> transaction;
  RowBuffer rows;
};
struct SqlCommit {
  std::shared_ptr<SqlTransaction> transaction;
};
/// Rolled back: the staged tail goes.
struct SqlDiscard {
  std::shared_ptr<SqlTransaction> transaction;
};

}  // namespace eventd::engine
