// Relations by name.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/scan/relation.h"

namespace eventd::engine {

class Settings;

/// All relations of the server. Filled at start, then read from any thread.
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
  uint64_t generation() const { return 1; }

 private:
  std::map<std::string, const Relation*, std::less<>> by_name_;  // "schema.name"
  std::vector<std::unique_ptr<const Relation>> owned_;
};

/// pg_catalog.pg_settings, from the settings table.
std::unique_ptr<const Relation> make_pg_settings(const Settings& settings);
/// public.eventd_statistics (name text, value float8), from the statistics registry.
std::unique_ptr<const Relation> make_statistics_relation();

}  // namespace eventd::engine
