#include "engine/types/type.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <unordered_map>

#include "engine/types/interval.h"

namespace eventd::engine {
namespace {

constexpr TypeInfo kTypes[] = {
#include "engine/types/type_table.inc"
};
constexpr size_t kTypeCount = std::size(kTypes);
static_assert(std::is_sorted(std::begin(kTypes), std::end(kTypes),
                             [](const TypeInfo& a, const TypeInfo& b) { return a.id < b.id; }));

constexpr Oid kDenseOids = 5200;
static_assert(kTypes[kTypeCount - 1].id < kDenseOids);

// OID → row + 1; 0 = none.
constexpr auto kIndex = [] {
  std::array<uint8_t, kDenseOids> index{};
  static_assert(kTypeCount < 255);
  for (size_t i = 0; i < kTypeCount; ++i) index[kTypes[i].id] = static_cast<uint8_t>(i + 1);
  return index;
}();

struct Spelling {
  std::string_view name;
  Oid id;
};
// SQL's names beside typname and format_type()'s.
constexpr Spelling kSpellings[] = {
    {"boolean", oid::kBool},      {"int", oid::kInt4},         {"dec", oid::kNumeric},
    {"decimal", oid::kNumeric},   {"float", oid::kFloat8},     {"character", oid::kBpchar},
    {"time", oid::kTime},         {"timestamp", oid::kTimestamp},
    {"national character", oid::kBpchar},                      {"nchar", oid::kBpchar},
};

const std::unordered_map<std::string_view, const TypeInfo*>& names() {
  static const auto* map = [] {
    auto* m = new std::unordered_map<std::string_view, const TypeInfo*>;
    for (const TypeInfo& type : kTypes) m->emplace(type.name, &type);
    for (const TypeInfo& type : kTypes) m->emplace(type.display_name, &type);
    for (const Spelling& s : kSpellings) (*m)[s.name] = find_type(s.id);
    return m;
  }();
  return *map;
}

// format_type's second half: where a modifier goes.
std::string with_modifier(const TypeInfo& info, int32_t modifier) {
  const std::string name(info.display_name);
  const auto inserted = [&](std::string_view word, const std::string& text) {
    return std::string(word) + text + name.substr(word.size());
  };
  switch (info.id) {
    case oid::kVarchar:
    case oid::kBpchar:
      if (modifier < 5) return name;
      return name + "(" + std::to_string(modifier - 4) + ")";
    case oid::kNumeric: {
      if (modifier < 4) return name;
      const int32_t packed = modifier - 4;
      // The scale has 11 bits with a sign (PostgreSQL 15: -1000 … 1000).
      const int32_t scale = ((packed & 0x7ff) ^ 1024) - 1024;
      return name + "(" + std::to_string((packed >> 16) & 0xffff) + "," + std::to_string(scale) + ")";
    }
    case oid::kTime:
    case oid::kTimetz: return inserted("time", "(" + std::to_string(modifier) + ")");
    case oid::kTimestamp:
    case oid::kTimestamptz: return inserted("timestamp", "(" + std::to_string(modifier) + ")");
    case oid::kInterval: {
      const int32_t precision = modifier & 0xffff;
      const std::string_view fields = interval_fields_name(interval_fields(modifier));
      std::string text = fields.empty() ? name : name + " " + std::string(fields);
      return precision == 0xffff ? text : text + "(" + std::to_string(precision) + ")";
    }
    default: return name + "(" + std::to_string(modifier) + ")";
  }
}

}  // namespace

const TypeInfo* find_type(Oid id) {
  if (id >= kDenseOids || kIndex[id] == 0) return nullptr;
  return &kTypes[kIndex[id] - 1];
}

const TypeInfo& type_info(Oid id) {
  const TypeInfo* info = find_type(id);
  assert(info != nullptr);
  return info != nullptr ? *info : *find_type(oid::kUnknown);
}

const TypeInfo* find_type_by_name(std::string_view name) {
  const auto found = names().find(name);
  if (found != names().end()) return found->second;
  if (name.size() > 2 && name.ends_with("[]")) {
    const TypeInfo* element = find_type_by_name(name.substr(0, name.size() - 2));
    // Any number of dimensions is one array type.
    if (element != nullptr && element->category == 'A') return element;
    if (element != nullptr && element->array != 0) return find_type(element->array);
  }
  return nullptr;
}

std::string format_type(const Type& type) {
  const TypeInfo* info = find_type(type.id);
  if (info == nullptr) return "???";
  if (type.modifier < 0) return std::string(info->display_name);
  if (info->category == 'A' && info->element != 0) {
    const TypeInfo* element = find_type(info->element);
    if (element != nullptr) return with_modifier(*element, type.modifier) + "[]";
  }
  return with_modifier(*info, type.modifier);
}

}  // namespace eventd::engine
