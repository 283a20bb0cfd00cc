// Functions in FROM: set-returning ones, scalar ones (one row), several side by side, EQL.
#include "engine/plan/coercion.h"
#include "engine/plan/column_names.h"
#include "engine/plan/eql_binder.h"
#include "engine/plan/eql_parser.h"
#include "engine/plan/from_binder.h"
#include "engine/plan/populate_record.h"
#include "engine/plan/rules.h"

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

Result<FromPart> function_part(const AstFromItem& item, PlanPtr plan, bool scalar) {
  FromPart part;
  part.plan = std::move(plan);
  part.plan->alias = item.alias;
  RETURN_IF_ERROR(apply_column_aliases(item, part.plan->columns));
  part.scope.add_relation(function_item_name(item), {}, part.plan->columns);
  part.scope.relations().back().scalar = scalar;
  return part;
}

void FunctionRows::add_column(std::string name, Type type) {
  fields.push_back(Expr::column(static_cast<int>(call_columns.size()), type));
  columns.push_back({name, type, 0, 0});
  call_columns.push_back({std::move(name), type, 0, 0});
}

namespace {

// The item's columns where they are more than those of the calls, which begin at `first`.
PlanPtr with_fields(PlanPtr plan, size_t first, FunctionRows& rows) {
  auto project = std::make_unique<PlanNode>(PlanNode::Kind::kProject);
  for (size_t i = 0; i < first; ++i) {
    project->columns.push_back(plan->columns[i]);
    project->expressions.push_back(Expr::column(static_cast<int>(i), plan->columns[i].type));
  }
  for (size_t i = 0; i < rows.fields.size(); ++i) {
    for_each_column(*rows.fields[i], [&](Expr& column) { column.index += static_cast<int>(first); });
    project->columns.push_back(rows.columns[i]);
    project->expressions.push_back(std::move(rows.fields[i]));
  }
  project->children.push_back(std::move(plan));
  return project;
}

PlanPtr calls_leaf(FunctionRows& rows) {
  const bool single = rows.calls.size() == 1;
  if (single && rows.calls[0].function != nullptr) {
    auto plan = std::make_unique<PlanNode>(PlanNode::Kind::kTableFunction);
    plan->table_function = rows.calls[0].function;
    plan->expressions = std::move(rows.calls[0].arguments);
    plan->ordinality = rows.ordinality;
    return plan;
  }
  if (single) {
    PlanPtr plan = one_row();
    plan->rows[0].push_back(std::move(rows.calls[0].arguments[0]));
    if (rows.ordinality) plan->rows[0].push_back(first_ordinal());
    return plan;
  }
  auto plan = std::make_unique<PlanNode>(PlanNode::Kind::kProjectSet);
  plan->set_calls = std::move(rows.calls);
  plan->ordinality = rows.ordinality;
  plan->children.push_back(one_row());
  return plan;
}

}  // namespace

PlanPtr function_leaf(FunctionRows rows) {
  PlanPtr plan = calls_leaf(rows);
  plan->columns = rows.computed ? rows.call_columns : rows.columns;
  return rows.computed ? with_fields(std::move(plan), 0, rows) : std::move(plan);
}

PlanPtr functions_above(PlanPtr child, FunctionRows rows, JoinType type) {
  const size_t first = child->columns.size();
  const std::vector<OutputColumn>& own = rows.computed ? rows.call_columns : rows.columns;
  PlanPtr node = plan_above(PlanNode::Kind::kProjectSet, std::move(child));
  node->columns.insert(node->columns.end(), own.begin(), own.end());
  node->join_type = type;
  node->set_calls = std::move(rows.calls);
  node->ordinality = rows.ordinality;
  return rows.computed ? with_fields(std::move(node), first, rows) : std::move(node);
}

Result<FromPart> FromBinder::bind_functions_alone(const AstFromItem& item, SubqueryFrame& frame) {
  FromPart part;
  ASSIGN_OR_RETURN(const bool eql, bind_eql_item(item, part));
  if (eql) return part;
  QueryLevel no_columns(frame);
  ASSIGN_OR_RETURN(FunctionRows rows, bind_functions(item, no_columns));
  const bool scalar = rows.scalar;
  return function_part(item, function_leaf(std::move(rows)), scalar);
}

Result<FunctionRows> FromBinder::bind_functions(const AstFromItem& item, QueryLevel& level) {
  const bool was_active = lateral_active_;
  lateral_active_ = true;  // functions in FROM are LATERAL, said or not
  FunctionRows rows;
  rows.ordinality = item.ordinality;
  Status failure;
  for (size_t i = 0; i < item.functions.size() && failure.ok(); ++i) {
    failure = bind_function(item, i, level, rows);
  }
  lateral_active_ = was_active;
  if (!failure.ok()) return explain_invisible(std::move(failure), true);
  rows.scalar = rows.scalar && rows.columns.size() == 1 && !item.ordinality;
  if (item.ordinality) rows.add_column("ordinality", {oid::kInt8, -1});
  return rows;
}

Status FromBinder::bind_function(const AstFromItem& item, size_t which, QueryLevel& level,
                                 FunctionRows& rows) {
  const AstExpr& ast = *item.functions[which];
  if (!item.definitions[which].empty()) {
    return bind_record_function(ast, item.definitions[which], level, rows);
  }
  const auto needs_definitions = [&] {
    return bind_error(sqlstate::kSyntaxError,
                      "a column definition list is required for functions returning \"record\"",
                      ast.position);
  };
  if (returns_record(ast)) return needs_definitions();
  if (populate_function(ast) != nullptr) return bind_populate(ast, level, rows);
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
  const std::string& name =
      item.functions.size() == 1 && !item.alias.empty() ? item.alias : own_name;
  if (!is_set) {
    ASSIGN_OR_RETURN(value, resolve_unknown(std::move(value), state_.parameters));
    if (value->type.id == oid::kRecord) return needs_definitions();
    rows.add_column(name, value->type);
    rows.scalar = true;
    rows.calls.emplace_back();
    rows.calls.back().arguments.push_back(std::move(value));
    return {};
  }
  SetCall call = std::move(level.set_calls[0]);
  level.set_calls.clear();
  level.set_positions.clear();
  std::vector<Type> types;
  if (value->kind == Expr::Kind::kRow) {
    for (const ExprPtr& field : value->children) types.push_back(field->type);
  } else {
    types.push_back(value->type);
  }
  for (size_t i = 0; i < types.size(); ++i) {
    const std::string_view column = call.function->columns[i].first;
    const bool unnamed = types.size() == 1 && column == call.function->name;
    rows.add_column(unnamed ? name : std::string(column), types[i]);
  }
  rows.scalar = true;
  rows.calls.push_back(std::move(call));
  return {};
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

}  // namespace eventd::engine
