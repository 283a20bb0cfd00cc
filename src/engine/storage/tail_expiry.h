// Deleting the old rows of a tail table in bounded pieces. Spec: storage.md "Retention".
#pragma once

#include <cstdint>

#include "engine/storage/shard_view.h"
#include "engine/storage/sqlite.h"
#include "result.h"

namespace eventd::engine {

/// The tail has rows older than `before_ns`.
inline bool has_expired(const TailInfo& tail, int64_t before_ns) {
  return tail.row_count > 0 && tail.timestamp_min_ns < before_ns;
}

/// Deletes rows of `tail` that are older than `before_ns`: all of them by an unqualified DELETE, which
/// takes milliseconds, when none is newer; else some thousands by the timestamp index. Corrects `tail`;
/// an emptied one is as new. Returns the number of rows. REQUIRES: has_expired(), a transaction.
Result<uint64_t> expire_piece(sqlite::Connection& connection, TailInfo& tail, int64_t before_ns);

}  // namespace eventd::engine
