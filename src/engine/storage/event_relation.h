// The relation `events`: spec sql.md "Relations".
#pragma once

#include <functional>
#include <memory>

#include "engine/scan/relation.h"
#include "engine/storage/event_snapshot.h"
#include "engine/storage/read_pool.h"

namespace eventd::engine {

inline constexpr Oid kEventsRelationOid = 20'001;

/// Immutable, thread-safe. Scans share ownership of the pool and the snapshot, so they may outlive
/// the relation.
class EventRelation : public Relation {
 public:
  /// `current` takes a snapshot, for scans and estimates without one of their own.
  EventRelation(std::shared_ptr<ReadPool> pool,
                std::function<std::shared_ptr<const EventSnapshot>()> current);

  std::string_view schema() const override { return "public"; }
  std::string_view name() const override { return "events"; }
  Oid relation_oid() const override { return kEventsRelationOid; }
  const std::vector<RelationColumn>& columns() const override { return columns_; }
  int order_column() const override { return 0; }
  PredicateSupport support(const ScanPredicate& predicate) const override;
  ScanEstimate estimate(const ScanRequest& request) const override;
  Result<std::unique_ptr<Scan>> scan(ScanRequest request) const override;

 private:
  Result<std::shared_ptr<const EventSnapshot>> snapshot_of(const ScanRequest& request) const;
  const std::shared_ptr<ReadPool> pool_;
  const std::function<std::shared_ptr<const EventSnapshot>()> current_;
  const std::vector<RelationColumn> columns_;
};

}  // namespace eventd::engine
