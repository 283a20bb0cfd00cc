#include "engine/plan/eql_fields.h"

#include "engine/plan/coercion.h"
#include "engine/types/time_zone.h"

namespace eventd::engine {

int EqlFields::column_of(const EqlField& field) const {
  if (field.path.size() != 1 || field.quoted_first) return -1;
  return relation_.find_column(field.path[0]);
}

// payload.x is always the key x, also where x is a column.
std::vector<std::string> EqlFields::payload_path(const EqlField& field) const {
  const bool named = field.path.size() > 1 && !field.quoted_first && field.path[0] == "payload";
  return {field.path.begin() + (named ? 1 : 0), field.path.end()};
}

Oid EqlFields::payload_type(const EqlField& field) const {
  return resolver_.payload_type(pattern_, payload_path(field)).value_or(oid::kText);
}

Result<ExprPtr> EqlFields::bind_typed(const EqlField& field) const {
  if (!is_payload_path(field)) return bind(field);
  std::string_view function;
  switch (payload_type(field)) {
    case oid::kBool: function = "payload_bool"; break;
    case oid::kInt8: function = "payload_int8"; break;
    case oid::kFloat8: function = "payload_float8"; break;
    case oid::kBytea: function = "payload_bytea"; break;
    case oid::kJsonb: function = "payload_jsonb"; break;
    default: return bind_as_text(field);
  }
  return call(function, bind(field), nullptr);
}

ExprPtr EqlFields::bind(const EqlField& field) const {
  if (const int column = column_of(field); column >= 0) {
    return Expr::column(column, relation_.columns()[static_cast<size_t>(column)].type);
  }
  const int payload = relation_.find_column("payload");
  auto path = std::make_unique<Expr>();
  path->kind = Expr::Kind::kPayloadPath;
  path->type = {oid::kJsonb, -1};
  path->position = field.position;
  path->path = payload_path(field);
  path->children.push_back(
      Expr::column(payload, relation_.columns()[static_cast<size_t>(payload)].type));
  return path;
}

ExprPtr EqlFields::bind_as_text(const EqlField& field) const {
  ExprPtr bound = bind(field);
  if (bound->kind == Expr::Kind::kPayloadPath) {
    bound->path_as_text = true;
    bound->type = {oid::kText, -1};
  }
  return bound;
}

Result<ExprPtr> EqlFields::bind_parameter(const EqlLiteral& literal, Oid type) {
  ASSIGN_OR_RETURN(const Oid known, state_.parameters.use(literal.integer, literal.position));
  auto parameter = std::make_unique<Expr>();
  parameter->kind = Expr::Kind::kParameter;
  parameter->index = static_cast<int>(literal.integer) - 1;
  parameter->type = {known, -1};
  parameter->position = literal.position;
  if (type == oid::kUnknown) return parameter;
  return coerce(std::move(parameter), {type, -1}, CastContext::kAssignment, state_.parameters);
}

Result<ExprPtr> EqlFields::bind_time(const EqlLiteral& literal) {
  switch (literal.kind) {
    case EqlLiteral::Kind::kParameter: return bind_parameter(literal, oid::kTimestamptz);
    case EqlLiteral::Kind::kTime: {
      // Dates and times without a zone are UTC, whatever TimeZone says.
      EvalContext context;
      context.format.time_zone = &TimeZone::utc();
      auto value = datum_from_text(context, {oid::kTimestamptz, -1}, literal.text);
      if (!value.ok()) {
        value.error().position = literal.position;
        return std::move(value).take_status();
      }
      return Expr::constant_of(std::move(*value), {oid::kTimestamptz, -1});
    }
    case EqlLiteral::Kind::kRelative:
    case EqlLiteral::Kind::kToday: break;
    default: return bind_error(sqlstate::kSyntaxError, "a time is expected here", literal.position);
  }
  ASSIGN_OR_RETURN(ExprPtr base, binder_.bind_function("now", {}, literal.position));
  IntervalValue distance;
  if (literal.kind == EqlLiteral::Kind::kRelative) {
    distance.microseconds = literal.integer / 1000;
  } else {
    std::vector<ExprPtr> arguments;
    arguments.push_back(Expr::constant_of(Datum::text("day"), {oid::kText, -1}));
    arguments.push_back(std::move(base));
    arguments.push_back(Expr::constant_of(Datum::text("UTC"), {oid::kText, -1}));
    ASSIGN_OR_RETURN(base, binder_.bind_function("date_trunc", std::move(arguments), literal.position));
    distance.microseconds = literal.integer * 86'400'000'000;
  }
  if (distance.microseconds == 0) return base;
  return binder_.bind_operator(
      "+", std::move(base),
      Expr::constant_of(Datum(oid::kInterval, distance), {oid::kInterval, -1}), literal.position);
}

Result<ExprPtr> EqlFields::bind_count(const EqlLiteral& literal) {
  if (literal.kind == EqlLiteral::Kind::kParameter) return bind_parameter(literal, oid::kInt8);
  return Expr::constant_of(Datum::int8(literal.integer), {oid::kInt8, -1});
}

Result<ExprPtr> EqlFields::call(std::string_view name, ExprPtr left, ExprPtr right) const {
  std::vector<Oid> types = {left->type.id};
  std::vector<ExprPtr> arguments;
  arguments.push_back(std::move(left));
  if (right != nullptr) {
    types.push_back(right->type.id);
    arguments.push_back(std::move(right));
  }
  const ScalarFunction* function = FunctionCatalog::instance().find(name, types);
  if (function == nullptr) {
    return Status(sqlstate::kInternalError, "no function " + std::string(name) + " for " +
                                                format_type({types[0], -1}));
  }
  return Expr::call(function, {function->result, -1}, std::move(arguments));
}

}  // namespace eventd::engine
