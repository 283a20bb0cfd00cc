#include <charconv>

#include "engine/limits.h"
#include "engine/plan/coercion.h"
#include "engine/plan/expression_binder.h"
#include "engine/plan/stack_guard.h"
#include "engine/plan/type_names.h"
#include "engine/types/bit_string.h"

namespace eventd::engine {
namespace {

using AstKind = AstExpr::Kind;

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
    case AstKind::kColumnRef: return bind_column(ast);
    case AstKind::kParameter: return bind_parameter(ast);
    case AstKind::kNull:
      return at(Expr::constant_of(Datum::null(oid::kUnknown), {oid::kUnknown, -1}), ast.position);
    case AstKind::kBoolean:
      return at(Expr::constant_of(Datum::boolean(ast.number != 0), {oid::kBool, -1}),
                ast.position);
    case AstKind::kInteger:
      return at(Expr::constant_of(Datum::int4(static_cast<int32_t>(ast.number)), {oid::kInt4, -1}),
                ast.position);
    case AstKind::kNumber: return bind_number(ast);
    case AstKind::kString:
      return at(Expr::constant_of(Datum(oid::kUnknown, ast.text), {oid::kUnknown, -1}),
                ast.position);
    case AstKind::kBitString: {
      Result<std::string> bits = parse_bit_string({oid::kBit, -1}, ast.text);
      if (!bits.ok()) {
        bits.error().position = ast.position;
        return std::move(bits).take_status();
      }
      return at(Expr::constant_of(Datum(oid::kBit, std::move(bits).value()), {oid::kBit, -1}), ast.position);
    }
    case AstKind::kDefault:
      return bind_error(sqlstate::kSyntaxError, "DEFAULT is not allowed in this context",
                        ast.position);
    case AstKind::kOperator: return bind_operator_chain(ast);
    case AstKind::kOperatorAny:
    case AstKind::kOperatorAll: return bind_quantified(ast);
    case AstKind::kDistinct:
    case AstKind::kNotDistinct: return bind_distinct(ast);
    case AstKind::kNullIf: return bind_nullif(ast);
    case AstKind::kIn:
    case AstKind::kNotIn: return bind_in(ast);
    case AstKind::kBetween:
    case AstKind::kNotBetween:
    case AstKind::kBetweenSymmetric:
    case AstKind::kNotBetweenSymmetric: return bind_between(ast);
    case AstKind::kAnd:
    case AstKind::kOr: return bind_and_or(ast);
    case AstKind::kNot: return truth_test(Expr::Kind::kNot, "NOT");
    case AstKind::kIsNull: return null_test(Expr::Kind::kIsNull);
    case AstKind::kIsNotNull: return null_test(Expr::Kind::kIsNotNull);
    case AstKind::kIsTrue: return truth_test(Expr::Kind::kIsTrue, "IS TRUE");
    case AstKind::kIsNotTrue: return truth_test(Expr::Kind::kIsNotTrue, "IS NOT TRUE");
    case AstKind::kIsFalse: return truth_test(Expr::Kind::kIsFalse, "IS FALSE");
    case AstKind::kIsNotFalse: return truth_test(Expr::Kind::kIsNotFalse, "IS NOT FALSE");
    case AstKind::kIsUnknown: return truth_test(Expr::Kind::kIsUnknown, "IS UNKNOWN");
    case AstKind::kIsNotUnknown: return truth_test(Expr::Kind::kIsNotUnknown, "IS NOT UNKNOWN");
    case AstKind::kCase: return bind_case(ast);
    case AstKind::kCoalesce: return bind_common(ast, Expr::Kind::kCoalesce, "COALESCE");
    case AstKind::kGreatest: return bind_common(ast, Expr::Kind::kGreatest, "GREATEST");
    case AstKind::kLeast: return bind_common(ast, Expr::Kind::kLeast, "LEAST");
    case AstKind::kCast: return bind_cast(ast);
    case AstKind::kCall: return bind_call(ast);
    case AstKind::kValueFunction: return bind_value_function(ast);
    case AstKind::kArray: return bind_array(ast);
    case AstKind::kSubscript: return bind_subscript(ast);
    case AstKind::kSlice: return bind_subscript(ast);
    case AstKind::kField: return bind_field(ast);
    case AstKind::kRow: return bind_row(ast);
    case AstKind::kGrouping: return bind_grouping_call(ast);
    case AstKind::kNamedArgument:
      return bind_error(sqlstate::kSyntaxError, "named argument outside a call", ast.position);
    case AstKind::kScalarSubquery:
    case AstKind::kExists:
    case AstKind::kArraySubquery:
    case AstKind::kAnySubquery:
    case AstKind::kAllSubquery: return bind_subquery(ast);
    case AstKind::kUnsupported: return not_supported_yet(ast.text, ast.position);
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
  const Result<Type> known = resolve_type_name(*ast.type);
  if (!known.ok()) {
    if (known.error().code != sqlstate::kUndefinedObject) return known.error();
    ASSIGN_OR_RETURN(ExprPtr row, bind_row_cast(ast));
    if (row == nullptr) return known.error();
    return row;
  }
  const Type type = *known;
  const AstExpr& inside = *ast.children[0];
  const bool array = inside.kind == AstKind::kArray && !is_polymorphic(type.id) &&
                     type_info(type.id).category == 'A';
  ASSIGN_OR_RETURN(ExprPtr value,
                   array ? bind_array(inside, type_info(type.id).element) : bind(inside));
  // A cast that is not possible is pointed at itself, what is wrong inside a literal at the literal.
  const int inner = value->position;
  const bool literal = value->type.id == oid::kUnknown;
  Result<ExprPtr> result =
      coerce(std::move(value), type, CastContext::kExplicit, state_.parameters);
  if (result.ok() || literal || result.error().position != inner) return result;
  Error error = std::move(result.error());
  error.position = ast.position;
  return error;
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
