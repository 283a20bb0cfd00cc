// Logical plan → operators.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/exec/batch_source.h"
#include "engine/exec/executor.h"
#include "engine/exec/fragment.h"
#include "engine/plan/logical_plan.h"

namespace eventd::engine {

/// What EXPLAIN knows about one node. Its operators on all threads add to `stats`.
struct PhysicalNode {
  const PlanNode* plan = nullptr;
  const char* name = "";       ///< as PostgreSQL names it: "Seq Scan", "HashAggregate" …
  OperatorStats stats;
  std::shared_ptr<Scan> scan;  ///< of a scan
  double rows = 0;             ///< expected
  double time_us = 0;          ///< expected, this node and below
  size_t helpers = 0;          ///< threads that may help
  std::optional<uint64_t> keep;///< of a top-k sort
  bool merge = false;          ///< scan: ordered partitions are merged
  std::vector<std::unique_ptr<PhysicalNode>> children;
};

/// Nesting of plan nodes; deeper is 54001.
inline constexpr int kPlanDepthMax = 500;
/// Scans expected to take less stay on one thread.
inline constexpr double kParallelTimeUsMin = 2'000;
/// Below this an execution is short (DESIGN.md §8).
inline constexpr double kShortTimeUsMax = 1'000;
/// Larger LIMITs sort everything.
inline constexpr uint64_t kTopKMax = 262'144;

/// Builds the operators of one execution. One thread. The plan and the context must outlive them.
class PhysicalPlanner {
 public:
  PhysicalPlanner(const ExecutionContext& execution, const OperatorContext& context)
      : execution_(execution), context_(context) {}

  /// `node` describes what was built. Errors: 54001, 0A000 for nodes without an operator, 2201W,
  /// 2201X, those of opening scans.
  Result<BatchSourcePtr> build(const PlanNode& plan, PhysicalNode& node);
  /// A function that waits (pg_sleep) is among the expressions.
  bool may_block() const { return may_block_; }

 private:
  using Bound = std::optional<uint64_t>;  // rows the parent will take

  Result<BatchSourcePtr> build(const PlanNode& plan, PhysicalNode& node, Bound bound);
  Result<BatchSourcePtr> build_scan(const PlanNode& plan, PhysicalNode& node, Bound bound);
  Result<BatchSourcePtr> build_chain(const PlanNode& plan, PhysicalNode& node, Bound bound);
  Result<BatchSourcePtr> build_aggregate(const PlanNode& plan, PhysicalNode& node);
  Result<BatchSourcePtr> build_sort(const PlanNode& plan, PhysicalNode& node, Bound bound);
  Result<BatchSourcePtr> build_limit(const PlanNode& plan, PhysicalNode& node);
  Result<BatchSourcePtr> build_append(const PlanNode& plan, PhysicalNode& node);
  Result<BatchSourcePtr> build_distinct(const PlanNode& plan, PhysicalNode& node);
  Result<BatchSourcePtr> build_leaf(const PlanNode& plan, PhysicalNode& node);

  /// The chain below `plan` as a fragment, when it is one and long enough to share; fills the
  /// nodes. Null when it isn't (nothing is built then).
  Result<std::unique_ptr<Fragment>> parallel_fragment(const PlanNode& plan, PhysicalNode& node);
  Status add_steps(const PlanNode& plan, PhysicalNode& node, Fragment& fragment);
  Result<std::shared_ptr<Scan>> open_scan(const PlanNode& plan, ScanRequest request,
                                          PhysicalNode& node);
  ScanRequest scan_request(const PlanNode& plan) const;
  size_t helpers_for(double time_us) const;
  OperatorStats* stats_of(PhysicalNode& node) const {
    return execution_.instrument ? &node.stats : nullptr;
  }
  Result<std::optional<uint64_t>> row_count(const Expr* expression, bool is_limit) const;
  void note_functions(const PlanNode& plan);

  const ExecutionContext& execution_;
  const OperatorContext& context_;
  int depth_ = 0;
  bool may_block_ = false;
};

}  // namespace eventd::engine
