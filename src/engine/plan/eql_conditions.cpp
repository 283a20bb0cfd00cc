#include "engine/plan/eql_conditions.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "engine/payload/msgpack_writer.h"
#include "engine/plan/eql_literal.h"
#include "guid.h"

namespace eventd::engine {
namespace {

using Kind = EqlCondition::Kind;
using LiteralKind = EqlLiteral::Kind;

// Fewer equalities are as quick one by one, and storage can prune by each.
constexpr size_t kSetMin = 8;

constexpr std::string_view kOriginClasses[] = {"userspace", "kmes", "kacs", "lcs"};

ExprPtr boolean(bool value) { return Expr::constant_of(Datum::boolean(value), {oid::kBool, -1}); }

ExprPtr of_kind(Expr::Kind kind, std::vector<ExprPtr> children) {
  auto expression = std::make_unique<Expr>();
  expression->kind = kind;
  expression->type = {oid::kBool, -1};
  expression->children = std::move(children);
  return expression;
}

ExprPtr with_child(Expr::Kind kind, ExprPtr child) {
  std::vector<ExprPtr> children;
  children.push_back(std::move(child));
  return of_kind(kind, std::move(children));
}

// What a comparison of different types comes to: only != holds, and only where there is a value.
ExprPtr mismatch(Kind kind, ExprPtr field) {
  if (kind == Kind::kNotEq) return with_child(Expr::Kind::kIsNotNull, std::move(field));
  return boolean(false);
}

bool is_string_operator(Kind kind) {
  return kind == Kind::kStartsWith || kind == Kind::kEndsWith || kind == Kind::kContains;
}

std::string_view sql_operator(Kind kind) {
  switch (kind) {
    case Kind::kEq: return "=";
    case Kind::kNotEq: return "<>";
    case Kind::kLess: return "<";
    case Kind::kLessEq: return "<=";
    case Kind::kGreater: return ">";
    case Kind::kGreaterEq: return ">=";
    default: return "";
  }
}

std::string_view eql_function(Kind kind) {
  switch (kind) {
    case Kind::kEq: return "eql_eq";
    case Kind::kNotEq: return "eql_ne";
    case Kind::kLess: return "eql_lt";
    case Kind::kLessEq: return "eql_le";
    case Kind::kGreater: return "eql_gt";
    case Kind::kGreaterEq: return "eql_ge";
    case Kind::kStartsWith: return "eql_starts_with";
    case Kind::kEndsWith: return "eql_ends_with";
    case Kind::kContains: return "eql_contains";
    default: return "";
  }
}

class ConditionBinder {
 public:
  explicit ConditionBinder(EqlFields& fields) : fields_(fields) {}

  Result<ExprPtr> bind(const EqlCondition& condition) {
    switch (condition.kind) {
      case Kind::kAnd:
      case Kind::kOr: return bind_chain(condition);
      case Kind::kIsNull: return bind_is_null(condition, Expr::Kind::kIsNull);
      case Kind::kIsNotNull: return bind_is_null(condition, Expr::Kind::kIsNotNull);
      case Kind::kIn: return bind_list(condition, Kind::kEq, Expr::Kind::kOr);
      case Kind::kNotIn: return bind_list(condition, Kind::kNotEq, Expr::Kind::kAnd);
      default: return bind_comparison(condition.field, condition.kind, condition.values[0]);
    }
  }

 private:
  // Children that say `field == a` of one payload field (and its IN) become one set, as do `!=` and
  // NOT IN under AND.
  Result<ExprPtr> bind_chain(const EqlCondition& condition) {
    const bool any = condition.kind == Kind::kOr;
    const Kind each = any ? Kind::kEq : Kind::kNotEq, list = any ? Kind::kIn : Kind::kNotIn;
    std::map<std::vector<std::string>, std::vector<const EqlLiteral*>> sets;
    const auto set_of = [&](const EqlCondition& child) -> std::vector<const EqlLiteral*>* {
      if ((child.kind != each && child.kind != list) || !fields_.is_payload_path(child.field)) return nullptr;
      if (!std::all_of(child.values.begin(), child.values.end(), is_constant)) return nullptr;
      return &sets[child.field.path];
    };
    for (const auto& child : condition.children) {
      if (auto* set = set_of(*child)) {
        for (const EqlLiteral& value : child->values) set->push_back(&value);
      }
    }
    std::vector<ExprPtr> children;
    for (const auto& child : condition.children) {
      RETURN_IF_ERROR(fields_.spend(1));
      auto* set = set_of(*child);
      if (set != nullptr && set->empty()) continue;  // made with the first of its children
      const bool made = set != nullptr && set->size() >= kSetMin;
      ASSIGN_OR_RETURN(ExprPtr bound, made ? bind_set(child->field, *set, each) : bind(*child));
      if (made) set->clear();
      children.push_back(std::move(bound));
    }
    if (children.size() == 1) return std::move(children[0]);
    return of_kind(any ? Expr::Kind::kOr : Expr::Kind::kAnd, std::move(children));
  }

  static bool is_constant(const EqlLiteral& value) {
    switch (value.kind) {
      case LiteralKind::kString: return !value.bare;
      case LiteralKind::kInteger:
      case LiteralKind::kFloat:
      case LiteralKind::kWideInteger:
      case LiteralKind::kBoolean: return true;
      default: return false;
    }
  }

  // eql_in(field, [values…]); `each` kNotEq: its opposite.
  Result<ExprPtr> bind_set(const EqlField& field, const std::vector<const EqlLiteral*>& values, Kind each) {
    std::string bytes;
    MsgpackWriter writer(bytes);
    writer.array_header(static_cast<uint32_t>(values.size()));
    for (const EqlLiteral* value : values) {
      switch (value->kind) {
        case LiteralKind::kInteger: writer.integer(value->integer); break;
        case LiteralKind::kFloat: writer.real(value->real); break;
        case LiteralKind::kBoolean: writer.boolean(value->integer != 0); break;
        case LiteralKind::kWideInteger: {
          ASSIGN_OR_RETURN(const Datum number,
                           datum_from_text(EvalContext(), {oid::kJsonb, -1}, value->text));
          bytes += number.bytes();
          break;
        }
        default: writer.string(value->text);
      }
    }
    ASSIGN_OR_RETURN(ExprPtr among,
                     fields_.call("eql_in", fields_.bind(field),
                                  Expr::constant_of(Datum(oid::kJsonb, std::move(bytes)), {oid::kJsonb, -1})));
    return each == Kind::kEq ? std::move(among) : with_child(Expr::Kind::kNot, std::move(among));
  }

  // A payload key whose value is JSON null counts as missing, as payload->>'x' has it.
  Result<ExprPtr> bind_is_null(const EqlCondition& condition, Expr::Kind kind) {
    return with_child(kind, fields_.bind_as_text(condition.field));
  }

  Result<ExprPtr> bind_list(const EqlCondition& condition, Kind each, Expr::Kind together) {
    if (condition.values.size() >= kSetMin && fields_.is_payload_path(condition.field) &&
        std::all_of(condition.values.begin(), condition.values.end(), is_constant)) {
      std::vector<const EqlLiteral*> values;
      for (const EqlLiteral& value : condition.values) values.push_back(&value);
      return bind_set(condition.field, values, each);
    }
    std::vector<ExprPtr> children;
    for (const EqlLiteral& value : condition.values) {
      RETURN_IF_ERROR(fields_.spend(1));
      ASSIGN_OR_RETURN(ExprPtr bound, bind_comparison(condition.field, each, value));
      children.push_back(std::move(bound));
    }
    if (children.size() == 1) return std::move(children[0]);
    return of_kind(together, std::move(children));
  }

  Result<ExprPtr> bind_comparison(const EqlField& field, Kind kind, const EqlLiteral& value) {
    ExprPtr left = fields_.bind(field);
    const Oid type = left->type.id;
    if (value.bare && (left->kind != Expr::Kind::kColumn || field.path[0] != "origin_class")) {
      return Error{sqlstate::kSyntaxError, "syntax error at or near \"" + value.text + "\"", {},
                   "Strings stand in quotes.", {}, value.position};
    }
    if (type == oid::kJsonb) return bind_payload(field, std::move(left), kind, value);
    if (kind == Kind::kHas) return boolean(false);  // no column is an array
    switch (type) {
      case oid::kText: return bind_text(std::move(left), kind, value);
      case oid::kTimestamptz: return bind_timestamp(std::move(left), kind, value);
      case oid::kUuid: return bind_guid(std::move(left), kind, value);
      default: return bind_number(field, std::move(left), kind, value);
    }
  }

  // A literal with its own type; parameters take `parameter_type`.
  Result<ExprPtr> bind_value(const EqlLiteral& value, Oid parameter_type) {
    switch (value.kind) {
      case LiteralKind::kInteger: return Expr::constant_of(Datum::int8(value.integer), {oid::kInt8, -1});
      case LiteralKind::kFloat: return Expr::constant_of(Datum::float8(value.real), {oid::kFloat8, -1});
      case LiteralKind::kWideInteger: return wide_integer(value, parameter_type == oid::kInt8 ? oid::kNumeric : oid::kJsonb);
      case LiteralKind::kBoolean: return boolean(value.integer != 0);
      case LiteralKind::kParameter: {
        ASSIGN_OR_RETURN(ExprPtr parameter, fields_.bind_parameter(value, oid::kUnknown));
        Oid type = parameter->type.id;
        if (type == oid::kInt2 || type == oid::kInt4) type = oid::kInt8;
        if (type == oid::kFloat4 || type == oid::kNumeric) type = oid::kFloat8;
        if (type != oid::kInt8 && type != oid::kFloat8 && type != oid::kBool) type = parameter_type;
        return fields_.bind_parameter(value, type);
      }
      default: return Expr::constant_of(Datum::text(value.text), {oid::kText, -1});
    }
  }

  // Exactly, as a number of jsonb or numeric.
  Result<ExprPtr> wide_integer(const EqlLiteral& value, Oid type) {
    ASSIGN_OR_RETURN(Datum number, datum_from_text(EvalContext(), {type, -1}, value.text));
    return Expr::constant_of(std::move(number), {type, -1});
  }

  Result<ExprPtr> bind_payload(const EqlField& field, ExprPtr left, Kind kind, const EqlLiteral& value) {
    // A parameter nobody gave a type has the field's.
    Oid parameter_type = oid::kText;
    if (value.kind == LiteralKind::kParameter && !is_string_operator(kind) && fields_.is_payload_path(field)) {
      const Oid type = fields_.payload_type(field);
      if (type == oid::kInt8 || type == oid::kFloat8 || type == oid::kBool) parameter_type = type;
    }
    ASSIGN_OR_RETURN(ExprPtr right, bind_value(value, parameter_type));
    if (kind == Kind::kHas) return fields_.call("eql_has", std::move(left), std::move(right));
    if (is_string_operator(kind) && right->type.id != oid::kText) return boolean(false);
    return fields_.call(eql_function(kind), std::move(left), std::move(right));
  }

  Result<ExprPtr> bind_text(ExprPtr left, Kind kind, const EqlLiteral& value) {
    ASSIGN_OR_RETURN(ExprPtr right, bind_value(value, oid::kText));
    if (right->type.id != oid::kText) return mismatch(kind, std::move(left));
    // Ordering is for numbers only.
    if (kind != Kind::kEq && kind != Kind::kNotEq && !is_string_operator(kind)) return boolean(false);
    return fields_.call(eql_function(kind), std::move(left), std::move(right));
  }

  Result<ExprPtr> bind_timestamp(ExprPtr left, Kind kind, const EqlLiteral& value) {
    if (is_string_operator(kind)) return boolean(false);
    EqlLiteral time = value;
    if (time.kind == LiteralKind::kString) {
      if (const auto word = parse_eql_word(time.text)) time.kind = word->kind;
    }
    if (time.kind == LiteralKind::kInteger || time.kind == LiteralKind::kFloat ||
        time.kind == LiteralKind::kWideInteger ||
        time.kind == LiteralKind::kBoolean) {
      return mismatch(kind, std::move(left));
    }
    ASSIGN_OR_RETURN(ExprPtr right, fields_.bind_time(time));
    return fields_.binder().bind_operator(sql_operator(kind), std::move(left), std::move(right),
                                          value.position);
  }

  Result<ExprPtr> bind_guid(ExprPtr left, Kind kind, const EqlLiteral& value) {
    if (value.kind == LiteralKind::kParameter && (kind == Kind::kEq || kind == Kind::kNotEq)) {
      ASSIGN_OR_RETURN(ExprPtr right, fields_.bind_parameter(value, oid::kUuid));
      return fields_.binder().bind_operator(sql_operator(kind), std::move(left), std::move(right),
                                            value.position);
    }
    if (value.kind != LiteralKind::kString) return mismatch(kind, std::move(left));
    if (kind != Kind::kEq && kind != Kind::kNotEq) return boolean(false);
    const auto guid = Guid::parse(value.text);
    if (!guid) {
      return bind_error(sqlstate::kInvalidTextRepresentation,
                        "invalid input syntax for type uuid: \"" + value.text + "\"", value.position);
    }
    UuidValue uuid;
    const auto bytes = guid->rfc_bytes();
    std::copy(bytes.begin(), bytes.end(), uuid.bytes);
    return fields_.binder().bind_operator(sql_operator(kind), std::move(left),
                                          Expr::constant_of(Datum(oid::kUuid, uuid), {oid::kUuid, -1}),
                                          value.position);
  }

  // cpu_id, sequence, origin_class, timestamp_ns.
  Result<ExprPtr> bind_number(const EqlField& field, ExprPtr left, Kind kind, const EqlLiteral& value) {
    if (is_string_operator(kind)) return boolean(false);
    EqlLiteral number = value;
    if (value.kind == LiteralKind::kString && field.path[0] == "origin_class") {
      const auto* at = std::find_if(std::begin(kOriginClasses), std::end(kOriginClasses),
                                    [&](std::string_view name) {
                                      return equals_ignoring_case(name, value.text);
                                    });
      if (at == std::end(kOriginClasses)) {
        return bind_error(sqlstate::kSyntaxError, "unknown origin class \"" + value.text + "\"",
                          value.position);
      }
      number.kind = LiteralKind::kInteger;
      number.integer = at - std::begin(kOriginClasses);
    }
    ASSIGN_OR_RETURN(ExprPtr right, bind_value(number, oid::kInt8));
    if (right->type.id != oid::kInt8 && right->type.id != oid::kFloat8 && right->type.id != oid::kNumeric) {
      return mismatch(kind, std::move(left));
    }
    return fields_.binder().bind_operator(sql_operator(kind), std::move(left), std::move(right),
                                          value.position);
  }

  EqlFields& fields_;
};

}  // namespace

Result<ExprPtr> bind_eql_condition(const EqlCondition& condition, EqlFields& fields) {
  return ConditionBinder(fields).bind(condition);
}

}  // namespace eventd::engine
