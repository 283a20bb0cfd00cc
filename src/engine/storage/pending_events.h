// The rows of a session's own transaction that are not committed yet.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/storage/event_row.h"
#include "guid.h"

namespace eventd::engine {

/// One row; owns its bytes. cpu_id and sequence are the writer's, so they are NULL until the commit.
struct PendingEvent {
  int64_t timestamp_ns = 0;
  Guid boot_id;
  std::optional<Guid> effective_token_guid, true_token_guid, process_guid;
  std::string event_type;
  std::string payload;  ///< msgpack; empty = NULL
  std::optional<uint8_t> origin_class;
};

/// An immutable run of pending rows in the order they were added. Shared by the scans of the
/// session's statements; thread-safe because it never changes.
///
/// A growing transaction links runs instead of copying them: `previous` comes first.
class PendingEvents {
 public:
  explicit PendingEvents(std::vector<PendingEvent> rows,
                         std::shared_ptr<const PendingEvents> previous = nullptr);
  ~PendingEvents();
  /// Rows of this run and all before it.
  uint64_t size() const { return size_; }
  /// All rows, oldest first. Valid as long as this object.
  std::vector<const PendingEvent*> all() const;

 private:
  const std::vector<PendingEvent> rows_;
  std::shared_ptr<const PendingEvents> previous_;
  uint64_t size_;
};

}  // namespace eventd::engine
