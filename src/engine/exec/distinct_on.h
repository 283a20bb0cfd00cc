// DISTINCT ON: of the rows of each key the first in an order, without sorting them all.
#pragma once

#include <memory>
#include <vector>

#include "engine/exec/batch_source.h"
#include "engine/exec/compiled_expression.h"
#include "engine/exec/gather_operators.h"
#include "engine/exec/group_table.h"
#include "engine/exec/row_sorter.h"
#include "engine/exec/top_rows.h"
#include "engine/plan/logical_plan.h"

namespace eventd::engine {

/// A kDistinctOn node, compiled. Immutable, shared by threads.
struct DistinctOnPlan {
  std::vector<std::shared_ptr<const CompiledExpression>> keys;
  std::vector<Oid> key_types;
  std::vector<Oid> column_types;           ///< of the rows
  std::vector<SortKey> within_keys;        ///< the sort keys that are no distinct keys
  std::shared_ptr<const SortOrder> within; ///< their order; null: the first row that comes
  std::shared_ptr<const SortOrder> order;  ///< of the output

  /// `node` must outlive the result.
  static Result<std::shared_ptr<const DistinctOnPlan>> compile(const PlanNode& node,
                                                               const EvalContext& context);
};

/// The best row of each key so far. Ties: the one that came first. Memory by keys, not by rows; when
/// that is used up the rows go to a sorter, which can spill. Owned by one thread at a time.
class DistinctOnRows {
 public:
  DistinctOnRows(const OperatorContext& context, std::shared_ptr<const DistinctOnPlan> plan);

  Status add(Batch batch);
  /// Adds another worker's rows.
  Status absorb(DistinctOnRows& other);
  /// Ends the input.
  Status finish();
  /// After finish(): rows in the plan's order.
  Result<bool> next(Batch& batch);
  size_t peak_memory_bytes() const;

 private:
  Status choose(const Batch& batch);
  bool is_better(uint32_t group, const std::vector<Vector>& order_keys, uint32_t row);
  /// From here on rows are only sorted; duplicates are left out at the end.
  Status overflow();
  Result<uint32_t> drop_repeated(const Batch& batch, uint32_t* rows);

  const OperatorContext context_;
  std::shared_ptr<const DistinctOnPlan> plan_;
  GroupTable groups_;
  TopRows rows_;
  TopRows order_rows_;  // the order keys of those rows, where numbers don't decide
  std::vector<SortOrder::Leading> best_;     // of each group
  std::vector<SortOrder::Leading> leading_;  // of the batch's rows
  std::vector<uint32_t> candidates_;         // a group's row in this batch + 1
  std::vector<uint32_t> touched_;            // groups that have one
  std::vector<uint32_t> group_ids_;
  MemoryGrant grant_;
  std::unique_ptr<RowSorter> sorter_;
  bool overflowed_ = false;
  Batch last_;  // one row: the last one given out after an overflow
};

/// Reads its child to the end, then gives the rows. Threads: see BatchSource.
class DistinctOnOperator : public BatchSource {
 public:
  DistinctOnOperator(const OperatorContext& context, OperatorStats* stats, BatchSourcePtr child,
                     std::shared_ptr<const DistinctOnPlan> plan)
      : BatchSource(context, stats), child_(std::move(child)), rows_(context, std::move(plan)) {}

 protected:
  Result<bool> produce(Batch& batch) override;

 private:
  BatchSourcePtr child_;
  DistinctOnRows rows_;
};

/// Each worker keeps the best rows of what it scans. Threads: see BatchSource; workers only run
/// inside next().
class GatherDistinctOnOperator : public BatchSource {
 public:
  GatherDistinctOnOperator(const OperatorContext& context, OperatorStats* stats, Fragment fragment,
                           std::shared_ptr<const DistinctOnPlan> plan, GatherOptions options)
      : BatchSource(context, stats), fragment_(std::move(fragment)), plan_(std::move(plan)),
        options_(options) {}

 protected:
  Result<bool> produce(Batch& batch) override;

 private:
  Status run();
  Fragment fragment_;
  std::shared_ptr<const DistinctOnPlan> plan_;
  const GatherOptions options_;
  std::unique_ptr<DistinctOnRows> total_;
};

}  // namespace eventd::engine
