// The tables of an event shard. Spec: storage.md "Event shard".
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/storage/shard_view.h"
#include "engine/storage/sqlite.h"
#include "result.h"

namespace eventd::engine {
struct CarriedOver;
}

namespace eventd::engine::event_schema {

inline constexpr int kVersion = 1;

/// Tails numbered kTailTables and up appear when the fixed ones are full, and for staged
/// transactions. They hold this many rows.
inline constexpr int64_t kOverflowTailRowsMax = 1 << 20;
/// Tables one shard may have; past it the last tail goes on growing and staged rows are copied.
inline constexpr size_t kTailsMax = 256;

/// Rowids and id bases beyond are damage, or someone's edit; two of them add up without overflow.
inline constexpr int64_t kIdMax = int64_t{1} << 61;

std::string tail_table(uint32_t number);
std::string create_tail_sql(uint32_t number);
/// The statement that appends a row; parameters in the order of the columns, id first.
std::string insert_sql(uint32_t number);
/// DROP and CREATE of the view `events` over the published tails.
std::string create_view_sql(const std::vector<TailInfo>& tails);

/// Creates everything in an empty file, in one transaction.
Status create(sqlite::Connection& connection, const CarriedOver& carried);
/// Within the caller's transaction: ids up to this one are given out, whatever rows are left.
Status save_last_id(sqlite::Connection& connection, int64_t last_id);
/// True when the file has no table at all.
Result<bool> is_empty(sqlite::Connection& connection);
/// Structure only (tables and indexes, never their contents): XX001 naming what is missing, 0A000
/// for an unknown version.
Status check(sqlite::Connection& connection);
/// Reads the committed rows and time range of the tail numbered `tail.number`.
Status load_tail(sqlite::Connection& connection, TailInfo& tail);
/// The published tails with their committed rows and time ranges, read through the indexes.
Result<ShardView> load_view(sqlite::Connection& connection);

}  // namespace eventd::engine::event_schema
