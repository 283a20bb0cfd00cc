// Kinds of payload values, as the field catalog knows them. Spec: storage.md "Field catalog".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/payload/msgpack_reader.h"
#include "engine/types/type.h"

namespace eventd::engine {

enum class FieldType : uint8_t { kBool, kInt, kFloat, kText, kBinary, kMap, kArray, kMixed };

/// What covers both: the same, float for int and float, else mixed.
FieldType widen(FieldType a, FieldType b);
/// As stored: "bool", "int" …
std::string_view field_type_name(FieldType type);
std::optional<FieldType> field_type_named(std::string_view name);
/// The type of an SQL column of such values: bool, int8, float8, text, bytea, jsonb; mixed is text.
Oid field_type_oid(FieldType type);
/// Of one value; nullopt for nil, which says nothing. Integers beyond int8 are floats.
std::optional<FieldType> field_type_of(const MsgpackToken& token);

}  // namespace eventd::engine
