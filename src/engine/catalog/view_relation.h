// A named query: what the binder puts in its place is `definition()`.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/scan/relation.h"

namespace eventd::engine {

/// Immutable, thread-safe. Never scanned.
class ViewRelation final : public Relation {
 public:
  /// The columns of `definition` (SQL), in its order, are `columns`.
  ViewRelation(std::string schema, std::string name, Oid id, std::vector<RelationColumn> columns,
               std::string definition)
      : schema_(std::move(schema)),
        name_(std::move(name)),
        id_(id),
        columns_(std::move(columns)),
        definition_(std::move(definition)) {}

  std::string_view schema() const override { return schema_; }
  std::string_view name() const override { return name_; }
  Oid relation_oid() const override { return id_; }
  const std::vector<RelationColumn>& columns() const override { return columns_; }
  std::string_view definition() const override { return definition_; }
  PredicateSupport support(const ScanPredicate&) const override { return PredicateSupport::kNone; }
  ScanEstimate estimate(const ScanRequest&) const override { return {}; }
  Result<std::unique_ptr<Scan>> scan(ScanRequest) const override {
    return Status(sqlstate::kInternalError, "view " + name_ + " was not replaced by its query");
  }

 private:
  std::string schema_, name_;
  Oid id_;
  std::vector<RelationColumn> columns_;
  std::string definition_;
};

}  // namespace eventd::engine
