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
#include "engine/plan/logical_plan.h"

namespace eventd::engine {

/// One aggregation's expressions, compiled. Immutable, shared by threads.
struct AggregationPlan {
  struct Call {
    const AggregateCall* call = nullptr;
    std::vector<std::shared_ptr<const CompiledExpression>> arguments;
    std::shared_ptr<const CompiledExpression> filter;
    std::shared_ptr<const SortOrder> order;
    size_t state_offset = 0;
  };
  std::vector<std::shared_ptr<const CompiledExpression>> keys;
  std::vector<Oid> key_types;
  std::vector<Call> calls;
  size_t state_bytes = 0;  ///< of one group, aligned to 16
  std::vector<std::shared_ptr<const Expr>> own_arguments;  ///< that the calls don't have

  /// `node` (kAggregate) must outlive the result.
  static Result<std::shared_ptr<const AggregationPlan>> compile(const PlanNode& node,
                                                                const EvalContext& context);
  /// Whether partial results can be combined: no DISTINCT or ORDER BY, every function can.
  bool can_split() const;
};

/// Groups and states of the rows taken. Owned by one thread at a time.
class Aggregation {
 public:
  Aggregation(const OperatorContext& context, std::shared_ptr<const AggregationPlan> plan);
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
  /// DISTINCT: which (group, arguments) have been counted. ORDER BY: the rows to be counted last.
  struct CallState {
    std::unique_ptr<GroupTable> seen;
    std::unique_ptr<RowSorter> sorter;
    std::vector<size_t> accounted_bytes;  // a group, for functions with memory_bytes
  };
  Status update_call(size_t index, const Batch& batch);
  /// Gives the rows to the states; `groups` has one group a row.
  Status update_states(size_t index, std::vector<Vector> arguments, uint32_t rows,
                       const uint32_t* groups);
  Status feed_sorted(size_t index);
  void add_states();
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
  std::vector<void*> pointers_;
  MemoryGrant grant_;
  uint32_t next_chunk_ = 0;
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

/// Rows unique over all columns, as they are first seen. Threads: see BatchSource.
class DistinctOperator : public BatchSource {
 public:
  DistinctOperator(const OperatorContext& context, OperatorStats* stats, BatchSourcePtr child,
                   std::vector<Oid> types)
      : BatchSource(context, stats), child_(std::move(child)), seen_(std::move(types)),
        grant_(context.memory) {}

 protected:
  Result<bool> produce(Batch& batch) override;

 private:
  BatchSourcePtr child_;
  GroupTable seen_;
  MemoryGrant grant_;
  std::unique_ptr<uint32_t[]> groups_ = std::make_unique_for_overwrite<uint32_t[]>(kBatchRows);
};

}  // namespace eventd::engine
