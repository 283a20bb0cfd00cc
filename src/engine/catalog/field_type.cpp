#include "engine/catalog/field_type.h"

#include <algorithm>
#include <array>

namespace eventd::engine {
namespace {

constexpr std::array<std::string_view, 8> kFieldTypeNames = {"bool",   "int", "float", "text",
                                                             "binary", "map", "array", "mixed"};

}  // namespace

FieldType widen(FieldType a, FieldType b) {
  if (a == b) return a;
  const auto number = [](FieldType type) { return type == FieldType::kInt || type == FieldType::kFloat; };
  return number(a) && number(b) ? FieldType::kFloat : FieldType::kMixed;
}

std::string_view field_type_name(FieldType type) { return kFieldTypeNames[static_cast<size_t>(type)]; }

std::optional<FieldType> field_type_named(std::string_view name) {
  const auto* at = std::find(kFieldTypeNames.begin(), kFieldTypeNames.end(), name);
  if (at == kFieldTypeNames.end()) return std::nullopt;
  return static_cast<FieldType>(at - kFieldTypeNames.begin());
}

Oid field_type_oid(FieldType type) {
  switch (type) {
    case FieldType::kBool: return oid::kBool;
    case FieldType::kInt: return oid::kInt8;
    case FieldType::kFloat: return oid::kFloat8;
    case FieldType::kBinary: return oid::kBytea;
    case FieldType::kMap:
    case FieldType::kArray: return oid::kJsonb;
    case FieldType::kText:
    case FieldType::kMixed: break;
  }
  return oid::kText;
}

std::optional<FieldType> field_type_of(const MsgpackToken& token) {
  switch (token.kind) {
    case MsgpackKind::kNil: return std::nullopt;
    case MsgpackKind::kBool: return FieldType::kBool;
    case MsgpackKind::kInt: return FieldType::kInt;
    case MsgpackKind::kUint: return token.integer >= 0 ? FieldType::kInt : FieldType::kFloat;
    case MsgpackKind::kFloat: return FieldType::kFloat;
    case MsgpackKind::kString: return FieldType::kText;
    case MsgpackKind::kBinary: return FieldType::kBinary;
    case MsgpackKind::kArray: return FieldType::kArray;
    case MsgpackKind::kMap: return FieldType::kMap;
    // Decimals are numbers; what another ext means nobody knows: its text form is all there is.
    case MsgpackKind::kExt: break;
  }
  return token.ext_type == kMsgpackDecimalExt ? FieldType::kFloat : FieldType::kText;
}

}  // namespace eventd::engine
