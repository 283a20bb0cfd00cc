// Reading receipts from any shard file.
#pragma once

#include <vector>

#include "engine/storage/shard.h"
#include "engine/storage/sqlite.h"
#include "result.h"

namespace eventd::engine {

/// Appends all ranges that the file covers. After a failure those that could be read are there.
///
/// Commits of SQL rows only don't write receipts each time: the last kDeferredReceiptRowsMax rows of a
/// file (by id) may lack theirs, and are found by their cpu_id. So rows must not be deleted or moved
/// before the receipts are settled, which the writer does ahead of maintenance and when it is idle.
Status read_receipts(sqlite::Connection& connection, std::vector<ReceiptRange>& ranges);

/// What the receipts table says, and what the last rows add to it.
Status read_written_receipts(sqlite::Connection& connection, std::vector<ReceiptRange>& ranges);
Result<std::vector<ReceiptRange>> read_deferred_receipts(sqlite::Connection& connection);

}  // namespace eventd::engine
