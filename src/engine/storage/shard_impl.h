// The inside of Shard, shared by its sources.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "engine/stats/registry.h"
#include "engine/storage/event_schema.h"
#include "engine/storage/zone_notes.h"
#include "engine/storage/shard.h"
#include "engine/storage/sqlite.h"

namespace eventd::engine {

/// Rows that no snapshot sees yet.
struct StagedTail {
  TailInfo info;
  sqlite::Statement insert;
  /// Set by stage_publish() in the open transaction.
  bool published = false;
};

/// A hostile emitter may invent types without end; past this they are no longer cached.
inline constexpr size_t kKnownTypesMax = 65'536;

/// Lets string_views look up std::strings without a copy.
struct TypeHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

/// Everything but the atomics belongs to the writer thread.
struct Shard::Impl {
  ShardOptions options;
  CarriedOver carried;              // for the next file that is made
  std::shared_ptr<ShardFile> file;  // replaced under the latch
  CommitLatch own_latch;
  CommitLatch* latch = nullptr;

  // Statements must go before the connection: declared after it.
  sqlite::Connection connection;
  sqlite::Statement begin, commit, rollback, insert_type;
  sqlite::Statement receipts_near, receipt_delete, receipt_insert;
  std::vector<std::pair<uint32_t, sqlite::Statement>> inserts;  // by tail number, the open ones

  // What the file will hold when the open transaction commits; equal to the published view between
  // transactions.
  ShardView working;
  size_t current = 0;  // index into working.tails of the tail that takes rows
  sqlite3_stmt* current_insert = nullptr;
  std::shared_ptr<const ShardView> published;
  size_t published_current = 0;
  uint64_t rows_in_transaction = 0;
  ZoneNotes zones;  // of rows written; flushed before they become visible
  uint32_t next_tail_number = 0;

  std::unordered_set<std::string, TypeHash, std::equal_to<>> known_types;
  std::vector<std::string> types_in_transaction;  // forgotten again by a rollback
  std::map<StagedTailId, StagedTail> staged;
  StagedTailId staged_lost_below = 0;  // they went with a file that was set aside
  bool relaxed_sync = false;  // commits go without an fsync; never within begin()…commit()
  struct Retired {
    uint32_t number;
    std::weak_ptr<const void> readers;
  };
  std::vector<Retired> retired;    // emptied, out of the view, perhaps in someone's snapshot
  std::vector<uint32_t> discards;  // tails to drop when no transaction is open
  int64_t discard_retry_ns = 0;    // monotonic; none is dropped before

  Counter& checkpoints = stats().counter("storage.checkpoints");
  Counter& wal_restarts = stats().counter("storage.wal_restarts");
  Counter& wal_restarts_blocked = stats().counter("storage.wal_restarts_blocked");

  uint64_t wal_pages = 0;               // after the last commit, from the WAL hook
  uint64_t wal_pages_checkpointed = 0;  // when the last checkpoint ran
  int64_t restart_retry_ns = 0;         // monotonic; no RESTART attempt before
  std::atomic<int64_t> wal_size_limit_bytes{0};
  int64_t journal_size_limit_bytes = 0;  // what the connection was told
  std::atomic<int64_t> committed_id{0};
  std::atomic<uint64_t> committed_rows{0};
  std::atomic<uint64_t> wal_bytes{0};

  uint64_t wal_frame_bytes = 0;
  /// Opens the file if it is not open: what every method that needs it begins with.
  Status ensure_connected();
  Status connect();
  Status try_connect();
  /// Forgets everything that hangs on the connection, and closes it.
  void disconnect();
  Status apply_wal_size_limit();
  Status unknown_stage(StagedTailId tail) const;

  Status prepare_statements();
  /// Takes `view`'s tails; continues in the first one that has room.
  void adopt(ShardView view);
  Status drop_unpublished();
  Status load_types();
  /// Moves on to a tail with room; makes a new table when there is none. REQUIRES: begun.
  Status next_tail();
  Status select_insert();
  int64_t tail_capacity(size_t index) const;
  Status remember_type(std::string_view type);
  /// Binds and runs one INSERT.
  Status insert(sqlite3_stmt* statement, int64_t rowid, const EventRow& row);
  void publish();
  void restore();
  Status recreate_view();
  /// PRAGMA synchronous = NORMAL or FULL. REQUIRES: no transaction.
  Status relax_sync(bool relaxed);
  struct RelaxedSync;
  void drop_discarded();

  Result<uint64_t> expire_one(int64_t before_ns);
  Result<uint64_t> expire_tail(size_t index, int64_t before_ns);
  void discard_retired();
  /// Checkpoints everything, so that the WAL begins anew. False when a reader is in the way.
  bool restart_wal();
  void checkpoint_passive();
};

/// Commits within its life needn't survive a power loss by themselves; a FULL one after them syncs the
/// WAL, and all of them are in front of it there.
struct Shard::Impl::RelaxedSync {
  explicit RelaxedSync(Impl& owner) : impl(owner) { (void)impl.relax_sync(true); }
  // A failure is met again, and reported, by the begin() of the next durable transaction.
  ~RelaxedSync() { (void)impl.relax_sync(false); }
  RelaxedSync(const RelaxedSync&) = delete;
  RelaxedSync& operator=(const RelaxedSync&) = delete;
  Impl& impl;
};

}  // namespace eventd::engine
