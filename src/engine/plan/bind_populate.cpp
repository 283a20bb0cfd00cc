#include "engine/plan/coercion.h"
#include "engine/plan/from_binder.h"
#include "engine/plan/populate_record.h"

namespace eventd::engine {
namespace {

constexpr Type kPopulatedRow{oid::kRecord, -1};
constexpr PopulateFunction kPopulateFunctions[] = {
    {"jsonb_populate_record", false, oid::kJsonb},
    {"jsonb_populate_recordset", true, oid::kJsonb},
    {"json_populate_record", false, oid::kJson},
    {"json_populate_recordset", true, oid::kJson},
};

ExprPtr text_literal(std::string_view value) {
  return Expr::constant_of(Datum::text(std::string(value)), {oid::kText, -1});
}

ExprPtr test_node(Expr::Kind kind, ExprPtr value) {
  auto test = std::make_unique<Expr>();
  test->kind = kind;
  test->type = {oid::kBool, -1};
  test->children.push_back(std::move(value));
  return test;
}

ExprPtr choice_of(Type type, ExprPtr condition, ExprPtr then, ExprPtr otherwise) {
  auto choice = std::make_unique<Expr>();
  choice->kind = Expr::Kind::kCase;
  choice->type = type;
  choice->children.push_back(std::move(condition));
  choice->children.push_back(std::move(then));
  choice->children.push_back(std::move(otherwise));
  return choice;
}

// What is wrong with the JSON is said as PostgreSQL's function of that name does.
Result<ExprPtr> checked_json(std::string_view check, const PopulateFunction& function, ExprPtr json,
                             ExpressionBinder& binder) {
  const int position = json->position;
  std::vector<ExprPtr> arguments;
  arguments.push_back(std::move(json));
  arguments.push_back(text_literal(function.name));
  return binder.bind_function(check, std::move(arguments), position);
}

}  // namespace

const PopulateFunction* populate_function(const AstExpr& call) {
  if (call.kind != AstExpr::Kind::kCall || call.children.size() != 2 || call.names.size() > 2 ||
      (call.names.size() == 2 && call.names[0] != "pg_catalog")) {
    return nullptr;
  }
  for (const PopulateFunction& function : kPopulateFunctions) {
    if (function.name == call.names.back()) return &function;
  }
  return nullptr;
}

Result<PopulateCall> bind_populate_call(const AstExpr& ast, ExpressionBinder& binder,
                                        BindState& state) {
  const PopulateFunction& function = *populate_function(ast);
  PopulateCall call;
  ASSIGN_OR_RETURN(call.base, binder.bind(*ast.children[0]));
  ASSIGN_OR_RETURN(call.json, binder.bind(*ast.children[1]));
  if (call.base->type.id == oid::kUnknown) {
    return bind_error(sqlstate::kDatatypeMismatch,
                      "could not determine polymorphic type because input has type unknown", 0);
  }
  if (row_inside(*call.base) == nullptr) {
    if (call.base->type.id != oid::kRecord) {
      return bind_error(sqlstate::kDatatypeMismatch,
                        "first argument of " + std::string(function.name) + " must be a row type", 0);
    }
    Error error = bind_error(sqlstate::kFeatureNotSupported,
                             "could not determine row type for result of " + std::string(function.name), 0);
    error.hint =
        "Provide a non-null record argument, or call the function in the FROM clause using a column "
        "definition list.";
    return error;
  }
  if (!can_coerce(call.json->type.id, function.json, CastContext::kImplicit)) {
    Error error = bind_error(sqlstate::kUndefinedFunction,
                             "function " + std::string(function.name) + "(record, " +
                                 format_type({call.json->type.id, -1}) + ") does not exist",
                             ast.position);
    error.hint =
        "No function matches the given name and argument types. You might need to add explicit "
        "type casts.";
    return error;
  }
  ASSIGN_OR_RETURN(call.json, coerce(std::move(call.json), {function.json, -1},
                                     CastContext::kImplicit, state.parameters));
  ASSIGN_OR_RETURN(call.json, coerce(std::move(call.json), {oid::kJsonb, -1},
                                     CastContext::kExplicit, state.parameters));
  ASSIGN_OR_RETURN(call.json,
                   checked_json(function.set ? "eventd_populate_array" : "eventd_populate_object",
                                function, std::move(call.json), binder));
  return call;
}

Result<ExprPtr> populate_element(const PopulateFunction& function, ExprPtr element,
                                 ExpressionBinder& binder) {
  return checked_json("eventd_populate_element", function, std::move(element), binder);
}

Result<ExprPtr> populated_field(const Expr& row, size_t index, const Expr& object,
                                ExprPtr otherwise, BindState& state) {
  SubqueryFrame frame;
  QueryLevel level(frame);
  ExpressionBinder binder(state, level, "functions in FROM");
  const Type type = row.children[index]->type;
  ASSIGN_OR_RETURN(ExprPtr value, json_member(row.path[index], type, object, row.position, state));
  ASSIGN_OR_RETURN(ExprPtr exists, binder.bind_operator("?", object.clone(),
                                                        text_literal(row.path[index]), 0));
  return choice_of(type, std::move(exists), std::move(value), std::move(otherwise));
}

Result<ExprPtr> json_member(const std::string& name, Type type, const Expr& object, int position,
                            BindState& state) {
  SubqueryFrame frame;
  QueryLevel level(frame);
  ExpressionBinder binder(state, level, "functions in FROM");
  const auto member = [&](std::string_view arrow) {
    return binder.bind_operator(arrow, object.clone(), text_literal(name), 0);
  };
  ASSIGN_OR_RETURN(ExprPtr text, member("->>"));
  if (type.id == oid::kJsonb || type.id == oid::kJson) {  // the JSON null is NULL here too
    ASSIGN_OR_RETURN(ExprPtr value, member("->"));
    ASSIGN_OR_RETURN(value, coerce(std::move(value), type, CastContext::kExplicit,
                                   state.parameters));
    return choice_of(type, test_node(Expr::Kind::kIsNull, std::move(text)),
                     Expr::constant_of(Datum::null(type.id), type), std::move(value));
  }
  if (type_info(type.id).category == 'A') return not_supported_yet("JSON as an array", position);
  return coerce(std::move(text), type, CastContext::kExplicit, state.parameters);
}

Result<ExprPtr> ExpressionBinder::bind_populated_row(const AstExpr& ast) {
  const PopulateFunction& function = *populate_function(ast);
  if (function.set) {
    return not_supported_yet(std::string(function.name) + "() outside FROM", ast.position);
  }
  ASSIGN_OR_RETURN(PopulateCall call, bind_populate_call(ast, *this, state_));
  const Expr& base = *row_inside(*call.base);
  auto row = std::make_unique<Expr>();
  row->kind = Expr::Kind::kRow;
  row->type = kPopulatedRow;
  row->position = ast.position;
  row->path = base.path;
  for (size_t i = 0; i < base.children.size(); ++i) {
    ASSIGN_OR_RETURN(ExprPtr object, copy_of(*call.json));
    ASSIGN_OR_RETURN(ExprPtr otherwise, copy_of(*base.children[i]));
    ASSIGN_OR_RETURN(ExprPtr field, populated_field(base, i, *object, std::move(otherwise), state_));
    row->children.push_back(std::move(field));
  }
  // Without JSON it is the row as it was, NULL where that is.
  ExprPtr result = choice_of(kPopulatedRow, test_node(Expr::Kind::kIsNotNull, std::move(call.json)),
                             std::move(row), std::move(call.base));
  result->path = result->children[1]->path;
  result->position = ast.position;
  return result;
}

// NULL::events: no row, but one whose columns are known.
Result<ExprPtr> ExpressionBinder::bind_row_cast(const AstExpr& ast) {
  const AstTypeName& type = *ast.type;
  if (state_.selects == nullptr || type.names.size() > 2 || type.array_dimensions > 0 ||
      !type.modifiers.empty()) {
    return ExprPtr();
  }
  const Relation* relation = state_.selects->relations().find_relation(
      type.names.size() == 2 ? type.names[0] : std::string(), type.names.back());
  if (relation == nullptr) return ExprPtr();
  if (ast.children[0]->kind != AstExpr::Kind::kNull) {
    ASSIGN_OR_RETURN(const ExprPtr value, bind(*ast.children[0]));
    if (value->type.id != oid::kUnknown && value->type.id != oid::kRecord) {
      return bind_error(sqlstate::kCannotCoerce, "cannot cast type " + format_type({value->type.id, -1}) +
                                                     " to " + std::string(relation->name()), ast.position);
    }
    return not_supported_yet("a cast to the row type of a relation", ast.position);
  }
  auto row = std::make_unique<Expr>();
  row->kind = Expr::Kind::kRow;
  row->type = kPopulatedRow;
  row->position = ast.position;
  for (const RelationColumn& column : relation->columns()) {
    row->children.push_back(Expr::constant_of(Datum::null(column.type.id), column.type));
    row->path.push_back(column.name);
  }
  constexpr Type kBoolean{oid::kBool, -1};
  ExprPtr result = choice_of(kPopulatedRow, Expr::constant_of(Datum::boolean(false), kBoolean),
                             std::move(row), Expr::constant_of(Datum::null(oid::kRecord), kPopulatedRow));
  result->path = result->children[1]->path;
  result->position = ast.position;
  return result;
}

Status FromBinder::bind_populate(const AstExpr& ast, QueryLevel& level, FunctionRows& rows) {
  const PopulateFunction& function = *populate_function(ast);
  ExpressionBinder binder(state_, level, "functions in FROM");
  ASSIGN_OR_RETURN(PopulateCall call, bind_populate_call(ast, binder, state_));
  const Expr& base = *row_inside(*call.base);
  const auto add_call = [&](SetCall set_call, std::string name, Type type) {
    ExprPtr column = Expr::column(static_cast<int>(rows.call_columns.size()), type);
    rows.calls.push_back(std::move(set_call));
    rows.call_columns.push_back({std::move(name), type, 0, 0});
    return column;
  };
  SetCall objects;
  if (function.set) {
    objects.function = FunctionCatalog::instance().table_functions("jsonb_array_elements")[0];
  }
  objects.arguments.push_back(std::move(call.json));
  ExprPtr object = add_call(std::move(objects), "value", {oid::kJsonb, -1});
  if (function.set) {
    ASSIGN_OR_RETURN(object, populate_element(function, std::move(object), binder));
  }
  rows.computed = true;
  for (size_t i = 0; i < base.children.size(); ++i) {
    const Type type = base.children[i]->type;
    ASSIGN_OR_RETURN(ExprPtr otherwise, binder.copy_of(*base.children[i]));
    if (otherwise->kind != Expr::Kind::kConstant) {
      if (function.set) {
        return not_supported_yet(std::string(function.name) + "() of a row that is not NULL",
                                 ast.position);
      }
      SetCall value;  // one row beside that of the object
      value.arguments.push_back(std::move(otherwise));
      otherwise = add_call(std::move(value), base.path[i], type);
    }
    ASSIGN_OR_RETURN(ExprPtr field, populated_field(base, i, *object, std::move(otherwise), state_));
    rows.columns.push_back({base.path[i], type, 0, 0});
    rows.fields.push_back(std::move(field));
  }
  return {};
}

}  // namespace eventd::engine
