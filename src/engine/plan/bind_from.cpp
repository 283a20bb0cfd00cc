#include "engine/limits.h"
#include "engine/plan/coercion.h"
#include "engine/plan/column_names.h"
#include "engine/plan/select_binder.h"

namespace eventd::engine {
namespace {

Status apply_column_aliases(const AstFromItem& item, std::vector<OutputColumn>& columns) {
  if (item.column_aliases.size() > columns.size()) {
    const std::string& name = item.alias.empty() ? item.name : item.alias;
    return bind_error(sqlstate::kInvalidColumnReference,
                      "table \"" + name + "\" has " + std::to_string(columns.size()) +
                          " columns available but " + std::to_string(item.column_aliases.size()) +
                          " columns specified",
                      item.position);
  }
  for (size_t i = 0; i < item.column_aliases.size(); ++i) columns[i].name = item.column_aliases[i];
  return {};
}

bool has_column(const Expr& expression) {
  if (expression.kind == Expr::Kind::kColumn) return true;
  for (const ExprPtr& child : expression.children) {
    if (has_column(*child)) return true;
  }
  return false;
}

}  // namespace

Status SelectBinder::bind_from(const SelectAst& select, Block& block) {
  if (select.from.empty()) {  // one row without columns
    block.plan = std::make_unique<PlanNode>(PlanNode::Kind::kValues);
    block.plan->rows.emplace_back();
    return {};
  }
  if (select.from.size() > 1) return not_supported_yet("JOIN", select.from[1].position);
  const AstFromItem& item = select.from[0];
  std::string name = item.alias;
  switch (item.kind) {
    case AstFromItem::Kind::kRelation: {
      ASSIGN_OR_RETURN(block.plan, bind_relation(item));
      if (name.empty()) name = item.name;
      break;
    }
    case AstFromItem::Kind::kSubquery: {
      if (item.alias.empty()) {
        Error error = bind_error(sqlstate::kSyntaxError, "subquery in FROM must have an alias",
                                 item.position);
        error.hint = "For example, FROM (SELECT ...) [AS] foo.";
        return error;
      }
      ASSIGN_OR_RETURN(block.plan, bind(*item.subquery, *block.level.frame));
      break;
    }
    case AstFromItem::Kind::kFunction: {
      ASSIGN_OR_RETURN(block.plan, bind_table_function(item, block));
      if (name.empty()) name = item.functions[0]->names.empty() ? "" : item.functions[0]->names.back();
      break;
    }
    case AstFromItem::Kind::kJoin:
      return not_supported_yet("JOIN", item.position);
    case AstFromItem::Kind::kUnsupported:
      return not_supported_yet(item.name, item.position);
  }
  RETURN_IF_ERROR(apply_column_aliases(item, block.plan->columns));
  block.level.scope.add_relation(std::move(name), item.alias.empty() ? item.schema : "",
                           block.plan->columns);
  return {};
}

Result<PlanPtr> SelectBinder::bind_relation(const AstFromItem& item) {
  const Relation* relation = relations_.find_relation(item.schema, item.name);
  if (relation == nullptr) {
    std::string name = item.schema.empty() ? item.name : item.schema + "." + item.name;
    return bind_error(sqlstate::kUndefinedTable, "relation \"" + name + "\" does not exist",
                      item.position);
  }
  auto scan = std::make_unique<PlanNode>(PlanNode::Kind::kScan);
  scan->relation = relation;
  const std::vector<RelationColumn>& columns = relation->columns();
  for (size_t i = 0; i < columns.size(); ++i) {
    ScanColumn column;
    column.column = static_cast<int>(i);
    column.type = columns[i].type;
    scan->scan_columns.push_back(std::move(column));
    scan->columns.push_back({columns[i].name, columns[i].type, relation->relation_oid(),
                             static_cast<int16_t>(i + 1)});
  }
  return scan;
}

// FROM generate_series(…): a set-returning function with constant arguments.
Result<PlanPtr> SelectBinder::bind_table_function(const AstFromItem& item, Block& block) {
  const AstExpr& call = *item.functions[0];
  if (item.ordinality) return not_supported_yet("WITH ORDINALITY", item.position);
  if (call.kind != AstExpr::Kind::kCall) return bind_function_row(item, block);
  const auto functions = FunctionCatalog::instance().table_functions(call.names.back());
  if (functions.empty()) return bind_function_row(item, block);
  QueryLevel no_columns(*block.level.frame);
  ExpressionBinder binder(state_, no_columns, "functions in FROM");
  std::vector<ExprPtr> arguments;
  std::vector<Oid> types;
  for (const AstExprPtr& argument : call.children) {
    ASSIGN_OR_RETURN(ExprPtr bound, binder.bind(*argument));
    types.push_back(bound->type.id);
    arguments.push_back(std::move(bound));
  }
  std::vector<Candidate> candidates;
  for (const TableFunction* function : functions) {
    if (function->arguments.size() == types.size()) {
      candidates.push_back({function->arguments, function});
    }
  }
  const OverloadChoice choice = choose_overload(candidates, types);
  if (choice.outcome != OverloadChoice::Outcome::kFound) {
    std::string signature;
    for (const Oid type : types) {
      signature += (signature.empty() ? "" : ", ") + format_type({type, -1});
    }
    const bool ambiguous = choice.outcome == OverloadChoice::Outcome::kAmbiguous;
    Error error = bind_error(
        ambiguous ? sqlstate::kAmbiguousFunction : sqlstate::kUndefinedFunction,
        "function " + call.names.back() + "(" + signature + ")" +
            (ambiguous ? " is not unique" : " does not exist"),
        call.position);
    error.hint = ambiguous ? "Could not choose a best candidate function. You might need to add "
                             "explicit type casts."
                           : "No function matches the given name and argument types. You might "
                             "need to add explicit type casts.";
    return error;
  }
  const auto* function = static_cast<const TableFunction*>(candidates[choice.index].entry);
  const PolymorphicTypes resolved = resolve_polymorphic(function->arguments, types);
  auto plan = std::make_unique<PlanNode>(PlanNode::Kind::kTableFunction);
  plan->table_function = function;
  for (size_t i = 0; i < arguments.size(); ++i) {
    ASSIGN_OR_RETURN(ExprPtr argument, coerce(std::move(arguments[i]), {resolved.arguments[i], -1},
                                              CastContext::kImplicit, state_.parameters));
    plan->expressions.push_back(std::move(argument));
  }
  for (const auto& [name, type] : function->columns) {
    plan->columns.push_back({std::string(name), {resolve_result(type, resolved), -1}, 0, 0});
  }
  // A single column without a name of its own takes the alias: FROM generate_series(1, 3) AS i.
  if (plan->columns.size() == 1 && plan->columns[0].name == call.names.back() && !item.alias.empty()) {
    plan->columns[0].name = item.alias;
  }
  return plan;
}

// FROM now(): one row of a scalar function.
Result<PlanPtr> SelectBinder::bind_function_row(const AstFromItem& item, Block& block) {
  QueryLevel no_columns(*block.level.frame);
  ExpressionBinder binder(state_, no_columns, "functions in FROM");
  ASSIGN_OR_RETURN(ExprPtr value, binder.bind(*item.functions[0]));
  ASSIGN_OR_RETURN(value, resolve_unknown(std::move(value), state_.parameters));
  if (has_column(*value)) return not_supported_yet("LATERAL", item.position);
  auto plan = std::make_unique<PlanNode>(PlanNode::Kind::kValues);
  plan->columns.push_back({item.alias.empty() ? column_name_of(*item.functions[0]) : item.alias,
                           value->type, 0, 0});
  plan->rows.emplace_back();
  plan->rows.back().push_back(std::move(value));
  return plan;
}

}  // namespace eventd::engine
