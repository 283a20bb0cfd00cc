// Functions in FROM: set-returning ones, scalar ones (one row), several side by side, EQL.
#include "engine/plan/coercion.h"
#include "engine/plan/column_names.h"
#include "engine/plan/eql_binder.h"
#include "engine/plan/eql_parser.h"
#include "engine/plan/from_binder.h"

namespace eventd::engine {
namespace {

ExprPtr first_ordinal() {
  return Expr::constant_of(Datum(oid::kInt8, int64_t{1}), {oid::kInt8, -1});
}

PlanPtr one_row() {
  auto plan = std::make_unique<PlanNode>(PlanNode::Kind::kValues);
  plan->rows.emplace_back();
  return plan;
}

// True for the columns of one set-returning call, as the expression binder gives them.
bool is_set_result(const Expr& expression) {
  if (expression.kind == Expr::Kind::kRow && !expression.children.empty()) {
    return is_set_result(*expression.children[0]);
  }
  return expression.kind == Expr::Kind::kColumn && expression.index >= kSetColumnBase;
}

Clause functions_clause() {
  Clause clause("functions in FROM");
  clause.set_functions = true;
  return clause;
}

}  // namespace

std::string function_item_name(const AstFromItem& item) {
  return item.alias.empty() ? column_name_of(*item.functions[0]) : item.alias;
}

Result<FromPart> function_part(const AstFromItem& item, PlanPtr plan) {
  FromPart part;
  part.plan = std::move(plan);
  part.plan->alias = item.alias;
  RETURN_IF_ERROR(apply_column_aliases(item, part.plan->columns));
  part.scope.add_relation(function_item_name(item), {}, part.plan->columns);
  return part;
}

PlanPtr function_leaf(FunctionRows rows) {
  const bool single = rows.calls.size() == 1;
  if (single && rows.calls[0].function != nullptr) {
    auto plan = std::make_unique<PlanNode>(PlanNode::Kind::kTableFunction);
    plan->table_function = rows.calls[0].function;
    plan->expressions = std::move(rows.calls[0].arguments);
    plan->ordinality = rows.ordinality;
    plan->columns = std::move(rows.columns);
    return plan;
  }
  if (single && rows.calls[0].column_count == 1) {
    PlanPtr plan = one_row();
    plan->rows[0].push_back(std::move(rows.calls[0].arguments[0]));
    if (rows.ordinality) plan->rows[0].push_back(first_ordinal());
    plan->columns = std::move(rows.columns);
    return plan;
  }
  auto plan = std::make_unique<PlanNode>(PlanNode::Kind::kProjectSet);
  plan->columns = std::move(rows.columns);
  plan->set_calls = std::move(rows.calls);
  plan->ordinality = rows.ordinality;
  plan->children.push_back(one_row());
  return plan;
}

Result<FromPart> FromBinder::bind_functions_alone(const AstFromItem& item, SubqueryFrame& frame) {
  FromPart part;
  ASSIGN_OR_RETURN(const bool eql, bind_eql_item(item, part));
  if (eql) return part;
  QueryLevel no_columns(frame);
  ASSIGN_OR_RETURN(FunctionRows rows, bind_functions(item, no_columns));
  return function_part(item, function_leaf(std::move(rows)));
}

Result<FunctionRows> FromBinder::bind_functions(const AstFromItem& item, QueryLevel& level) {
  const bool was_active = lateral_active_;
  lateral_active_ = true;  // functions in FROM are LATERAL, said or not
  FunctionRows rows;
  rows.ordinality = item.ordinality;
  Status failure;
  for (size_t i = 0; i < item.functions.size() && failure.ok(); ++i) {
    Result<SetCall> call = bind_function(item, i, level, rows.columns);
    if (call.ok()) {
      rows.calls.push_back(std::move(call).value());
    } else {
      failure = explain_invisible(std::move(call).take_status(), true);
    }
  }
  lateral_active_ = was_active;
  RETURN_IF_ERROR(std::move(failure));
  if (item.ordinality) rows.columns.push_back({"ordinality", {oid::kInt8, -1}, 0, 0});
  return rows;
}

Result<SetCall> FromBinder::bind_function(const AstFromItem& item, size_t which, QueryLevel& level,
                                          std::vector<OutputColumn>& columns) {
  const AstExpr& ast = *item.functions[which];
  if (!item.definitions[which].empty()) {
    return bind_record_function(ast, item.definitions[which], level, columns);
  }
  level.set_calls.clear();
  level.set_positions.clear();
  ExpressionBinder binder(state_, level, functions_clause());
  ASSIGN_OR_RETURN(ExprPtr value, binder.bind(ast));
  const bool is_set = level.set_calls.size() == 1 && is_set_result(*value);
  if (!level.set_calls.empty() && !is_set) {
    return bind_error(sqlstate::kFeatureNotSupported,
                      "set-returning functions must appear at top level of FROM",
                      level.set_positions[0]);
  }
  // A column without a name of its own takes the alias: FROM generate_series(1, 3) AS i.
  const std::string own_name = column_name_of(ast);
  const std::string& name = item.functions.size() == 1 && !item.alias.empty() ? item.alias : own_name;
  if (!is_set) {
    ASSIGN_OR_RETURN(value, resolve_unknown(std::move(value), state_.parameters));
    if (value->type.id == oid::kRecord) {
      return bind_error(sqlstate::kSyntaxError,
                        "a column definition list is required for functions returning \"record\"",
                        ast.position);
    }
    SetCall call;
    columns.push_back({name, value->type, 0, 0});
    call.arguments.push_back(std::move(value));
    return call;
  }
  SetCall call = std::move(level.set_calls[0]);
  level.set_calls.clear();
  level.set_positions.clear();
  std::vector<ExprPtr> fields;
  if (value->kind == Expr::Kind::kRow) {
    fields = std::move(value->children);
  } else {
    fields.push_back(std::move(value));
  }
  for (size_t i = 0; i < fields.size(); ++i) {
    const std::string_view column = call.function->columns[i].first;
    const bool unnamed = fields.size() == 1 && column == call.function->name;
    columns.push_back({unnamed ? name : std::string(column), fields[i]->type, 0, 0});
  }
  return call;
}

// eql('EVENTS …'): the query stands there as a derived table; its parameters are the statement's.
Result<bool> FromBinder::bind_eql_item(const AstFromItem& item, FromPart& part) {
  const AstExpr& call = *item.functions[0];
  if (item.functions.size() != 1 || call.kind != AstExpr::Kind::kCall || call.names.size() != 1 ||
      call.names[0] != "eql") {
    return false;
  }
  if (call.children.size() != 1 || call.children[0]->kind != AstExpr::Kind::kString) {
    return bind_error(sqlstate::kInvalidParameterValue, "the argument of eql() must be a constant",
                      call.position);
  }
  if (item.ordinality) return not_supported_yet("WITH ORDINALITY of eql()", call.position);
  const int position = call.children[0]->position;
  const auto inside = [&](Status failure) {
    failure.error().position = position;  // positions in the text are not those of the statement
    return failure;
  };
  Result<std::unique_ptr<EqlAst>> query = parse_eql(call.children[0]->text);
  if (!query.ok()) return inside(std::move(query).take_status());
  Result<PlanPtr> plan = bind_eql(**query, relations_, state_);
  if (!plan.ok()) return inside(std::move(plan).take_status());
  ASSIGN_OR_RETURN(part, function_part(item, std::move(plan).value()));
  return true;
}

// Functions that return "record" with AS t(a int, …).
Result<SetCall> FromBinder::bind_record_function(const AstExpr& call,
                                                 const std::vector<AstColumnDefinition>& definitions,
                                                 QueryLevel& level,
                                                 std::vector<OutputColumn>& columns) {
  (void)level, (void)columns;
  if (call.kind == AstExpr::Kind::kCall) {
    const FunctionCatalog& catalog = FunctionCatalog::instance();
    const std::string& name = call.names.back();
    if (!catalog.functions(name).empty() || !catalog.table_functions(name).empty()) {
      return bind_error(sqlstate::kSyntaxError,
                        "a column definition list is only allowed for functions returning "
                        "\"record\"",
                        definitions[0].position);
    }
  }
  return not_supported_yet("a column definition list of this function", definitions[0].position);
}

}  // namespace eventd::engine
