// Files of events that nobody writes: of older shard counts, archives, and those set aside.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/storage/event_snapshot.h"
#include "engine/storage/shard.h"

namespace eventd::engine {

/// One such file as it was found, and its receipts. No handle is kept.
struct HistoricalFile {
  ShardSnapshot shard;
  std::vector<ReceiptRange> receipts;
};

/// The databases of `directory` other than those named in `active` (file names), sorted by path.
Result<std::vector<std::string>> list_historical(const std::string& directory,
                                                 const std::vector<std::string>& active);

/// Opens each of `paths`, reads what a snapshot needs and its receipts, and closes it; several at
/// once. Files without events are left out, unreadable ones too, with a line in the log.
std::vector<HistoricalFile> load_historical(const std::vector<std::string>& paths);

/// What of the file can be seen: as event_schema::load_view(), but a damaged tail is one with unknown
/// ranges. Empty when nothing can be read.
ShardView load_view_around_damage(sqlite::Connection& connection);

/// Reads what can be read of a file that is about to be set aside.
CarriedOver read_carried_over(const std::string& path);

}  // namespace eventd::engine
