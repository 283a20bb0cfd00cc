#include "engine/plan/query_planner.h"

#include "engine/plan/coercion.h"
#include "engine/plan/eql_binder.h"
#include "engine/plan/fold_constants.h"
#include "engine/plan/select_binder.h"

namespace eventd::engine {

Result<BoundQuery> bind_query(const Query& query, const RelationResolver& relations,
                              std::span<const Oid> declared) {
  if (query.eql != nullptr) return bind_eql(*query.eql, relations, declared);
  BindState state(declared, relations.cancel());
  SelectBinder binder(relations, state);
  BoundQuery result;
  SubqueryFrame statement;
  ASSIGN_OR_RETURN(result.plan, binder.bind(*query.select, statement));
  result.columns = result.plan->columns;
  ASSIGN_OR_RETURN(result.parameter_types, state.parameters.finish());
  return result;
}

Result<std::vector<Datum>> evaluate_arguments(const ExecuteStatement& execute,
                                              std::span<const Oid> types,
                                              const EvalContext& context) {
  if (execute.arguments.size() != types.size()) {
    Error error = bind_error(sqlstate::kSyntaxError,
                             "wrong number of parameters for prepared statement \"" +
                                 execute.name + "\"",
                             0);
    error.detail = "Expected " + std::to_string(types.size()) + " parameters but got " +
                   std::to_string(execute.arguments.size()) + ".";
    return error;
  }
  BindState state({}, context.cancel);
  SubqueryFrame statement;
  QueryLevel no_columns(statement);
  ExpressionBinder binder(state, no_columns, "EXECUTE parameters");
  std::vector<Datum> values;
  for (size_t i = 0; i < types.size(); ++i) {
    ASSIGN_OR_RETURN(ExprPtr value, binder.bind(*execute.arguments[i]));
    if (!can_coerce(value->type.id, types[i], CastContext::kAssignment)) {
      Error error = bind_error(sqlstate::kDatatypeMismatch,
                               "parameter $" + std::to_string(i + 1) + " of type " +
                                   format_type(value->type) +
                                   " cannot be coerced to the expected type " +
                                   format_type({types[i], -1}),
                               value->position);
      error.hint = "You will need to rewrite or cast the expression.";
      return error;
    }
    ASSIGN_OR_RETURN(value, coerce(std::move(value), {types[i], -1}, CastContext::kAssignment,
                                   state.parameters));
    ASSIGN_OR_RETURN(Datum constant, evaluate_constant(std::move(value), context));
    values.push_back(std::move(constant));
  }
  return values;
}

}  // namespace eventd::engine
