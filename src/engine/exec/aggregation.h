// GROUP BY: groups, aggregate states, and their combination across workers.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "engine/exec/batch_source.h"
#include "engine/exec/compiled_expression.h"
#include "engine/exec/group_table.h"
#include "engine/exec/row_sorter.h"
#include "engine/exec/spill_partitions.h"
#include "engine/plan/logical_plan.h"

namespace eventd::engine {

/// One aggregation's expressions, compiled. Immutable, shared by threads.
struct AggregationPlan {
  struct Call {
    const AggregateCall* call = nullptr;
    std::vector<std::shared_ptr<const CompiledExpression>> arguments;
    /// Of each argument, its place among the different ones that are shared, or kNotShared.
    std::vector<size_t> shared;
    std::shared_ptr<const CompiledExpression> filter;
    std::shared_ptr<const SortOrder> order;
    size_t state_offset = 0;
  };
  std::vector<std::shared_ptr<const CompiledExpression>> keys;
  std::vector<Oid> key_types;
  std::vector<Call> calls;
  /// How many different arguments the calls have whose value can be shared.
  size_t shared_arguments = 0;
  static constexpr size_t kNotShared = static_cast<size_t>(-1);
  size_t state_bytes = 0;  ///< of one group, aligned to 16
  std::vector<std::shared_ptr<const Expr>> own_keys;  ///< what `keys` were compiled from, if nobody else keeps it
  std::vector<std::shared_ptr<const Expr>> own_arguments;  ///< that the calls don't have

  /// `node` (kAggregate) must outlive the result.
  static Result<std::shared_ptr<const AggregationPlan>> compile(const PlanNode& node,
                                                                const EvalContext& context);
  /// DISTINCT over columns of these types: groups without aggregates.
  static Result<std::shared_ptr<const AggregationPlan>> distinct(const std::vector<OutputColumn>& columns,
                                                                 const EvalContext& context);
  /// Whether partial results can be combined: no DISTINCT or ORDER BY, every function can.
  bool can_split() const;
};

/// Groups and states of the rows taken. When memory is refused, the groups known go on and rows of
/// others are written to disk, divided by the hash of their keys; each part is aggregated by itself
/// after the groups in memory have been given out. What the states of known groups hold stays in
/// memory: 53200 past it. Owned by one thread at a time.
class Aggregation {
 public:
  /// One of `workers` whose results will be combined: each takes a share of the memory such that
  /// all groups together fit while they are. `level`: how often the rows were divided before.
  Aggregation(const OperatorContext& context, std::shared_ptr<const AggregationPlan> plan,
              size_t workers = 1, uint32_t level = 0);
  ~Aggregation();
  Aggregation(const Aggregation&) = delete;
  Aggregation& operator=(const Aggregation&) = delete;

  Status add(const Batch& batch);
  /// Adds another worker's groups and states to ours. REQUIRES: plan.can_split().
  Status combine(Aggregation& other);
  /// Ends the input. Without keys there is one group, also without input.
  Status finish();
  /// After finish(): groups in the order they were first seen; false at the end.
  Result<bool> next(Batch& batch);
  size_t peak_memory_bytes() const { return grant_.peak_bytes(); }

 private:
  /// Which rows of a batch belong to known groups; the others are written to disk.
  Result<uint32_t> split_known(const Batch& batch, const std::vector<Vector>& keys, uint32_t* known);
  Status aggregate(const Batch& batch);
  bool can_spill() const;
  void set_frozen(bool frozen);
  /// Rows that workers spilled may be of groups another one knows: all are looked at once more.
  Status reconcile();
  void destroy_states();
  /// After the groups in memory have been given out.
  void release_groups();
  Result<bool> next_in_memory(Batch& batch);
  Result<bool> next_spilled(Batch& batch);
  /// DISTINCT: which (group, arguments) have been counted. ORDER BY: the rows to be counted last.
  struct CallState {
    std::unique_ptr<GroupTable> seen;
    std::unique_ptr<RowSorter> sorter;
    std::vector<size_t> accounted_bytes;  // a group, for functions with memory_bytes
  };
  Status update_call(size_t index, const Batch& batch);
  /// Arguments of a call over all rows of a batch: what another call has too is evaluated once.
  Result<std::vector<Vector>> evaluate_shared(const AggregationPlan::Call& call, const Batch& batch);
  /// Gives the rows to the states; `groups` has one group a row.
  Status update_states(size_t index, std::vector<Vector> arguments, uint32_t rows,
                       const uint32_t* groups);
  Status feed_sorted(size_t index);
  void add_states();
  size_t held_bytes() const;
  /// Freezes the groups when `rows` more might not fit.
  void make_room(uint32_t rows);
  Status account();

  const OperatorContext context_;
  std::shared_ptr<const AggregationPlan> plan_;
  GroupTable groups_;
  std::vector<CallState> call_states_;
  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::byte* next_state_ = nullptr;
  size_t states_left_ = 0;
  size_t block_bytes_ = 0;
  std::vector<std::byte*> states_;
  size_t inner_bytes_ = 0;  // held by states besides their own bytes
  std::vector<uint32_t> group_ids_;
  std::vector<std::optional<Vector>> shared_;  // of the batch being added
  std::vector<void*> pointers_;
  MemoryGrant grant_;
  uint32_t next_chunk_ = 0;
  const uint32_t level_;
  size_t share_bytes_ = 0;  // 0 = all there is
  bool frozen_ = false;     // no new groups
  std::unique_ptr<SpillPartitions> spilled_;
  std::vector<std::unique_ptr<SpillPartitions>> spilled_by_workers_;
  uint32_t next_partition_ = 0;
  std::unique_ptr<Aggregation> part_;  // of the partition being given out
};

/// Reads its child to the end, then gives the groups. Threads: see BatchSource.
class AggregateOperator : public BatchSource {
 public:
  AggregateOperator(const OperatorContext& context, OperatorStats* stats, BatchSourcePtr child,
                    std::shared_ptr<const AggregationPlan> plan)
      : BatchSource(context, stats), child_(std::move(child)),
        aggregation_(context, std::move(plan)) {}

 protected:
  Result<bool> produce(Batch& batch) override;

 private:
  BatchSourcePtr child_;
  Aggregation aggregation_;
};

/// Rows unique over all columns, as they are first seen; past the memory rows not seen yet go to
/// disk, divided by their hash, and come after the others. Threads: see BatchSource.
class DistinctOperator : public BatchSource {
 public:
  DistinctOperator(const OperatorContext& context, OperatorStats* stats, BatchSourcePtr child,
                   std::vector<Oid> types)
      : BatchSource(context, stats), child_(std::move(child)), types_(std::move(types)),
        seen_table_(std::make_unique<GroupTable>(types_)), grant_(context.memory) {}

 protected:
  Result<bool> produce(Batch& batch) override;

 private:
  /// Parts still to be read, of one level.
  struct Pending {
    std::unique_ptr<SpillPartitions> parts;
    uint32_t next = 0;
  };
  Result<bool> read(Batch& batch);
  /// Goes on to the next part on disk; false when there is none.
  Result<bool> next_part();
  Status spill(const Batch& batch, const uint32_t* rows, uint32_t count);

  BatchSourcePtr child_;  // null once read
  const std::vector<Oid> types_;
  std::unique_ptr<GroupTable> seen_table_;
  uint32_t level_ = 0;
  bool frozen_ = false;
  std::unique_ptr<SpillPartitions> spilled_;
  std::vector<Pending> pending_;
  std::unique_ptr<SpillReader> reader_;
  MemoryGrant grant_;
  std::unique_ptr<uint32_t[]> groups_ = std::make_unique_for_overwrite<uint32_t[]>(kBatchRows);
};

}  // namespace eventd::engine
