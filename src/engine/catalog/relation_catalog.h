// Relations by name.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/scan/relation.h"

namespace eventd::engine {

class FieldCatalog;
class Settings;

/// Where the relations made of the field catalog are.
inline constexpr std::string_view kByTypeSchema = "by_type";

/// The relations that are always there. Filled at start, then read from any thread; those of by_type
/// come and change: CatalogSnapshot finds them.
/// `public` relations are also found under `eventd.`; pg_catalog is searched first, as PostgreSQL
/// does.
class RelationCatalog {
 public:
  /// Borrowed: `relation` outlives the catalog.
  void add(const Relation& relation);
  void add(std::unique_ptr<const Relation> relation);
  /// `schema` empty = pg_catalog, then public. Null if there is none.
  const Relation* find(std::string_view schema, std::string_view name) const;
  bool schema_exists(std::string_view schema) const;
  /// Grows when relations or their columns change; plans bound under an older one are bound again.
  uint64_t generation() const;
  /// Borrowed: outlives the catalog. Set once, before the first find().
  void set_fields(const FieldCatalog& fields) { fields_ = &fields; }
  /// Null before set_fields().
  const FieldCatalog* fields() const { return fields_; }

 private:
  std::map<std::string, const Relation*, std::less<>> by_name_;  // "schema.name"
  std::vector<std::unique_ptr<const Relation>> owned_;
  const FieldCatalog* fields_ = nullptr;
};

/// pg_catalog.pg_settings, from the settings table.
std::unique_ptr<const Relation> make_pg_settings(const Settings& settings);
/// public.eventd_statistics (name text, value float8), from the statistics registry.
std::unique_ptr<const Relation> make_statistics_relation();

}  // namespace eventd::engine
