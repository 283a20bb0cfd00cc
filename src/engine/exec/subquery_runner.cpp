#include "engine/exec/subquery_runner.h"

#include "engine/exec/compiled_subquery.h"

namespace eventd::engine {

namespace {

/// A correlated subquery is taken to run for so many rows.
constexpr double kRunsExpected = 100;

}  // namespace

Result<std::shared_ptr<CompiledSubquery>> SubqueryRunner::compile(const Expr& expr) {
  InnerContext inner{&execution_, operators_, scope_};
  ASSIGN_OR_RETURN(auto compiled, CompiledSubquery::compile(expr, std::move(inner)));
  SubPlan description;
  description.correlated = compiled->is_correlated();
  if (compiled->run() != nullptr) {
    description.root = compiled->run()->physical();
    time_us_ += compiled->run()->time_us();
    if (planner_ != nullptr && compiled->run()->may_block()) planner_->note_blocking();
  } else if (planner_ != nullptr) {
    time_us_ += kRunsExpected * planner_->inner_time_us(compiled->plan());
  }
  if (compiled->is_correlated() && execution_.describe) {
    description.root = compiled->describe();
  }
  if (node_ != nullptr) node_->subplans.push_back(std::move(description));
  return compiled;
}

}  // namespace eventd::engine
