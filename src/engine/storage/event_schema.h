// The tables of an event shard. Spec: storage.md "Event shard".
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/storage/shard_view.h"
#include "engine/storage/sqlite.h"
#include "result.h"

namespace eventd::engine::event_schema {

inline constexpr int kVersion = 1;

/// Tails numbered kTailTables and up appear when the fixed ones are full, and for staged
/// transactions. They hold this many rows.
inline constexpr int64_t kOverflowTailRowsMax = 1 << 20;
/// Tables one shard may have; past it the last tail goes on growing and staged rows are copied.
inline constexpr size_t kTailsMax = 256;

std::string tail_table(uint32_t number);
std::string create_tail_sql(uint32_t number);
/// The statement that appends a row; parameters in the order of the columns, id first.
std::string insert_sql(uint32_t number);
/// DROP and CREATE of the view `events` over the published tails.
std::string create_view_sql(const std::vector<TailInfo>& tails);

/// Creates everything in an empty file, in one transaction.
Status create(sqlite::Connection& connection);
/// True when the file has no table at all.
Result<bool> is_empty(sqlite::Connection& connection);
/// Structure only (tables and indexes, never their contents): XX001 naming what is missing, or the
/// unknown version.
Status check(sqlite::Connection& connection);
/// The published tails with their committed rows and time ranges, read through the indexes.
Result<ShardView> load_view(sqlite::Connection& connection);

}  // namespace eventd::engine::event_schema
