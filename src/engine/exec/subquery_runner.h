// Queries in expressions: what compiles them.
#pragma once

#include <memory>
#include <vector>

#include "engine/exec/query_scope.h"
#include "engine/plan/expr.h"
#include "result.h"

namespace eventd::engine {

class CompiledSubquery;
class PhysicalPlanner;
struct ExecutionContext;
struct OperatorContext;
struct PhysicalNode;

/// Belongs to one plan being built; CompiledExpression::compile() finds it in its EvalContext. One
/// thread: evaluation, on any thread, is CompiledSubquery's.
class SubqueryRunner {
 public:
  /// The contexts outlive what is compiled.
  SubqueryRunner(const ExecutionContext& execution, const OperatorContext& operators)
      : execution_(execution), operators_(operators) {}

  /// `expr` (a kSubquery) need not outlive the result. Errors: those of building its plan.
  Result<std::shared_ptr<CompiledSubquery>> compile(const Expr& expr);

  const std::shared_ptr<const QueryScope>& scope() const { return scope_; }
  void set_scope(std::shared_ptr<const QueryScope> scope) { scope_ = std::move(scope); }
  /// While a plan is built: who builds, and the node whose expressions are being compiled.
  void set_planner(PhysicalPlanner* planner) { planner_ = planner; }
  PhysicalNode* node() const { return node_; }
  void set_node(PhysicalNode* node) { node_ = node; }
  /// Expected of all subqueries compiled so far, µs.
  double time_us() const { return time_us_; }

 private:
  const ExecutionContext& execution_;
  const OperatorContext& operators_;
  std::shared_ptr<const QueryScope> scope_;
  PhysicalPlanner* planner_ = nullptr;
  PhysicalNode* node_ = nullptr;
  double time_us_ = 0;
};

}  // namespace eventd::engine
