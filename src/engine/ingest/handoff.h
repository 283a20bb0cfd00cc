// Everything on its way to one shard's writer: drained batches (bounded), SQL and synthetic events.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <variant>
#include <vector>

#include "engine/ingest/drained_batch.h"
#include "engine/ingest/maintenance_task.h"
#include "engine/ingest/sql_transaction.h"
#include "engine/ingest/synthetic.h"
#include "sync.h"

namespace eventd::engine {

/// Called once on the writer's thread, after a commit that contains everything posted before it, or
/// with false when a commit failed.
struct Fence {
  std::function<void(bool committed)> reached;
};

/// Work on the shard's file between batches.
struct Maintenance {
  std::shared_ptr<MaintenanceTask> task;
};

using WriterItem = std::variant<SqlCommit, SqlChunk, SqlDiscard, SyntheticEvent, Fence, Maintenance>;

/// Bytes of arenas between the drain threads and the end of the writer's append.
inline constexpr size_t kHandoffBytesMax = 16 << 20;

/// Many producers (drain threads, sessions), one consumer (the writer). Thread-safe. A batch counts
/// against the bounds from reserve() to recycle().
class Handoff {
 public:
  explicit Handoff(uint32_t events_max);

  /// Drain threads: an empty batch with room for `events` rows and one event of `bytes`; waits
  /// while the handoff is full. Null once closed. Give it back with put() or cancel().
  DrainedBatch* reserve(uint32_t events, size_t bytes);
  void put(DrainedBatch* batch);
  void cancel(DrainedBatch* batch);

  /// Never waits: sessions are bounded by their own buffers. False once closed (nothing is taken).
  bool post(WriterItem item);

  /// What the writer takes at once.
  struct Contents {
    std::vector<DrainedBatch*> batches;
    std::vector<WriterItem> items;
    bool empty() const { return batches.empty() && items.empty(); }
    void clear() {
      batches.clear();
      items.clear();
    }
  };
  /// Writer: appends all that waits to `contents`. When there is nothing, sleeps up to `timeout_ns`
  /// first. False when closed and empty for ever.
  /// `lend`: try_borrow() may succeed while it sleeps, and take() then returns no sooner than
  /// end_borrow().
  bool take(Contents& contents, int64_t timeout_ns, bool lend = false);
  /// Writer: true if take() would find something. No lock.
  bool waiting() const { return waiting_.load(std::memory_order_relaxed); }
  /// The same, for those that look at it themselves.
  const Atomic<bool>& waiting_flag() const { return waiting_; }
  /// Writer: the batch's rows have been appended.
  void recycle(DrainedBatch* batch);

  /// Any thread: takes the writer's place while the writer sleeps and nothing waits. What the writer
  /// thread did before happens before; what the borrower does, before the writer's next return from
  /// take(). What is posted meanwhile stays here for the writer.
  bool try_borrow();
  /// REQUIRES: try_borrow() returned true, on this thread. `wake_writer`: it has something to do
  /// although nothing was posted.
  void end_borrow(bool wake_writer);

  /// No more producers; take() drains what is left.
  void close();
  void set_events_max(uint32_t events_max);
  /// Rows reserved now, against the bound. Any thread.
  uint32_t reserved_events() const;
  uint32_t events_max() const;

 private:
  bool fits(uint32_t events, size_t bytes) const;  // REQUIRES: mutex_
  void give_back(DrainedBatch* batch);             // REQUIRES: mutex_
  bool call_writer();                              // REQUIRES: mutex_
  void notify_producers(std::unique_lock<Mutex>& lock);

  mutable Mutex mutex_;
  CondVar writer_wake_;
  CondVar producer_wake_;
  // GUARDED_BY(mutex_)
  std::vector<std::unique_ptr<DrainedBatch>> batches_;
  std::vector<DrainedBatch*> free_;
  Contents contents_;
  size_t reserved_bytes_ = 0;
  uint32_t reserved_events_ = 0;
  uint32_t events_max_;
  uint32_t producers_asleep_ = 0;
  bool writer_asleep_ = false;
  bool lent_out_ = false;  // writer_asleep_, and may be borrowed
  bool borrowed_ = false;
  bool writer_called_ = false;  // by end_borrow()
  bool closed_ = false;

  alignas(64) Atomic<bool> waiting_{false};
};

}  // namespace eventd::engine
