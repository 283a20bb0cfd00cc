// Files of events that nobody writes: of older shard counts, archives, and those set aside.
#pragma once

#include <atomic>
#include <functional>
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

/// Deletes the rows older than `before_ns`, in bounded transactions, until none is left or `stop` is
/// set; `publish` is called after each with what snapshots should see from then on. The only writer of
/// the file while it runs. Returns the number of rows. REQUIRES: file.may_write().
Result<uint64_t> expire_historical_file(ShardFile& file, ShardView view, int64_t before_ns,
                                        const std::atomic<bool>& stop,
                                        const std::function<void(const ShardView&)>& publish);

/// Reads what can be read of a file that is about to be set aside.
CarriedOver read_carried_over(const std::string& path);

}  // namespace eventd::engine
