// The build side of a join, read once by all threads that come for it.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/exec/fragment.h"
#include "engine/exec/gather_operators.h"
#include "engine/exec/join_plan.h"
#include "engine/exec/join_table.h"
#include "engine/exec/spill_partitions.h"

namespace eventd::engine {

/// Builds the table at the first call of prepare(). With a Fragment below, helpers are asked for,
/// and threads that come while it is being read help too. Thread-safe. What doesn't fit the memory
/// of the query is on disk, divided by the hash of the keys; then the rows that probe must be too.
class JoinBuild {
 public:
  JoinBuild(const OperatorContext& context, std::shared_ptr<const JoinPlan> plan, BatchSourcePtr source)
      : context_(context), plan_(std::move(plan)), source_(std::move(source)), grant_(context.memory) {}
  JoinBuild(const OperatorContext& context, std::shared_ptr<const JoinPlan> plan,
            std::unique_ptr<Fragment> fragment, GatherOptions options)
      : context_(context), plan_(std::move(plan)), fragment_(std::move(fragment)), options_(options),
        grant_(context.memory) {}

  /// Returns when the build side has been read. Errors: those of reading it, 53200, 57014.
  Status prepare();
  const JoinPlan& plan() const { return *plan_; }

  // After prepare():
  /// Null: the rows are on disk.
  const JoinTable* table() const { return table_.get(); }
  size_t peak_memory_bytes() const { return grant_.peak_bytes(); }

  // Rows on disk: every thread that probes enters, writes its rows, and leaves.
  void enter();
  Status spill_probe(const Batch& batch, const uint64_t* hashes);
  /// True for the one thread that now joins the partitions: nobody is inside, all rows are written.
  Result<bool> leave();
  const SpillPartitions& build_rows() const { return *build_rows_; }
  /// Null if none was written.
  const SpillPartitions* probe_rows() const { return probe_rows_.get(); }

 private:
  struct Partial {
    Partial(const JoinTableLayout& layout, MemoryAccount* memory) : table(layout), grant(memory) {}
    JoinTable table;
    MemoryGrant grant;
  };
  Status read_all();
  Status read_share(const std::atomic<bool>& stop);
  Status take(const Batch& batch, std::unique_ptr<Partial>& partial);
  Status start_spilling(std::unique_lock<std::mutex>& lock);
  Status spill_partial(Partial& partial);
  Status spill_build(const Batch& batch, std::span<const Vector> keys);
  Status merge();

  const OperatorContext context_;
  const std::shared_ptr<const JoinPlan> plan_;
  BatchSourcePtr source_;
  std::unique_ptr<Fragment> fragment_;
  const GatherOptions options_{};
  std::atomic<bool> stop_{false};
  std::atomic<bool> spilling_{false};

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  enum class State : uint8_t { kNew, kReading, kMerging, kDone } state_ = State::kNew;
  Status status_;
  size_t readers_ = 0;
  std::vector<std::unique_ptr<Partial>> partials_;
  std::unique_ptr<SpillPartitions> build_rows_, probe_rows_;
  size_t probers_ = 0;
  bool joining_ = false;

  std::unique_ptr<JoinTable> table_;  // once done
  MemoryGrant grant_;
};

/// The hash by which rows are divided; that of JoinTable.
void hash_keys(std::span<const Vector> keys, uint32_t rows, uint64_t* hashes);

}  // namespace eventd::engine
