// Which events a statement sees: DESIGN.md §6.
#pragma once

#include <memory>
#include <vector>

#include "engine/scan/relation.h"
#include "engine/storage/pending_events.h"
#include "engine/storage/shard_view.h"

namespace eventd::engine {

/// A shard and what was committed in it.
struct ShardSnapshot {
  std::shared_ptr<ShardFile> file;
  std::shared_ptr<const ShardView> view;
};

/// All shards at one moment, and the session's own rows. Immutable, thread-safe; holds no lock.
class EventSnapshot : public Snapshot {
 public:
  std::vector<ShardSnapshot> active;
  /// Files nobody writes; the same list for all snapshots.
  std::shared_ptr<const std::vector<ShardSnapshot>> historical;
  std::shared_ptr<const PendingEvents> pending;  ///< may be null
};

}  // namespace eventd::engine
