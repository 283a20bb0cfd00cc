#include "engine/plan/window_frame.h"

#include <span>

#include "engine/plan/coercion.h"

namespace eventd::engine {
namespace {

// pg_amproc: the in_range functions of the btree families, by the key's type.
std::span<const Oid> offset_types(Oid key) {
  static constexpr Oid kInteger[] = {oid::kInt8, oid::kInt4, oid::kInt2};
  static constexpr Oid kBigint[] = {oid::kInt8};
  static constexpr Oid kFloat[] = {oid::kFloat8};
  static constexpr Oid kNumeric[] = {oid::kNumeric};
  static constexpr Oid kInterval[] = {oid::kInterval};
  switch (key) {
    case oid::kInt2:
    case oid::kInt4: return kInteger;
    case oid::kInt8: return kBigint;
    case oid::kFloat4:
    case oid::kFloat8: return kFloat;
    case oid::kNumeric: return kNumeric;
    case oid::kDate:
    case oid::kTime:
    case oid::kTimetz:
    case oid::kTimestamp:
    case oid::kTimestamptz:
    case oid::kInterval: return kInterval;
    default: return {};
  }
}

ExprPtr literal(std::string_view text) {
  return Expr::constant_of(Datum(oid::kUnknown, std::string(text)), {oid::kUnknown, -1});
}

// Where adding two infinities would give NaN, in_range says that all is within: CASE WHEN key =
// from AND offset = Infinity THEN key's opposite.
Result<ExprPtr> guard_infinity(ExpressionBinder& binder, ExprPtr boundary, Oid key, Oid offset,
                               bool subtract) {
  const std::string_view from = subtract ? "Infinity" : "-Infinity";
  const std::string_view to = subtract ? "-Infinity" : "Infinity";
  ASSIGN_OR_RETURN(ExprPtr key_test,
                   binder.bind_operator("=", Expr::outer(0, {key, -1}), literal(from), 0));
  ASSIGN_OR_RETURN(ExprPtr offset_test,
                   binder.bind_operator("=", Expr::outer(1, {offset, -1}), literal("Infinity"), 0));
  auto both = std::make_unique<Expr>();
  both->kind = Expr::Kind::kAnd;
  both->type = {oid::kBool, -1};
  both->children.push_back(std::move(key_test));
  both->children.push_back(std::move(offset_test));
  auto result = std::make_unique<Expr>();
  result->kind = Expr::Kind::kCase;
  result->type = {key, -1};
  result->children.push_back(std::move(both));
  ParameterTypes none({});
  ASSIGN_OR_RETURN(ExprPtr end, coerce(literal(to), {key, -1}, CastContext::kImplicit, none));
  result->children.push_back(std::move(end));
  result->children.push_back(std::move(boundary));
  return result;
}

}  // namespace

Result<Oid> range_offset_type(Oid key, Oid offset, int position) {
  const std::span<const Oid> types = offset_types(key);
  const std::string column = format_type({key, -1});
  if (types.empty()) {
    return bind_error(sqlstate::kFeatureNotSupported,
                      "RANGE with offset PRECEDING/FOLLOWING is not supported for column type " +
                          column,
                      position);
  }
  const Oid preferred = offset == oid::kUnknown ? key : offset;
  Oid selected = 0;
  int matches = 0;
  for (const Oid type : types) {
    if (!can_coerce(offset, type, CastContext::kImplicit)) continue;
    selected = type;
    if (type == preferred) return type;
    ++matches;
  }
  if (matches == 1) return selected;
  Error error = bind_error(
      sqlstate::kFeatureNotSupported,
      "RANGE with offset PRECEDING/FOLLOWING " +
          std::string(matches == 0 ? "is not supported" : "has multiple interpretations") +
          " for column type " + column + " and offset type " + format_type({offset, -1}),
      position);
  error.hint = matches == 0 ? "Cast the offset value to an appropriate type."
                            : "Cast the offset value to the exact intended type.";
  return error;
}

Oid range_key_type(Oid key) {
  switch (key) {
    case oid::kInt2:
    case oid::kInt4:
    case oid::kInt8: return oid::kNumeric;  // a bigint offset must not overflow
    case oid::kFloat4: return oid::kFloat8;
    case oid::kDate: return oid::kTimestamp;
    case oid::kTime: return oid::kInterval;  // does not wrap at midnight
    default: return key;
  }
}

Result<ExprPtr> range_boundary(ExpressionBinder& binder, Oid key, Oid offset, bool subtract,
                               ParameterTypes& parameters) {
  const Oid type = range_key_type(key);
  ExprPtr step = Expr::outer(1, {offset, -1});
  if (key == oid::kTime || key == oid::kTimetz) {
    // Only the time of day of the interval counts: offset - date_trunc('day', offset).
    std::vector<ExprPtr> arguments;
    arguments.push_back(literal("day"));
    arguments.push_back(step->clone());
    ASSIGN_OR_RETURN(ExprPtr days, binder.bind_function("date_trunc", std::move(arguments), 0));
    ASSIGN_OR_RETURN(step, binder.bind_operator("-", std::move(step), std::move(days), 0));
  }
  if (type == oid::kNumeric) {
    ASSIGN_OR_RETURN(step, coerce(std::move(step), {oid::kNumeric, -1}, CastContext::kImplicit,
                                  parameters));
  }
  ASSIGN_OR_RETURN(ExprPtr boundary,
                   binder.bind_operator(subtract ? "-" : "+", Expr::outer(0, {type, -1}),
                                        std::move(step), 0));
  if (boundary->type.id != type) {
    ASSIGN_OR_RETURN(boundary, coerce(std::move(boundary), {type, -1}, CastContext::kExplicit,
                                      parameters));
  }
  if (offset == oid::kFloat8 || offset == oid::kNumeric) {
    return guard_infinity(binder, std::move(boundary), type, offset, subtract);
  }
  return boundary;
}

}  // namespace eventd::engine
