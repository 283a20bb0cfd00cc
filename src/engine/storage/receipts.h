// Reading receipts from any shard file.
#pragma once

#include <vector>

#include "engine/storage/shard.h"
#include "engine/storage/sqlite.h"
#include "result.h"

namespace eventd::engine {

/// All ranges in the file.
Result<std::vector<ReceiptRange>> read_receipts(sqlite::Connection& connection);

}  // namespace eventd::engine
