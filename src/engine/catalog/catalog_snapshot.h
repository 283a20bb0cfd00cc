// The relations one statement is bound against.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/catalog/field_catalog.h"
#include "engine/catalog/relation_catalog.h"

namespace eventd::engine {

/// One generation of the catalog, and the relations of by_type made of it: what was found stays as
/// long as this. One thread.
class CatalogSnapshot {
 public:
  /// `sees_events`: whether the caller may know which types and fields there are.
  CatalogSnapshot(const RelationCatalog& relations, bool sees_events);

  /// As RelationCatalog::find(), and by_type.
  const Relation* find(std::string_view schema, std::string_view name);
  /// See FieldSnapshot::type_of().
  std::optional<Oid> payload_type(const std::optional<std::string>& pattern,
                                  std::span<const std::string> path);
  uint64_t generation() const;
  /// True once an answer has depended on the generation.
  bool used_fields() const { return used_fields_; }

 private:
  const RelationCatalog& relations_;
  std::shared_ptr<const FieldSnapshot> fields_;  // null: there are none for the caller
  bool used_fields_ = false;
  std::map<std::string, std::unique_ptr<const Relation>, std::less<>> by_type_;
};

}  // namespace eventd::engine
