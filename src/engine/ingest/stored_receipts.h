// The receipts of every shard file, those no longer written included.
#pragma once

#include <vector>

#include "engine/storage/shard.h"
#include "engine/storage/shard_set.h"
#include "result.h"

namespace eventd::engine {

/// What is covered anywhere. A file of an older shard count that can't be read is logged and left
/// out; failing to read an active one is an error. REQUIRES: no writer runs.
Result<std::vector<ReceiptRange>> read_stored_receipts(ShardSet& shards);

}  // namespace eventd::engine
