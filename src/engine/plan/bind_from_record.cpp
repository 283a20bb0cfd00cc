// Functions that return "record", with AS t(a int, b text): the definitions say what is taken from
// the JSON objects.
#include "engine/plan/coercion.h"
#include "engine/plan/from_binder.h"
#include "engine/plan/populate_record.h"
#include "engine/plan/type_names.h"

namespace eventd::engine {
namespace {

struct RecordFunction {
  std::string_view name, elements;  // what gives the objects; empty: the argument is the object
  Oid argument;
};

constexpr Oid kJson = 114;
constexpr RecordFunction kRecordFunctions[] = {
    {"jsonb_to_record", "", oid::kJsonb},
    {"jsonb_to_recordset", "jsonb_array_elements", oid::kJsonb},
    {"json_to_record", "", kJson},
    {"json_to_recordset", "json_array_elements", kJson},
};

const RecordFunction* record_function(const AstExpr& call) {
  if (call.kind != AstExpr::Kind::kCall || call.children.size() != 1) return nullptr;
  for (const RecordFunction& candidate : kRecordFunctions) {
    if (candidate.name == call.names.back()) return &candidate;
  }
  return nullptr;
}

}  // namespace

bool returns_record(const AstExpr& call) { return record_function(call) != nullptr; }

Status FromBinder::bind_record_function(const AstExpr& call,
                                        const std::vector<AstColumnDefinition>& definitions,
                                        QueryLevel& level, FunctionRows& rows) {
  const RecordFunction* function = record_function(call);
  if (function == nullptr) {
    ExpressionBinder binder(state_, level, "functions in FROM");
    ASSIGN_OR_RETURN(const ExprPtr value, binder.bind(call));  // its errors come first
    return bind_error(sqlstate::kSyntaxError,
                      "a column definition list is only allowed for functions returning "
                      "\"record\"",
                      definitions[0].position);
  }
  ExpressionBinder binder(state_, level, "functions in FROM");
  ASSIGN_OR_RETURN(ExprPtr argument, binder.bind(*call.children[0]));
  if (!can_coerce(argument->type.id, function->argument, CastContext::kImplicit)) {
    Error error = bind_error(sqlstate::kUndefinedFunction,
                             "function " + std::string(function->name) + "(" +
                                 format_type({argument->type.id, -1}) + ") does not exist",
                             call.position);
    error.hint =
        "No function matches the given name and argument types. You might need to add explicit "
        "type casts.";
    return error;
  }
  ASSIGN_OR_RETURN(argument, coerce(std::move(argument), {function->argument, -1},
                                    CastContext::kImplicit, state_.parameters));
  SetCall objects;
  if (!function->elements.empty()) {
    const auto found = FunctionCatalog::instance().table_functions(function->elements);
    if (found.empty()) return not_supported_yet(std::string(function->name) + "()", call.position);
    objects.function = found[0];
  }
  objects.arguments.push_back(std::move(argument));
  rows.calls.push_back(std::move(objects));
  const ExprPtr object = Expr::column(static_cast<int>(rows.call_columns.size()),
                                      {function->argument, -1});
  rows.call_columns.push_back({"value", object->type, 0, 0});
  rows.computed = true;
  for (const AstColumnDefinition& definition : definitions) {
    ASSIGN_OR_RETURN(const Type type, resolve_type_name(*definition.type));
    ASSIGN_OR_RETURN(ExprPtr field,
                     json_member(definition.name, type, *object, definition.position, state_));
    rows.columns.push_back({definition.name, field->type, 0, 0});
    rows.fields.push_back(std::move(field));
  }
  return {};
}

}  // namespace eventd::engine
