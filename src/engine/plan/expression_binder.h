// AstExpr → Expr: names, operators, functions and types.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/plan/ast.h"
#include "engine/plan/logical_plan.h"
#include "engine/plan/overload.h"
#include "engine/plan/parameter_types.h"
#include "engine/plan/query_level.h"
#include "engine/scan/cancel_token.h"
#include "result.h"

namespace eventd::engine {

class SelectBinder;

/// What all binders of one statement share. One thread.
struct BindState {
  explicit BindState(std::span<const Oid> declared, const CancelToken* cancel_token = nullptr)
      : parameters(declared), cancel(cancel_token) {}
  ParameterTypes parameters;
  /// Binds the queries in expressions; null where there may be none (parameters of EXECUTE).
  SelectBinder* selects = nullptr;
  int next_cte_id = 0;
  /// The first column of each query bound so far: what a bare scalar subquery is named after.
  std::unordered_map<const SelectAst*, std::string> subquery_names;
  /// Nodes that may still be made: BETWEEN, CASE and IN copy subtrees, nested ones exponentially.
  int64_t nodes_left = 500'000;
  const CancelToken* cancel = nullptr;  ///< may be null
  /// OK; 54001 when `nodes` are more than there may be; the error of `cancel`.
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

  /// The fields of `t.*` or `(row).*`, with their names.
  Result<std::vector<std::pair<std::string, ExprPtr>>> expand_row(const AstExpr& ast);
  /// The offset of a window frame in `mode` ("ROWS", "RANGE", "GROUPS"); `key_type` for RANGE.
  Result<ExprPtr> bind_frame_offset(const AstExpr& ast, std::string_view mode, Oid key_type);
  /// A second one of the same value. 54001 when there are too many.
  Result<ExprPtr> copy_of(const Expr& expression);

 private:
  // bind_expression.cpp
  Result<ExprPtr> bind_node(const AstExpr& ast);
  Result<ExprPtr> bind_column(const AstExpr& ast);
  Result<ExprPtr> bind_number(const AstExpr& ast);
  Result<ExprPtr> bind_parameter(const AstExpr& ast);
  Result<ExprPtr> bind_cast(const AstExpr& ast);
  Result<ExprPtr> bind_value_function(const AstExpr& ast);
  Result<std::vector<ExprPtr>> bind_all(std::span<const AstExprPtr> asts);
  Result<ExprPtr> bind_boolean_child(const AstExpr& ast, std::string_view what);

  // bind_array.cpp
  Result<ExprPtr> bind_array(const AstExpr& ast, Oid element = oid::kInvalid);
  Result<ExprPtr> bind_subscript(const AstExpr& ast);
  Result<ExprPtr> bind_subscript_bound(const AstExpr& ast, int32_t when_missing);

  // bind_subquery.cpp
  Result<ExprPtr> bind_query(const AstExpr& ast, SubqueryFrame& frame);
  Result<ExprPtr> bind_subquery(const AstExpr& ast);
  Result<ExprPtr> bind_quantified_subquery(const AstExpr& ast);
  Result<ExprPtr> bind_row_subquery(std::string_view name, const AstExpr& row,
                                    const AstExpr& query, int position);

  // bind_record.cpp
  Result<std::vector<ExprPtr>> bind_row_fields(const AstExpr& ast);
  Result<ExprPtr> bind_row(const AstExpr& ast);
  Result<ExprPtr> bind_whole_row(const AstExpr& ast);
  Result<ExprPtr> bind_field(const AstExpr& ast);
  Result<ExprPtr> compare_fields(std::string_view name, std::vector<ExprPtr> left,
                                 std::vector<ExprPtr> right, int position);
  Result<ExprPtr> bind_comparison(std::string_view name, const AstExpr& left, const AstExpr& right,
                                  int position);
  Result<ExprPtr> bind_distinct_rows(const AstExpr& ast);
  Result<ExprPtr> bind_row_null_test(ExprPtr record, bool is_null, int position);

  // bind_populate.cpp
  Result<ExprPtr> bind_populated_row(const AstExpr& ast);
  /// Null: the type is no relation's.
  Result<ExprPtr> bind_row_cast(const AstExpr& ast);

  // bind_operator.cpp
  Result<ExprPtr> bind_operator_chain(const AstExpr& ast);
  Result<const Operator*> choose_operator(std::string_view name, Oid left, Oid right, int position);
  Result<ExprPtr> apply_operator(const Operator& op, ExprPtr left, ExprPtr right, int position);
  Result<ExprPtr> bind_quantified(const AstExpr& ast);

  // bind_condition.cpp
  Result<ExprPtr> bind_and_or(const AstExpr& ast);
  Result<ExprPtr> bind_case(const AstExpr& ast);
  Result<ExprPtr> bind_in(const AstExpr& ast);
  Result<ExprPtr> bind_in_rows(const AstExpr& ast);
  Status check_no_new_sets(size_t calls_before, std::string_view what);
  Result<ExprPtr> bind_between(const AstExpr& ast);
  Result<ExprPtr> bind_distinct(const AstExpr& ast);
  Result<ExprPtr> bind_nullif(const AstExpr& ast);
  Result<ExprPtr> bind_common(const AstExpr& ast, Expr::Kind kind, std::string_view context);

  // bind_call.cpp
  Result<ExprPtr> bind_call(const AstExpr& ast);
  Result<ExprPtr> bind_scalar_call(const ScalarFunction& function, const Candidate& candidate,
                                   std::vector<ExprPtr> arguments, int position);
  Result<std::vector<ExprPtr>> bind_arguments(const AstExpr& ast, std::vector<std::string>& names);
  Result<ExprPtr> bind_unknown_call(const AstExpr& ast, std::vector<ExprPtr> arguments,
                                    bool ambiguous, bool known_schema);
  Result<ExprPtr> bind_joined_array(std::vector<ExprPtr> arguments, int position);
  Result<ExprPtr> bind_set_call(const TableFunction& function, const Candidate& candidate,
                                std::vector<ExprPtr> arguments, int position);
  Result<ExprPtr> bind_type_call(const AstExpr& ast, std::vector<ExprPtr>& arguments);
  Result<std::vector<ExprPtr>> coerce_arguments(const Candidate& candidate,
                                                const PolymorphicTypes& types,
                                                std::vector<ExprPtr> arguments);

  // bind_aggregate.cpp
  std::vector<size_t> frame_sizes();
  Result<std::vector<SortKey>> bind_call_order(const AstExpr& ast);
  Result<ExprPtr> bind_filter(const AstExpr& ast);
  Result<AggregateCall> make_aggregate(const AggregateFunction& function,
                                       const Candidate& candidate, std::vector<ExprPtr> arguments);
  Result<ExprPtr> bind_aggregate_call(const AggregateFunction& function,
                                      const Candidate& candidate, std::vector<ExprPtr> arguments,
                                      std::vector<SortKey> order,
                                      std::span<const size_t> frame_sizes, const AstExpr& ast);
  Result<ExprPtr> place_aggregate(AggregateCall call, std::span<const size_t> frame_sizes,
                                  int position);
  Result<ExprPtr> bind_grouping_call(const AstExpr& ast);

  // bind_window.cpp
  Result<size_t> window_of(const AstWindow& over);
  Result<ExprPtr> bind_window_call(const WindowFunction* function,
                                   const AggregateFunction* aggregate, const Candidate& candidate,
                                   std::vector<ExprPtr> arguments, const AstExpr& ast);

  BindState& state_;
  QueryLevel& level_;
  const Clause clause_;
};

/// The row whose fields are at hand: ROW(…), or a relation's, even where an outer join may have made
/// it up (its fields are NULL there). Null: a value of type record, or no row at all.
Expr* row_inside(Expr& record);

Error bind_error(SqlState code, std::string message, int position);
Error not_supported_yet(std::string what, int position);

}  // namespace eventd::engine
