#include "engine/ingest/stored_receipts.h"

#include <algorithm>
#include <string>
#include <utility>

#include "engine/storage/event_snapshot.h"
#include "engine/storage/sqlite.h"
#include "log.h"

namespace eventd::engine {
namespace {

Guid guid_of(ByteSpan bytes) {
  Guid guid;
  if (bytes.size() == guid.bytes.size()) std::copy(bytes.begin(), bytes.end(), guid.bytes.begin());
  return guid;
}

Status read_historical(const std::string& path, std::vector<ReceiptRange>& receipts) {
  ASSIGN_OR_RETURN(auto connection,
                   sqlite::Connection::open(path, {.mode = sqlite::OpenMode::kReadOnly}));
  ASSIGN_OR_RETURN(auto statement,
                   connection.prepare("SELECT boot_id,epoch,cpu_id,first,last FROM receipts"));
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, statement.step());
    if (!row) return {};
    const int64_t cpu_id = statement.int64(2);
    const int64_t first = statement.int64(3), last = statement.int64(4);
    if (cpu_id < 0 || cpu_id > UINT16_MAX || first < 1 || last < first) continue;
    receipts.push_back({.boot_id = guid_of(statement.blob(0)),
                        .epoch = guid_of(statement.blob(1)),
                        .cpu_id = static_cast<uint16_t>(cpu_id),
                        .first = static_cast<uint64_t>(first),
                        .last = static_cast<uint64_t>(last)});
  }
}

}  // namespace

Result<std::vector<ReceiptRange>> read_stored_receipts(ShardSet& shards) {
  std::vector<ReceiptRange> receipts;
  for (uint32_t i = 0; i < shards.shard_count(); ++i) {
    ASSIGN_OR_RETURN(const auto of_shard, shards.shard(i).receipts());
    receipts.insert(receipts.end(), of_shard.begin(), of_shard.end());
  }
  const auto snapshot = std::static_pointer_cast<const EventSnapshot>(shards.snapshot());
  if (!snapshot->historical) return receipts;
  for (const ShardSnapshot& shard : *snapshot->historical) {
    if (Status status = read_historical(shard.file->path(), receipts); !status.ok())
      log::warning("receipts of \"" + shard.file->path() + "\": " + status.error().message);
  }
  return receipts;
}

}  // namespace eventd::engine
