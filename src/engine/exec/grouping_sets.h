// GROUP BY GROUPING SETS, ROLLUP, CUBE: several aggregations of the same rows.
#pragma once

#include <memory>
#include <vector>

#include "engine/exec/aggregation.h"
#include "engine/exec/batch_source.h"
#include "engine/exec/gather_operators.h"

namespace eventd::engine {

/// The aggregation of each set, compiled. Immutable, shared by threads.
struct GroupingSetsPlan {
  std::vector<std::shared_ptr<const AggregationPlan>> sets;
  std::vector<std::vector<int>> keys;  ///< of each set, numbers of the plan's keys
  std::vector<Oid> key_types;          ///< of all keys

  /// `node` (kAggregate with grouping_sets) must outlive the result.
  static Result<std::shared_ptr<const GroupingSetsPlan>> compile(const PlanNode& node,
                                                                 const EvalContext& context);
  bool can_split() const { return sets.empty() || sets.front()->can_split(); }
};

/// Groups of all sets, fed in one pass. Owned by one thread at a time.
class GroupingSets {
 public:
  GroupingSets(const OperatorContext& context, std::shared_ptr<const GroupingSetsPlan> plan);

  Status add(const Batch& batch);
  /// Adds another worker's groups. REQUIRES: plan.can_split().
  Status combine(GroupingSets& other);
  Status finish();
  /// After finish(): all keys (NULL outside the set), the aggregates, the set's number; set by set.
  Result<bool> next(Batch& batch);
  size_t peak_memory_bytes() const;

 private:
  std::shared_ptr<const GroupingSetsPlan> plan_;
  std::vector<std::unique_ptr<Aggregation>> sets_;
  size_t current_ = 0;
};

/// Threads: see BatchSource. With a fragment workers aggregate what they scan, inside next().
class GroupingSetsOperator : public BatchSource {
 public:
  GroupingSetsOperator(const OperatorContext& context, OperatorStats* stats, BatchSourcePtr child,
                       std::shared_ptr<const GroupingSetsPlan> plan)
      : BatchSource(context, stats), child_(std::move(child)), plan_(std::move(plan)) {}
  GroupingSetsOperator(const OperatorContext& context, OperatorStats* stats,
                       std::unique_ptr<Fragment> fragment,
                       std::shared_ptr<const GroupingSetsPlan> plan, GatherOptions options)
      : BatchSource(context, stats), fragment_(std::move(fragment)), plan_(std::move(plan)),
        options_(options) {}

 protected:
  Result<bool> produce(Batch& batch) override;

 private:
  Status read();
  Status gather();

  BatchSourcePtr child_;
  std::unique_ptr<Fragment> fragment_;
  std::shared_ptr<const GroupingSetsPlan> plan_;
  GatherOptions options_;
  std::unique_ptr<GroupingSets> total_;
};

}  // namespace eventd::engine
