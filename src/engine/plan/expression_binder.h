// AstExpr → Expr: names, operators, functions and types.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/plan/ast.h"
#include "engine/plan/logical_plan.h"
#include "engine/plan/overload.h"
#include "engine/plan/parameter_types.h"
#include "engine/plan/query_level.h"
#include "result.h"

namespace eventd::engine {

class SelectBinder;

/// What all binders of one statement share. One thread.
struct BindState {
  explicit BindState(std::span<const Oid> declared) : parameters(declared) {}
  ParameterTypes parameters;
  /// Binds the queries in expressions; null where there may be none (parameters of EXECUTE).
  SelectBinder* selects = nullptr;
  int next_cte_id = 0;
  /// Nodes that may still be made: BETWEEN, CASE and IN copy subtrees, nested ones exponentially.
  int64_t nodes_left = 500'000;
  Status spend(int64_t nodes);
};

/// Binds the expressions of one clause. One thread; borrows everything.
class ExpressionBinder {
 public:
  /// What `clause` may not hold is refused with PostgreSQL's words (42803, 42P20, 0A000).
  ExpressionBinder(BindState& state, QueryLevel& level, Clause clause)
      : state_(state), level_(level), clause_(clause) {}

  /// Literals and open parameters keep the type `unknown`. Errors carry positions.
  Result<ExprPtr> bind(const AstExpr& ast);

  /// left op right for bound operands; used for IN, CASE, ORDER BY … too.
  Result<ExprPtr> bind_operator(std::string_view name, ExprPtr left, ExprPtr right, int position);
  /// The call of an overload of a scalar function by name.
  Result<ExprPtr> bind_function(std::string_view name, std::vector<ExprPtr> arguments,
                                int position);

 private:
  // bind_expression.cpp
  Result<ExprPtr> bind_node(const AstExpr& ast);
  Result<ExprPtr> bind_column(const AstExpr& ast);
  Result<ExprPtr> bind_number(const AstExpr& ast);
  Result<ExprPtr> bind_parameter(const AstExpr& ast);
  Result<ExprPtr> bind_cast(const AstExpr& ast);
  Result<ExprPtr> bind_value_function(const AstExpr& ast);
  Result<ExprPtr> bind_array(const AstExpr& ast);
  Result<ExprPtr> bind_subscript(const AstExpr& ast);
  Result<std::vector<ExprPtr>> bind_all(std::span<const AstExprPtr> asts);
  Result<ExprPtr> bind_boolean_child(const AstExpr& ast, std::string_view what);

  // bind_operator.cpp
  Result<ExprPtr> bind_operator_chain(const AstExpr& ast);
  Result<const Operator*> choose_operator(std::string_view name, Oid left, Oid right, int position);
  Result<ExprPtr> apply_operator(const Operator& op, ExprPtr left, ExprPtr right, int position);
  Result<ExprPtr> bind_quantified(const AstExpr& ast);

  // bind_condition.cpp
  Result<ExprPtr> bind_and_or(const AstExpr& ast);
  Result<ExprPtr> bind_case(const AstExpr& ast);
  Result<ExprPtr> bind_in(const AstExpr& ast);
  Result<ExprPtr> bind_between(const AstExpr& ast);
  Result<ExprPtr> bind_distinct(const AstExpr& ast);
  Result<ExprPtr> bind_nullif(const AstExpr& ast);
  Result<ExprPtr> bind_common(const AstExpr& ast, Expr::Kind kind, std::string_view context);
  Result<ExprPtr> copy_of(const Expr& expression);

  // bind_call.cpp
  Result<ExprPtr> bind_call(const AstExpr& ast);
  Result<ExprPtr> bind_scalar_call(const ScalarFunction& function, const Candidate& candidate,
                                   std::vector<ExprPtr> arguments, int position);
  Result<ExprPtr> bind_aggregate_call(const AggregateFunction& function,
                                      const Candidate& candidate, std::vector<ExprPtr> arguments,
                                      const AstExpr& ast);
  Result<ExprPtr> bind_type_call(const AstExpr& ast, std::vector<ExprPtr>& arguments);
  Result<std::vector<ExprPtr>> coerce_arguments(const Candidate& candidate,
                                                const PolymorphicTypes& types,
                                                std::vector<ExprPtr> arguments);
  Status bind_aggregate_order(const AstExpr& ast, AggregateCall& call);

  BindState& state_;
  QueryLevel& level_;
  const Clause clause_;
  bool in_aggregate_ = false;
};

Error bind_error(SqlState code, std::string message, int position);
Error not_supported_yet(std::string what, int position);

}  // namespace eventd::engine
