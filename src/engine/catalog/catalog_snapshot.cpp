#include "engine/catalog/catalog_snapshot.h"

#include "engine/catalog/event_views.h"

namespace eventd::engine {

CatalogSnapshot::CatalogSnapshot(const RelationCatalog& relations, bool sees_events)
    : relations_(relations) {
  if (sees_events && relations.fields() != nullptr) fields_ = relations.fields()->snapshot();
}

uint64_t CatalogSnapshot::generation() const { return fields_ == nullptr ? 1 : fields_->generation(); }

const Relation* CatalogSnapshot::find(std::string_view schema, std::string_view name) {
  if (schema != kByTypeSchema) return relations_.find(schema, name);
  used_fields_ = true;
  if (const auto at = by_type_.find(name); at != by_type_.end()) return at->second.get();
  const EventTypeFields* type = fields_ == nullptr ? nullptr : fields_->find(name);
  if (type == nullptr) return nullptr;
  return by_type_.emplace(std::string(name), make_by_type_view(*type)).first->second.get();
}

std::optional<Oid> CatalogSnapshot::payload_type(const std::optional<std::string>& pattern,
                                                 std::span<const std::string> path) {
  used_fields_ = true;
  if (fields_ == nullptr) return std::nullopt;
  return fields_->type_of(pattern, path);
}

}  // namespace eventd::engine
