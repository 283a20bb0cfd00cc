// Logical plan → operators.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/exec/batch_source.h"
#include "engine/exec/executor.h"
#include "engine/exec/fragment.h"
#include "engine/exec/subquery_runner.h"
#include "engine/plan/logical_plan.h"

namespace eventd::engine {

struct PhysicalNode;

/// A query in an expression of a node.
struct SubPlan {
  bool correlated = false;                   ///< PostgreSQL's SubPlan; otherwise its InitPlan
  std::shared_ptr<const PhysicalNode> root;  ///< null: not described
};

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
  bool build_left = false;     ///< join: the left child is the one that is kept
  std::vector<std::unique_ptr<PhysicalNode>> children;
  std::vector<SubPlan> subplans;
  uint64_t tails_taken = 0;  ///< damaged tails of `scan` counted already
  std::unique_ptr<PlanNode> own_plan;  ///< `plan` of a step that the logical plan has no node for
};

/// Damaged tails of all scans of a tree that no earlier call has counted.
uint64_t take_damaged_tails(PhysicalNode& node);

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
  /// `runner` is that of `context.eval`.
  PhysicalPlanner(const ExecutionContext& execution, const OperatorContext& context, SubqueryRunner& runner)
      : execution_(execution), context_(context), runner_(runner) {}

  /// `node` describes what was built. Errors: 54001, 0A000 for nodes without an operator, 2201W,
  /// 2201X, those of opening scans.
  Result<BatchSourcePtr> build(const PlanNode& plan, PhysicalNode& node);
  /// A function that waits (pg_sleep) is among the expressions.
  bool may_block() const { return may_block_; }
  void note_blocking() { may_block_ = true; }
  /// Expected of one run of a plan inside an expression.
  double inner_time_us(const PlanNode& plan);

 private:
  using Bound = std::optional<uint64_t>;  // rows the parent will take

  Result<BatchSourcePtr> build(const PlanNode& plan, PhysicalNode& node, Bound bound);
  Result<BatchSourcePtr> build_kind(const PlanNode& plan, PhysicalNode& node, Bound bound);
  Result<BatchSourcePtr> build_scan(const PlanNode& plan, PhysicalNode& node, Bound bound);
  Result<BatchSourcePtr> build_chain(const PlanNode& plan, PhysicalNode& node, Bound bound);
  Result<BatchSourcePtr> build_aggregate(const PlanNode& plan, PhysicalNode& node);
  /// `child` stands in for the sort's own child.
  Result<BatchSourcePtr> build_sort(const PlanNode& plan, const PlanNode& child, PhysicalNode& node,
                                    Bound bound);
  Result<BatchSourcePtr> build_window(const PlanNode& plan, PhysicalNode& node);
  Result<BatchSourcePtr> build_gap_fill(const PlanNode& plan, PhysicalNode& node);
  Result<BatchSourcePtr> build_distinct_on(const PlanNode& plan, PhysicalNode& node);
  Result<BatchSourcePtr> build_grouping_sets(const PlanNode& plan, PhysicalNode& node);
  Result<BatchSourcePtr> build_limit(const PlanNode& plan, PhysicalNode& node);
  Result<BatchSourcePtr> build_append(const PlanNode& plan, PhysicalNode& node);
  Result<BatchSourcePtr> build_distinct(const PlanNode& plan, PhysicalNode& node);
  Result<BatchSourcePtr> build_leaf(const PlanNode& plan, PhysicalNode& node);
  Result<BatchSourcePtr> build_join(const PlanNode& plan, PhysicalNode& node);
  Result<BatchSourcePtr> build_apply(const PlanNode& plan, PhysicalNode& node);
  Result<BatchSourcePtr> build_project_set(const PlanNode& plan, PhysicalNode& node);
  Result<BatchSourcePtr> build_set_operation(const PlanNode& plan, PhysicalNode& node);
  Result<BatchSourcePtr> build_with(const PlanNode& plan, PhysicalNode& node, Bound bound);
  Result<BatchSourcePtr> build_cte_scan(const PlanNode& plan, PhysicalNode& node);
  Result<BatchSourcePtr> build_recursive_union(const PlanNode& plan, PhysicalNode& node);

  /// Which side of a join is built, and whether its rows without a match are part of the result.
  struct JoinSides {
    bool build_left = false, build_outer = false;
  };
  JoinSides join_sides(const PlanNode& plan);
  Result<std::shared_ptr<JoinBuild>> join_build(const PlanNode& plan, JoinSides sides, PhysicalNode& node);
  void describe_join(const PlanNode& plan, const JoinBuild& build, PhysicalNode& node);
  Status add_join_step(const PlanNode& plan, PhysicalNode& node, Fragment& fragment);

  /// What to expect of a plan before anything of it is built.
  struct Expected {
    double rows = 0, time_us = 0;
  };
  Expected expected(const PlanNode& plan);
  /// EXPLAIN: what runs of a plan inside are made of.
  void describe_inner(const PlanNode& plan, PhysicalNode& node);
  Expected expected_of(const PlanNode& plan);

  /// The chain below `plan` as a fragment, when it is one and long enough to share; fills the
  /// nodes. Null when it isn't (nothing is built then).
  Result<std::unique_ptr<Fragment>> parallel_fragment(const PlanNode& plan, PhysicalNode& node);
  /// The rows of such a chain by several workers; null when it isn't one, or few are wanted.
  Result<BatchSourcePtr> build_gathered(const PlanNode& plan, PhysicalNode& node, Bound bound);
  Status add_steps(const PlanNode& plan, PhysicalNode& node, Fragment& fragment);
  Status add_step(const PlanNode& plan, PhysicalNode& node, Fragment& fragment);
  Result<std::shared_ptr<Scan>> open_scan(const PlanNode& plan, ScanRequest request,
                                          PhysicalNode& node);
  ScanRequest scan_request(const PlanNode& plan) const;
  /// Asked more than once of a scan: the last answer is kept.
  ScanEstimate estimate_of(const PlanNode& plan, const ScanRequest& request);
  size_t helpers_for(double time_us) const;
  OperatorStats* stats_of(PhysicalNode& node) const {
    return execution_.instrument ? &node.stats : nullptr;
  }
  Result<std::optional<uint64_t>> row_count(const Expr* expression, bool is_limit) const;
  void note_functions(const PlanNode& plan);

  const ExecutionContext& execution_;
  const OperatorContext& context_;
  SubqueryRunner& runner_;
  int depth_ = 0;
  bool may_block_ = false;
  const PlanNode* estimated_ = nullptr;
  ScanEstimate estimate_;
  const PlanNode* not_gathered_ = nullptr;  // of a chain that is not worth it, or may not
  std::unordered_map<const PlanNode*, Expected> expected_;
  std::unordered_map<int, Expected> cte_nodes_;  // by cte_id
};

}  // namespace eventd::engine
