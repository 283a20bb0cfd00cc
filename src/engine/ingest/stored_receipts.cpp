#include "engine/ingest/stored_receipts.h"

namespace eventd::engine {

Result<std::vector<ReceiptRange>> read_stored_receipts(ShardSet& shards) {
  std::vector<ReceiptRange> receipts = shards.historical_receipts();
  for (uint32_t i = 0; i < shards.shard_count(); ++i) {
    ASSIGN_OR_RETURN(const auto of_shard, shards.shard(i).receipts());
    receipts.insert(receipts.end(), of_shard.begin(), of_shard.end());
  }
  return receipts;
}

}  // namespace eventd::engine
