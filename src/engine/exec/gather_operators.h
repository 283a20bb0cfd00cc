// Aggregation and sorting of a fragment by several workers.
#pragma once

#include <memory>
#include <optional>

#include "engine/exec/aggregation.h"
#include "engine/exec/fragment.h"
#include "engine/exec/row_sorter.h"
#include "engine/exec/scan_pool.h"

namespace eventd::engine {

/// How many may work on it besides the consumer.
struct GatherOptions {
  ScanPool* pool = nullptr;
  size_t helpers = 0;
};

/// Each worker aggregates what it scans; the partial states are combined. Threads: see BatchSource;
/// workers only run inside next().
class GatherAggregateOperator : public BatchSource {
 public:
  GatherAggregateOperator(const OperatorContext& context, OperatorStats* stats, Fragment fragment,
                          std::shared_ptr<const AggregationPlan> plan, GatherOptions options)
      : BatchSource(context, stats), fragment_(std::move(fragment)), plan_(std::move(plan)),
        options_(options) {}

 protected:
  Result<bool> produce(Batch& batch) override;

 private:
  Status run();
  Fragment fragment_;
  std::shared_ptr<const AggregationPlan> plan_;
  const GatherOptions options_;
  std::unique_ptr<Aggregation> total_;
};

/// Each worker sorts what it scans (or keeps its first `keep` rows); the consumer puts them
/// together. Threads: see BatchSource; workers only run inside next().
class GatherSortOperator : public BatchSource {
 public:
  GatherSortOperator(const OperatorContext& context, OperatorStats* stats, Fragment fragment,
                     std::shared_ptr<const SortOrder> order, std::optional<uint64_t> keep,
                     GatherOptions options)
      : BatchSource(context, stats), fragment_(std::move(fragment)), order_(std::move(order)),
        keep_(keep), options_(options) {}

 protected:
  Result<bool> produce(Batch& batch) override;

 private:
  Status run();
  Fragment fragment_;
  std::shared_ptr<const SortOrder> order_;
  const std::optional<uint64_t> keep_;
  const GatherOptions options_;
  std::unique_ptr<RowSorter> total_;
};

}  // namespace eventd::engine
