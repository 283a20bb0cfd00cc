#include <charconv>

#include "engine/limits.h"
#include "engine/plan/coercion.h"
#include "engine/plan/expression_binder.h"
#include "engine/plan/stack_guard.h"
#include "engine/plan/type_names.h"

namespace eventd::engine {
namespace {

using Kind = AstExpr::Kind;

ExprPtr at(ExprPtr expression, int position) {
  expression->position = position;
  return expression;
}

}  // namespace

Error bind_error(SqlState code, std::string message, int position) {
  return {code, std::move(message), {}, {}, {}, position};
}

Error not_supported_yet(std::string what, int position) {
  return bind_error(sqlstate::kFeatureNotSupported, std::move(what) + " is not supported yet",
                    position);
}

Status BindState::spend(int64_t nodes) {
  nodes_left -= nodes;
  if (nodes_left < 0) return {sqlstate::kStatementTooComplex, "the statement's expressions are too large"};
  constexpr int64_t kNodesBetweenLooks = 256;
  if (cancel != nullptr && nodes_left % kNodesBetweenLooks < nodes) return cancel->check();
  return {};
}

Result<ExprPtr> ExpressionBinder::bind(const AstExpr& ast) {
  RETURN_IF_ERROR(check_stack_depth());
  RETURN_IF_ERROR(state_.spend(1));
  return bind_node(ast);
}

Result<std::vector<ExprPtr>> ExpressionBinder::bind_all(std::span<const AstExprPtr> asts) {
  std::vector<ExprPtr> result;
  result.reserve(asts.size());
  for (const AstExprPtr& ast : asts) {
    ASSIGN_OR_RETURN(ExprPtr bound, bind(*ast));
    result.push_back(std::move(bound));
  }
  return result;
}

Result<ExprPtr> ExpressionBinder::bind_boolean_child(const AstExpr& ast, std::string_view what) {
  ASSIGN_OR_RETURN(ExprPtr child, bind(ast));
  return coerce_to_boolean(std::move(child), what, state_.parameters);
}

Result<ExprPtr> ExpressionBinder::bind_node(const AstExpr& ast) {
  const auto unary = [&](Expr::Kind kind, Result<ExprPtr> child) -> Result<ExprPtr> {
    if (!child.ok()) return child;
    auto result = std::make_unique<Expr>();
    result->kind = kind;
    result->type = {oid::kBool, -1};
    result->position = ast.position;
    result->children.push_back(std::move(child).value());
    return result;
  };
  const auto truth_test = [&](Expr::Kind kind, std::string_view what) -> Result<ExprPtr> {
    return unary(kind, bind_boolean_child(*ast.children[0], what));
  };
  const auto null_test = [&](Expr::Kind kind) -> Result<ExprPtr> {
    ASSIGN_OR_RETURN(ExprPtr child, bind(*ast.children[0]));
    // `$1 IS NULL OR x = $1`: the parameter takes its type elsewhere.
    if (child->kind == Expr::Kind::kParameter) return unary(kind, std::move(child));
    if (child->type.id == oid::kRecord) {
      return bind_row_null_test(std::move(child), kind == Expr::Kind::kIsNull, ast.position);
    }
    return unary(kind, resolve_unknown(std::move(child), state_.parameters));
  };
  switch (ast.kind) {
    case Kind::kColumnRef: return bind_column(ast);
    case Kind::kParameter: return bind_parameter(ast);
    case Kind::kNull:
      return at(Expr::constant_of(Datum::null(oid::kUnknown), {oid::kUnknown, -1}), ast.position);
    case Kind::kBoolean:
      return at(Expr::constant_of(Datum::boolean(ast.number != 0), {oid::kBool, -1}),
                ast.position);
    case Kind::kInteger:
      return at(Expr::constant_of(Datum::int4(static_cast<int32_t>(ast.number)), {oid::kInt4, -1}),
                ast.position);
    case Kind::kNumber: return bind_number(ast);
    case Kind::kString:
      return at(Expr::constant_of(Datum(oid::kUnknown, ast.text), {oid::kUnknown, -1}),
                ast.position);
    case Kind::kDefault:
      return bind_error(sqlstate::kSyntaxError, "DEFAULT is not allowed in this context",
                        ast.position);
    case Kind::kOperator: return bind_operator_chain(ast);
    case Kind::kOperatorAny:
    case Kind::kOperatorAll: return bind_quantified(ast);
    case Kind::kDistinct:
    case Kind::kNotDistinct: return bind_distinct(ast);
    case Kind::kNullIf: return bind_nullif(ast);
    case Kind::kIn:
    case Kind::kNotIn: return bind_in(ast);
    case Kind::kBetween:
    case Kind::kNotBetween:
    case Kind::kBetweenSymmetric:
    case Kind::kNotBetweenSymmetric: return bind_between(ast);
    case Kind::kAnd:
    case Kind::kOr: return bind_and_or(ast);
    case Kind::kNot: return truth_test(Expr::Kind::kNot, "NOT");
    case Kind::kIsNull: return null_test(Expr::Kind::kIsNull);
    case Kind::kIsNotNull: return null_test(Expr::Kind::kIsNotNull);
    case Kind::kIsTrue: return truth_test(Expr::Kind::kIsTrue, "IS TRUE");
    case Kind::kIsNotTrue: return truth_test(Expr::Kind::kIsNotTrue, "IS NOT TRUE");
    case Kind::kIsFalse: return truth_test(Expr::Kind::kIsFalse, "IS FALSE");
    case Kind::kIsNotFalse: return truth_test(Expr::Kind::kIsNotFalse, "IS NOT FALSE");
    case Kind::kIsUnknown: return truth_test(Expr::Kind::kIsUnknown, "IS UNKNOWN");
    case Kind::kIsNotUnknown: return truth_test(Expr::Kind::kIsNotUnknown, "IS NOT UNKNOWN");
    case Kind::kCase: return bind_case(ast);
    case Kind::kCoalesce: return bind_common(ast, Expr::Kind::kCoalesce, "COALESCE");
    case Kind::kGreatest: return bind_common(ast, Expr::Kind::kGreatest, "GREATEST");
    case Kind::kLeast: return bind_common(ast, Expr::Kind::kLeast, "LEAST");
    case Kind::kCast: return bind_cast(ast);
    case Kind::kCall: return bind_call(ast);
    case Kind::kValueFunction: return bind_value_function(ast);
    case Kind::kArray: return bind_array(ast);
    case Kind::kSubscript: return bind_subscript(ast);
    case Kind::kSlice: return bind_subscript(ast);
    case Kind::kField: return bind_field(ast);
    case Kind::kRow: return bind_row(ast);
    case Kind::kGrouping: return bind_grouping_call(ast);
    case Kind::kNamedArgument:
      return bind_error(sqlstate::kSyntaxError, "named argument outside a call", ast.position);
    case Kind::kScalarSubquery:
    case Kind::kExists:
    case Kind::kArraySubquery:
    case Kind::kAnySubquery:
    case Kind::kAllSubquery: return bind_subquery(ast);
    case Kind::kUnsupported: return not_supported_yet(ast.text, ast.position);
  }
  return not_supported_yet("this expression", ast.position);
}

Result<ExprPtr> ExpressionBinder::bind_column(const AstExpr& ast) {
  if (ast.star) {
    if (ast.names.empty()) {
      return bind_error(sqlstate::kFeatureNotSupported,
                        "row expansion via \"*\" is not supported here", ast.position);
    }
    ASSIGN_OR_RETURN(ExprPtr row, bind_whole_row(ast));
    if (row != nullptr) return row;
    return bind_error(sqlstate::kUndefinedTable,
                      "missing FROM-clause entry for table \"" + ast.names.back() + "\"",
                      ast.position);
  }
  Result<ExprPtr> column = level_.find_column(ast);
  if (column.ok() || column.error().code != sqlstate::kUndefinedColumn || ast.names.size() > 1) {
    return column;
  }
  ASSIGN_OR_RETURN(ExprPtr row, bind_whole_row(ast));
  return row != nullptr ? Result<ExprPtr>(std::move(row)) : std::move(column);
}

// As make_const(): integers beyond int4 are int8, beyond that or with a fraction numeric.
Result<ExprPtr> ExpressionBinder::bind_number(const AstExpr& ast) {
  int64_t value = 0;
  const char* end = ast.text.data() + ast.text.size();
  const auto [stop, failure] = std::from_chars(ast.text.data(), end, value);
  if (failure == std::errc() && stop == end) {
    if (value >= INT32_MIN && value <= INT32_MAX) {
      return at(Expr::constant_of(Datum::int4(static_cast<int32_t>(value)), {oid::kInt4, -1}),
                ast.position);
    }
    return at(Expr::constant_of(Datum::int8(value), {oid::kInt8, -1}), ast.position);
  }
  ExprPtr text = at(Expr::constant_of(Datum(oid::kUnknown, ast.text), {oid::kUnknown, -1}),
                    ast.position);
  return coerce(std::move(text), {oid::kNumeric, -1}, CastContext::kImplicit, state_.parameters);
}

Result<ExprPtr> ExpressionBinder::bind_parameter(const AstExpr& ast) {
  ASSIGN_OR_RETURN(const Oid type, state_.parameters.use(ast.number, ast.position));
  auto result = std::make_unique<Expr>();
  result->kind = Expr::Kind::kParameter;
  result->index = static_cast<int>(ast.number - 1);
  result->type = {type, -1};
  result->position = ast.position;
  return result;
}

Result<ExprPtr> ExpressionBinder::bind_cast(const AstExpr& ast) {
  ASSIGN_OR_RETURN(const Type type, resolve_type_name(*ast.type));
  const AstExpr& inside = *ast.children[0];
  const bool array = inside.kind == Kind::kArray && type_info(type.id).category == 'A';
  ASSIGN_OR_RETURN(ExprPtr value,
                   array ? bind_array(inside, type_info(type.id).element) : bind(inside));
  // The cast's own place is where PostgreSQL points, except for what is wrong inside a literal.
  const int inner = value->position;
  if (value->type.id != oid::kUnknown) value->position = ast.position;
  ASSIGN_OR_RETURN(ExprPtr result, coerce(std::move(value), type, CastContext::kExplicit,
                                          state_.parameters));
  if (result->position == ast.position && inner != 0) result->position = inner;
  return result;
}

Result<ExprPtr> ExpressionBinder::bind_value_function(const AstExpr& ast) {
  const std::string& name = ast.names[0];
  const auto call = [&](std::string_view function) {
    return bind_function(function, {}, ast.position);
  };
  if (name == "current_catalog") return call("current_database");
  if (name == "current_role" || name == "user") return call("current_user");
  if (name == "current_user" || name == "session_user" || name == "current_schema") {
    return call(name);
  }
  Type type{oid::kTimestamptz, -1};
  if (name == "current_date") type.id = oid::kDate;
  if (name == "current_time") type.id = oid::kTimetz;
  if (name == "localtime") type.id = oid::kTime;
  if (name == "localtimestamp") type.id = oid::kTimestamp;
  if (ast.number >= 0) type.modifier = static_cast<int32_t>(ast.number > 6 ? 6 : ast.number);
  ASSIGN_OR_RETURN(ExprPtr now, call("now"));
  return coerce(std::move(now), type, CastContext::kExplicit, state_.parameters);
}

}  // namespace eventd::engine
