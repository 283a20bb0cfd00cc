// A read-only relation whose few rows are computed when it is scanned: pg_settings, statistics.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/scan/relation.h"

namespace eventd::engine {

/// Immutable; thread-safe as far as `rows` is.
class ComputedRelation final : public Relation {
 public:
  using Row = std::vector<Datum>;
  using Rows = std::function<std::vector<Row>()>;

  /// What the rows are about: those of events are for who may see events.
  enum class Tells : uint8_t { kOfTheServer, kOfEvents };

  ComputedRelation(std::string schema, std::string name, Oid id, std::vector<RelationColumn> columns,
                   Rows rows, Tells tells = Tells::kOfTheServer);

  std::string_view schema() const override { return schema_; }
  std::string_view name() const override { return name_; }
  Oid relation_oid() const override { return id_; }
  const std::vector<RelationColumn>& columns() const override { return columns_; }
  /// Filters are left to the executor: the rows are few.
  PredicateSupport support(const ScanPredicate&) const override { return PredicateSupport::kNone; }
  ScanEstimate estimate(const ScanRequest&) const override { return {100, 100}; }
  Result<std::unique_ptr<Scan>> scan(ScanRequest request) const override;

 private:
  std::string schema_, name_;
  Oid id_;
  std::vector<RelationColumn> columns_;
  Rows rows_;
  Tells tells_;
};

}  // namespace eventd::engine
