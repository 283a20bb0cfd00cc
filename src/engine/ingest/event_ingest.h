// The whole event pipeline: rings → drain threads → handoffs → batch writers, and SQL rows straight
// to a writer. Spec: ingest.md §1, §4, §6.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "clock.h"
#include "engine/ingest/commit_ages.h"
#include "engine/ingest/maintenance_task.h"
#include "engine/storage/event_row.h"
#include "engine/storage/shard_set.h"
#include "guid.h"
#include "kmes/user_rings.h"
#include "result.h"

namespace eventd::engine {

struct EventIngestOptions {
  Guid boot_id;  ///< zeros = the kernel's
  /// Of the rings' sequences. Zeros: they start with the rings, which live and end with the server.
  /// Else the rings outlive it, and number their events themselves.
  Guid epoch = {};
  uint32_t max_batch_size = 10'000;
  int64_t max_batch_latency_ns = 100'000'000;
  enum class Affinity : uint8_t { kCpu, kNode, kOff } drain_affinity = Affinity::kNode;
  const Clock* clock = &Clock::system();
  /// Called on a writer's thread when a commit fails with 53100, at most once a second and shard: time
  /// for retention. Must return at once.
  std::function<void()> on_storage_full = {};
};

/// Rows of one SQL transaction or COPY on their way to one shard: stamped inside the commit, which
/// they share with others (group commit), never split. Owned by one session thread.
///
/// Rows are kept in memory up to `emit_buffer`, then sent in chunks to an unpublished tail.
class EventTransaction {
 public:
  virtual ~EventTransaction() = default;
  /// Who it is from; applies to rows added afterwards.
  struct Stamp {
    Guid process_guid, true_token_guid, effective_token_guid;
    int64_t timestamp_ns = 0;
  };
  virtual void set_stamp(const Stamp& stamp) = 0;
  /// Copies one row in. REQUIRES: validated type and payload. OK, or 53400 past emit_spool_max.
  virtual Status add(std::string_view event_type, ByteSpan payload) = 0;
  virtual uint64_t row_count() const = 0;

  /// Called once, from any thread, when it is worth asking again.
  using Wake = std::function<void()>;
  /// True when more rows may be added now; else `wake` is called when they may (backpressure).
  virtual bool ready_for_more(Wake wake) = 0;

  /// Drops the rows added after the first `row_count` (ROLLBACK TO). REQUIRES: not submitted.
  virtual Status truncate(uint64_t row_count) = 0;
  /// True once rows went to an unpublished tail: pending() no longer has them, and truncate() can't
  /// go back before them (0A000).
  virtual bool spilled() const = 0;
  /// The rows, for the session's own scans: a snapshot, unchanged by rows added later. Null when
  /// there are none.
  virtual std::shared_ptr<const PendingEvents> pending() const = 0;

  /// Hands the transaction over for commit. `durable` (may be null with synchronous_commit=off) is
  /// called once from the writer thread with OK after the durable commit, else 53100 / 58030; when
  /// the server is stopping, from the caller's with 57P01. Nothing may be added afterwards.
  struct Outcome {
    /// Of the first row, the others count on from it; 0 when they don't (a spilled transaction).
    uint64_t first_sequence = 0;
    uint16_t cpu_id = 0;
  };
  virtual void submit(std::function<void(Status, Outcome)> durable) = 0;
  /// As submit(), but when the writer sleeps and the transaction is small the commit runs on the
  /// calling thread: no other thread has to wake up. `durable` is then called before this returns.
  virtual void commit_here(std::function<void(Status, Outcome)> durable) = 0;
};

/// Owns drain and writer threads. Started once, stopped once.
class EventIngest {
 public:
  /// Starts writers, then drain threads; the backlog found in the rings is committed when this
  /// returns, synthetic.startup too. `rings` and `shards` outlive it.
  static Result<std::unique_ptr<EventIngest>> start(ShardSet& shards, kmes::UserRings& rings,
                                                    const EventIngestOptions& options);
  /// stop() if not stopped.
  ~EventIngest();

  /// A new transaction; it must not outlive this object. `bulk` (COPY) goes to the least busy shard,
  /// others to one for all sessions.
  std::unique_ptr<EventTransaction> begin_transaction(bool bulk, size_t emit_buffer_bytes,
                                                      int64_t emit_spool_max_bytes);
  /// Drains rings and handoffs, commits, writes synthetic.shutdown, joins; lossless emitters still
  /// waiting are let go. False when not everything could be committed. Idempotent. REQUIRES: no
  /// transaction begun afterwards.
  bool stop();

  /// A synthetic event (type `synthetic.…`, msgpack payload) to shard 0, or to a healthy one.
  void add_synthetic(std::string_view type, std::string payload);

  void set_max_batch(uint32_t size, int64_t latency_ns);

  /// What rows are stamped with: the boot's id, or another one when a different epoch has it.
  const Guid& boot_id() const;

  /// Of the oldest ring event of each batch, when its commit was done; of all shards since the start.
  CommitAges::Counts commit_ages() const;

  /// Appends a line for each shard and ring, for people: what waits, what is lost, the last failure
  /// (nanoseconds since the epoch). Any thread, not during stop().
  void describe(std::string& out) const;

  /// Has `task` run on the writer thread of `shard`, between its batches. Its ended() is called in any
  /// case: with 22023 when there is no such shard, with 57P01 at stop(). Any thread.
  void post_maintenance(uint32_t shard, std::shared_ptr<MaintenanceTask> task);

 private:
  struct Impl;
  explicit EventIngest(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace eventd::engine
