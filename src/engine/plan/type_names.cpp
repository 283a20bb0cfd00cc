#include "engine/plan/type_names.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>

#include "engine/types/bit_string.h"
#include "engine/types/interval.h"

namespace eventd::engine {
namespace {

// Types that PostgreSQL has and events have no use for: refused by name rather than as unknown.
constexpr std::string_view kTypesLeftOut[] = {
    "box",     "circle",   "datemultirange", "daterange", "int4multirange", "int4range",
    "int8multirange", "int8range", "line",    "lseg",     "macaddr8",  "money",     "nummultirange",
    "numrange", "path",   "point",    "polygon",   "tsmultirange", "tsquery", "tsrange",
    "tstzmultirange", "tstzrange", "tsvector", "xml",
};

Error undefined_type(const AstTypeName& name) {
  const bool postgres_schema = name.names.size() == 1 || name.names[0] == "pg_catalog";
  if (postgres_schema && std::find(std::begin(kTypesLeftOut), std::end(kTypesLeftOut),
                                   name.names.back()) != std::end(kTypesLeftOut)) {
    return {sqlstate::kFeatureNotSupported, "type " + name.names.back() + " is not supported", {},
            {}, {}, name.position};
  }
  std::string written;
  for (const std::string& part : name.names) {
    if (!written.empty()) written += '.';
    written += part;
  }
  return {sqlstate::kUndefinedObject, "type \"" + written + "\" does not exist", {}, {}, {},
          name.position};
}

Error bad_modifier(const AstTypeName& name, std::string message) {
  return {sqlstate::kInvalidParameterValue, std::move(message), {}, {}, {}, name.position};
}

/// Modifiers are integer literals in all types we know.
Result<std::vector<int64_t>> modifier_values(const AstTypeName& name) {
  std::vector<int64_t> values;
  for (const AstExprPtr& modifier : name.modifiers) {
    if (modifier->kind != AstExpr::Kind::kInteger) {
      return bad_modifier(name, "type modifiers must be simple constants or identifiers");
    }
    values.push_back(modifier->number);
  }
  return values;
}

Result<int32_t> length_modifier(const AstTypeName& name, const TypeInfo& info, int64_t length) {
  if (length < 1) {
    return bad_modifier(name, "length for type " + std::string(info.name) + " must be at least 1");
  }
  if (length > 10'485'760) {
    return bad_modifier(name,
                        "length for type " + std::string(info.name) + " cannot exceed 10485760");
  }
  return static_cast<int32_t>(length + 4);
}

Result<int32_t> bit_modifier(const AstTypeName& name, const TypeInfo& info, int64_t length) {
  const std::string what = "length for type " + std::string(info.id == oid::kBit ? "bit" : "varbit");
  if (length < 1) return bad_modifier(name, what + " must be at least 1");
  if (length > kBitLengthMax) return bad_modifier(name, what + " cannot exceed " + std::to_string(kBitLengthMax));
  return static_cast<int32_t>(length);
}

Result<int32_t> numeric_modifier(const AstTypeName& name, const std::vector<int64_t>& values) {
  const int64_t precision = values[0];
  const int64_t scale = values.size() > 1 ? values[1] : 0;
  if (precision < 1 || precision > 1000) {
    return bad_modifier(name, "NUMERIC precision " + std::to_string(precision) +
                                  " must be between 1 and 1000");
  }
  if (scale < -1000 || scale > 1000) {
    return bad_modifier(
        name, "NUMERIC scale " + std::to_string(scale) + " must be between -1000 and 1000");
  }
  return static_cast<int32_t>(((precision << 16) | (scale & 0x7ff)) + 4);
}

Result<int32_t> type_modifier(const AstTypeName& name, const TypeInfo& info) {
  ASSIGN_OR_RETURN(const std::vector<int64_t> values, modifier_values(name));
  if (values.empty()) return -1;
  switch (info.id) {
    case oid::kVarchar:
    case oid::kBpchar:
      if (values.size() == 1) return length_modifier(name, info, values[0]);
      break;
    case oid::kBit:
    case oid::kVarbit:
      if (values.size() == 1) return bit_modifier(name, info, values[0]);
      break;
    case oid::kNumeric:
      if (values.size() <= 2) return numeric_modifier(name, values);
      break;
    case oid::kTime:
    case oid::kTimetz:
    case oid::kTimestamp:
    case oid::kTimestamptz:
      if (values.size() == 1 && values[0] >= 0) {
        return static_cast<int32_t>(values[0] > 6 ? 6 : values[0]);
      }
      break;
    case oid::kInterval:
      // (fields[, precision]), the fields as the grammar writes them.
      if (values[0] < 0 || values[0] > kIntervalAllFields || values.size() > 2) break;
      if (values.size() == 2) {
        if (values[1] < 0) break;
        return static_cast<int32_t>((values[0] << 16) | (values[1] > 6 ? 6 : values[1]));
      }
      if (values[0] == kIntervalAllFields) return -1;
      return static_cast<int32_t>((values[0] << 16) | 0xffff);
    default:
      return bad_modifier(name, "type modifier is not allowed for type \"" +
                                    std::string(info.name) + "\"");
  }
  return bad_modifier(name, "invalid type modifier");
}

}  // namespace

Result<Type> resolve_type_name(const AstTypeName& name) {
  const TypeInfo* info = nullptr;
  const bool known_schema =
      name.names.size() == 1 ||
      (name.names.size() == 2 && (name.names[0] == "pg_catalog" || name.names[0] == "public"));
  if (known_schema) info = find_type_by_name(name.names.back());
  if (info == nullptr) return undefined_type(name);
  if (name.setof) {
    return Status(Error{sqlstate::kFeatureNotSupported, "SETOF is not supported here", {}, {}, {},
                        name.position});
  }
  Type type{info->id, -1};
  ASSIGN_OR_RETURN(type.modifier, type_modifier(name, *info));
  if (name.array_dimensions > 0) {
    if (info->array == 0) return undefined_type(name);
    type.id = info->array;
  }
  return type;
}

}  // namespace eventd::engine
