// The catalog as the binder asks it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/catalog/catalog_snapshot.h"
#include "engine/plan/query_planner.h"
#include "engine/settings/search_path.h"

namespace eventd::engine {

/// For one statement; one thread.
class BindCatalog final : public RelationResolver {
 public:
  /// `cancel`: of the statement.
  BindCatalog(const RelationCatalog& relations, bool sees_events, std::string_view search_path,
              const CancelToken& cancel)
      : snapshot_(relations, sees_events), schemas_(relation_schemas(search_path)), cancel_(cancel) {}

  const Relation* find_relation(std::string_view schema, std::string_view name) const override {
    if (!schema.empty()) return snapshot_.find(schema, name);
    searched_ = true;
    for (const std::string& in : schemas_) {
      if (const Relation* relation = snapshot_.find(in, name)) return relation;
    }
    return nullptr;
  }
  std::optional<Oid> payload_type(const std::optional<std::string>& pattern,
                                  std::span<const std::string> path) const override {
    return snapshot_.payload_type(pattern, path);
  }
  const CancelToken* cancel() const override { return &cancel_; }
  /// The generation what was found depends on; 0 = it is the same in all.
  uint64_t used_generation() const { return snapshot_.used_fields() ? snapshot_.generation() : 0; }
  /// Whether what was found depends on search_path.
  bool searched() const { return searched_; }

 private:
  mutable CatalogSnapshot snapshot_;
  mutable bool searched_ = false;
  std::vector<std::string> schemas_;  ///< of search_path
  const CancelToken& cancel_;
};

}  // namespace eventd::engine
