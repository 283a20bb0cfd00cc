#include "engine/plan/coercion.h"

#include <string>
#include <utility>

#include "engine/limits.h"

namespace eventd::engine {
namespace {

Error error_at(SqlState code, std::string message, int position) {
  return {code, std::move(message), {}, {}, {}, position};
}

bool is_array(Oid type) {
  const TypeInfo* info = find_type(type);
  return info != nullptr && info->element != 0 && info->category == 'A';
}

bool is_textual(Oid type) {
  const TypeInfo* info = find_type(type);
  return info != nullptr && info->category == 'S';
}

// Their text form depends on the session (time zone, date style, "now"): read when executed.
bool reads_session(Oid type) {
  switch (type) {
    case oid::kDate:
    case oid::kTime:
    case oid::kTimetz:
    case oid::kTimestamp:
    case oid::kTimestamptz:
    case oid::kInterval:
    case oid::kRegclass:
    case oid::kRegproc:
    case oid::kRegtype:
      return true;
    default: {
      const TypeInfo* info = find_type(type);
      return info != nullptr && info->element != 0 && reads_session(info->element);
    }
  }
}

const FunctionCatalog& catalog() { return FunctionCatalog::instance(); }

ExprPtr relabel(ExprPtr expression, Oid type) {
  if (expression->kind == Expr::Kind::kConstant) {
    expression->constant.set_type(type);
    expression->type = {type, -1};
    return expression;
  }
  auto result = std::make_unique<Expr>();
  result->kind = Expr::Kind::kRelabel;
  result->type = {type, -1};
  result->position = expression->position;
  result->children.push_back(std::move(expression));
  return result;
}

// A cast function takes the value and, some of them, the modifier and whether it is explicit.
ExprPtr cast_call(const ScalarFunction* function, ExprPtr value, Type type, CastContext context) {
  const int position = value->position;
  std::vector<ExprPtr> arguments;
  arguments.push_back(std::move(value));
  if (function->arguments.size() > 1) {
    arguments.push_back(Expr::constant_of(Datum::int4(type.modifier), {oid::kInt4, -1}));
  }
  if (function->arguments.size() > 2) {
    arguments.push_back(Expr::constant_of(Datum::boolean(context == CastContext::kExplicit),
                                          {oid::kBool, -1}));
  }
  ExprPtr result = Expr::call(function, type, std::move(arguments));
  result->position = position;
  return result;
}

// Element by element, to the modifier too.
ExprPtr array_cast(ExprPtr array, Type target) {
  const int position = array->position;
  std::vector<ExprPtr> arguments;
  arguments.push_back(std::move(array));
  arguments.push_back(Expr::constant_of(Datum::int4(target.modifier), {oid::kInt4, -1}));
  ExprPtr result = Expr::call(catalog().functions("eventd_array_cast")[0], target,
                              std::move(arguments));
  result->position = position;
  return result;
}

ExprPtr apply_modifier(ExprPtr value, Type target, CastContext context) {
  if (target.modifier < 0 || value->type.modifier == target.modifier) {
    return value;
  }
  if (is_array(target.id)) return array_cast(std::move(value), target);
  const ScalarFunction* function = catalog().modifier_cast(target.id);
  if (function == nullptr) {
    value->type.modifier = target.modifier;
    return value;
  }
  return cast_call(function, std::move(value), target, context);
}

Result<ExprPtr> read_literal(ExprPtr literal, Type target, CastContext context) {
  const int position = literal->position;
  if (literal->constant.is_null()) {
    ExprPtr null = Expr::constant_of(Datum::null(target.id), target);
    null->position = position;
    return null;
  }
  // A literal's fields (INTERVAL '5' MONTH) say how it is read, and nothing of the session does.
  const bool interval_of_fields = target.id == oid::kInterval && target.modifier >= 0;
  if (interval_of_fields || !reads_session(target.id) ||
      catalog().io_cast(oid::kText, target.id) == nullptr) {
    static const EvalContext kNoSession{};
    const Type type = interval_of_fields ? target : Type{target.id, -1};
    Result<Datum> value = datum_from_text(kNoSession, type, literal->constant.bytes());
    if (!value.ok()) {
      Error error = std::move(value.error());
      if (error.position == 0) error.position = position;
      return error;
    }
    ExprPtr result = Expr::constant_of(std::move(value).value(), type);
    result->position = position;
    return apply_modifier(std::move(result), target, context);
  }
  const ScalarFunction* input = catalog().io_cast(oid::kText, target.id);
  ExprPtr value =
      cast_call(input, relabel(std::move(literal), oid::kText), {target.id, -1}, context);
  return apply_modifier(std::move(value), target, context);
}

const Cast* allowed_cast(Oid from, Oid to, CastContext context) {
  const Cast* cast = catalog().cast(from, to);
  return cast != nullptr && cast->context <= context ? cast : nullptr;
}

// Through the text form: any type to a textual one by assignment, textual to any explicitly.
const ScalarFunction* allowed_io_cast(Oid from, Oid to, CastContext context) {
  if (context == CastContext::kImplicit) return nullptr;
  if (is_textual(to) || (is_textual(from) && context == CastContext::kExplicit)) {
    return catalog().io_cast(from, to);
  }
  return nullptr;
}

Result<ExprPtr> coerce_array(ExprPtr expression, Type target, CastContext context,
                             ParameterTypes& parameters) {
  const Oid element = type_info(target.id).element;
  if (expression->kind == Expr::Kind::kArray) {
    for (ExprPtr& child : expression->children) {
      if (is_array(child->type.id)) {
        ASSIGN_OR_RETURN(child, coerce(std::move(child), target, context, parameters));
      } else {
        ASSIGN_OR_RETURN(child, coerce(std::move(child), {element, target.modifier}, context,
                                       parameters));
      }
    }
    expression->type = {target.id, -1};
    return expression;
  }
  if (can_coerce(type_info(expression->type.id).element, element, context)) {
    return array_cast(std::move(expression), target);
  }
  return error_at(sqlstate::kCannotCoerce,
                  "cannot cast type " + format_type(expression->type) + " to " +
                      format_type({target.id, -1}),
                  expression->position);
}

// A value as "any": it stays what it is, literals without a type. Only arrays are any array.
Result<ExprPtr> as_polymorphic(ExprPtr expression, Oid target) {
  const bool wants_array = target == oid::kAnyArray || target == kAnyCompatibleArray;
  const Oid from = expression->type.id;
  if (!wants_array || is_array(from)) return expression;
  if (from == oid::kUnknown) {
    return error_at(sqlstate::kFeatureNotSupported,
                    "cannot accept a value of type " + format_type({target, -1}),
                    expression->position);
  }
  return error_at(sqlstate::kCannotCoerce,
                  "cannot cast type " + format_type(expression->type) + " to " +
                      format_type({target, -1}),
                  expression->position);
}

}  // namespace

bool is_polymorphic(Oid type) {
  return type == oid::kAny || type == oid::kAnyArray || type == oid::kAnyElement ||
         type == oid::kAnyNonArray || type == kAnyCompatible || type == kAnyCompatibleArray ||
         type == kAnyCompatibleNonArray;
}

bool can_coerce(Oid from, Oid to, CastContext context) {
  if (from == to || from == oid::kUnknown) return true;
  if (to == oid::kAny || to == oid::kAnyElement || to == kAnyCompatible) return true;
  if (to == oid::kAnyArray || to == kAnyCompatibleArray) return is_array(from);
  if (to == oid::kAnyNonArray || to == kAnyCompatibleNonArray) return !is_array(from);
  if (allowed_cast(from, to, context) != nullptr) return true;
  if (is_array(from) && is_array(to)) {
    return can_coerce(type_info(from).element, type_info(to).element, context);
  }
  return allowed_io_cast(from, to, context) != nullptr;
}

Result<ExprPtr> coerce(ExprPtr expression, Type target, CastContext context,
                       ParameterTypes& parameters) {
  const Oid from = expression->type.id;
  if (is_polymorphic(target.id)) return as_polymorphic(std::move(expression), target.id);
  if (from == oid::kUnknown && target.id != oid::kUnknown) {
    if (expression->kind == Expr::Kind::kConstant) {
      return read_literal(std::move(expression), target, context);
    }
    if (expression->kind == Expr::Kind::kParameter) {
      RETURN_IF_ERROR(parameters.deduce(expression->index, target.id, expression->position));
      expression->type = {target.id, -1};
      return apply_modifier(std::move(expression), target, context);
    }
    ExprPtr text = relabel(std::move(expression), oid::kText);
    return coerce(std::move(text), target, context, parameters);
  }
  if (from == target.id) return apply_modifier(std::move(expression), target, context);
  if (const Cast* cast = allowed_cast(from, target.id, context)) {
    // A function of the modifier too fits the value itself: 5::bit(4).
    const bool fits = cast->function != nullptr && cast->function->arguments.size() > 1;
    ExprPtr result = cast->function == nullptr
                         ? relabel(std::move(expression), target.id)
                         : cast_call(cast->function, std::move(expression),
                                     {target.id, fits ? target.modifier : -1}, context);
    return apply_modifier(std::move(result), target, context);
  }
  if (is_array(from) && is_array(target.id)) {
    return coerce_array(std::move(expression), target, context, parameters);
  }
  if (const ScalarFunction* io = allowed_io_cast(from, target.id, context)) {
    ExprPtr result = cast_call(io, std::move(expression), {target.id, -1}, context);
    return apply_modifier(std::move(result), target, context);
  }
  return error_at(sqlstate::kCannotCoerce,
                  "cannot cast type " + format_type({from, -1}) + " to " +
                      format_type({target.id, -1}),
                  expression->position);
}

Result<ExprPtr> resolve_unknown(ExprPtr expression, ParameterTypes& parameters) {
  if (expression->type.id != oid::kUnknown) return expression;
  return coerce(std::move(expression), {oid::kText, -1}, CastContext::kImplicit, parameters);
}

namespace {

// One step of select_common_type: `next` meets the type so far. False when they don't match.
bool widen(Oid& type, Oid next) {
  if (next == oid::kUnknown || next == type) return true;
  if (type == oid::kUnknown) {
    type = next;
    return true;
  }
  const TypeInfo* info = find_type(type);
  const TypeInfo* next_info = find_type(next);
  if (info == nullptr || next_info == nullptr || info->category != next_info->category) {
    return false;
  }
  if (!info->preferred && can_coerce(type, next, CastContext::kImplicit) &&
      !can_coerce(next, type, CastContext::kImplicit)) {
    type = next;
  }
  return true;
}

}  // namespace

Result<Oid> common_type(std::span<const ExprPtr> expressions, std::string_view context) {
  Oid type = oid::kUnknown;
  for (const ExprPtr& expression : expressions) {
    if (!widen(type, expression->type.id)) {
      return error_at(sqlstate::kDatatypeMismatch,
                      std::string(context) + " types " + format_type({type, -1}) + " and " +
                          format_type({expression->type.id, -1}) + " cannot be matched",
                      expression->position);
    }
  }
  return type == oid::kUnknown ? oid::kText : type;
}

Oid common_type_of(std::span<const Oid> types) {
  Oid type = oid::kUnknown;
  for (const Oid next : types) {
    if (!widen(type, next)) return oid::kInvalid;
  }
  return type == oid::kUnknown ? oid::kText : type;
}

Status coerce_all(std::span<ExprPtr> expressions, Oid type, std::string_view context,
                  ParameterTypes& parameters) {
  for (ExprPtr& expression : expressions) {
    if (!can_coerce(expression->type.id, type, CastContext::kImplicit)) {
      return error_at(sqlstate::kCannotCoerce,
                      std::string(context) + " could not convert type " +
                          format_type({expression->type.id, -1}) + " to " +
                          format_type({type, -1}),
                      expression->position);
    }
    ASSIGN_OR_RETURN(expression, coerce(std::move(expression), {type, -1}, CastContext::kImplicit,
                                        parameters));
  }
  return {};
}

Result<ExprPtr> coerce_to_boolean(ExprPtr expression, std::string_view clause,
                                  ParameterTypes& parameters) {
  if (!can_coerce(expression->type.id, oid::kBool, CastContext::kAssignment)) {
    return error_at(sqlstate::kDatatypeMismatch,
                    "argument of " + std::string(clause) + " must be type boolean, not type " +
                        format_type({expression->type.id, -1}),
                    expression->position);
  }
  return coerce(std::move(expression), {oid::kBool, -1}, CastContext::kAssignment, parameters);
}

}  // namespace eventd::engine
