// Checks rows that SQL inserts into events and hands them to the session's transaction.
#pragma once

#include <string_view>

#include "bytes.h"
#include "engine/ingest/event_ingest.h"
#include "result.h"

namespace eventd::engine {

/// The limits of kmes.md §6 as they bind SQL.
struct EventRowLimits {
  size_t max_event_size_bytes = 64 * 1024;
  unsigned max_nesting_depth = 32;
};

/// Borrowed transaction; owned by the session's thread.
class EventRowSink {
 public:
  EventRowSink(EventTransaction& transaction, EventRowLimits limits)
      : transaction_(transaction), limits_(limits) {}

  /// `payload` is one msgpack value, or empty for NULL. 22023 empty type, 22021 not UTF-8, 42501
  /// reserved type, 54000 too large or nested too deep.
  Status add(std::string_view event_type, ByteSpan payload);
  /// `msgpack` comes from outside: 22P02 when it is not exactly one msgpack value, too.
  Status add_msgpack(std::string_view event_type, ByteSpan msgpack);
  /// `json` is converted first: 22P02 etc.
  Status add_json(std::string_view event_type, std::string_view json);

 private:
  EventTransaction& transaction_;
  const EventRowLimits limits_;
  std::string msgpack_;
};

}  // namespace eventd::engine
