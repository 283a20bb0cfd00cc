// Columns of plan nodes as EXPLAIN names them. Private to engine/exec.
#pragma once

#include <string>
#include <vector>

#include "engine/functions/eval_context.h"
#include "engine/plan/logical_plan.h"

namespace eventd::engine {

/// Names of output columns by what they are computed from, as PostgreSQL deparses them. One thread.
class ExplainNames {
 public:
  /// Columns are qualified if `plan` reads more than one relation.
  ExplainNames(const PlanNode& plan, const EvalContext& context);

  /// Of the node's output.
  std::vector<std::string> of(const PlanNode& plan) const;
  /// Of what the node's expressions are over.
  std::vector<std::string> input_of(const PlanNode& plan) const;
  /// `events`, `events e`, `generate_series i`: what a leaf reads.
  static std::string relation_title(const PlanNode& plan, bool with_schema);
  /// The name it has in the query.
  static std::string alias_of(const PlanNode& plan);

 private:
  std::vector<std::string> prefixed(const PlanNode& plan) const;
  std::string expression_name(const Expr& expression, const std::vector<std::string>& input,
                              const std::string& otherwise) const;
  std::string aggregate_name(const AggregateCall& call, const std::vector<std::string>& input) const;

  const EvalContext& context_;
  bool qualify_ = false;
};

}  // namespace eventd::engine
