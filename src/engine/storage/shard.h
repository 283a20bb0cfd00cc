// One shard: a database file, its writing connection and what readers may see of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/storage/event_row.h"
#include "engine/storage/shard_view.h"
#include "guid.h"
#include "result.h"

namespace eventd::engine {
namespace sqlite {
class Connection;
}

/// A merged range of covered sequences of one (boot, epoch, cpu).
struct ReceiptRange {
  Guid boot_id;
  Guid epoch;
  uint16_t cpu_id = 0;
  uint64_t first = 0, last = 0;
};

/// What a new file takes from the one it replaces.
struct CarriedOver {
  int64_t last_id = 0;
  std::vector<ReceiptRange> receipts;
};

struct ShardOptions {
  std::string path;
  uint32_t index = 0;
  uint32_t page_size_bytes = 16'384;
  int64_t wal_size_limit_bytes = 64 << 20;
  /// Of the ShardSet, so that a snapshot sees all shards at one moment. Null = the shard's own.
  CommitLatch* commit_latch = nullptr;
  /// If the file does not exist yet.
  CarriedOver carried = {};
  /// Of the ShardSet, for quarantine(): closes idle read connections of the file ...
  std::function<void(const ShardFile& file)> close_readers = {};
  /// ... and takes the file that was set aside among those that are only read. Called with the
  /// commit latch held.
  std::function<void(std::shared_ptr<ShardFile> file, std::shared_ptr<const ShardView> view)>
      take_over = {};
};

/// What one call of Shard::expire() did.
struct ExpiryStep {
  uint64_t rows = 0;  ///< deleted
  bool more = false;  ///< rows as old are left
};

/// A transaction too large for one commit: rows go in chunks into an unpublished tail, each chunk
/// its own SQLite transaction, invisible until publish() (one row, inside a normal transaction).
/// Unpublished tails vanish at the next start.
using StagedTailId = int64_t;

/// The writing side of a shard. All methods but the committed_… ones belong to the shard's one
/// writer thread.
class Shard {
 public:
  /// Opens or creates the file. Structural damage or an unknown version is an error (XX001).
  static Result<std::unique_ptr<Shard>> open(const ShardOptions& options);
  ~Shard();

  Status begin();
  /// Appends to the current hot tail, moving on to the next when it is full. REQUIRES: begun.
  Status append(const EventRow& row);
  /// Merges `ranges` into the receipts table in this transaction.
  Status add_receipts(std::span<const ReceiptRange> ranges);
  /// The durability boundary (synchronous=FULL). When it returns OK the rows survive power loss and
  /// new snapshots see them. On failure the transaction is rolled back.
  Status commit();
  void rollback();

  /// stage_create() and stage_append() REQUIRE: not begun.
  Result<StagedTailId> stage_create();
  /// One chunk, committed on its own (not fsynced more than needed), still invisible. On failure
  /// nothing of the chunk is kept.
  Status stage_append(StagedTailId tail, std::span<const EventRow> rows);
  /// Within begin()…commit(): the staged rows become visible with this commit.
  Status stage_publish(StagedTailId tail);
  /// Any time; within a transaction the space is given back after it (checkpoint_if_due()).
  void stage_discard(StagedTailId tail);

  /// PASSIVE when the WAL has passed a few MB; RESTART behind the reader gate past the limit.
  /// Call between batches.
  void checkpoint_if_due();
  /// True when checkpoint_if_due() would do something.
  bool checkpoint_due() const;

  /// Deletes rows older than `before_ns` in a transaction of its own, one bounded piece (a whole tail,
  /// or some thousand rows): call until nothing is left. Snapshots taken before miss them from now on;
  /// their ids are never given to others. REQUIRES: not begun.
  Result<ExpiryStep> expire(int64_t before_ns);

  /// Sets the file aside because it is damaged: database, WAL and shm are renamed together to
  /// shard-NNNN.corrupt-<time>.db, where they go on being read as far as SQLite can, and a fresh file
  /// takes the old name; ids go on above. Staged tails are lost: their next use is an error (58030).
  /// REQUIRES: not begun. OK once the fresh file is there; else the shard has no file, what is written
  /// fails, and begin() and stage_create() try again to open it.
  Status quarantine(const Error& why);

  /// The highest sequence a receipt covers, 0 if none: SQL rows (cpu_id 32768 + index) go on after
  /// it.
  Result<uint64_t> last_sequence(const Guid& boot_id, const Guid& epoch, uint16_t cpu_id);
  Result<std::vector<ReceiptRange>> receipts();

  /// The writing connection, for maintenance. Writer thread, not begun. Another one (or none: null)
  /// after quarantine().
  sqlite::Connection& connection();

  const std::string& path() const;
  uint32_t index() const;
  /// Last id of the last commit. Any thread.
  int64_t committed_id() const;
  /// Rows ever committed through this object. Any thread.
  uint64_t committed_rows() const;
  /// Bytes in the WAL after the last commit. Any thread.
  uint64_t wal_bytes() const;
  /// Lets the file grow to `pages` at most, as a full disk would: for tests. Writer thread.
  Status limit_pages_for_test(int64_t pages);
  /// What readers share of this shard; quarantine() replaces it. The writer thread, or whoever holds
  /// the commit latch.
  const std::shared_ptr<ShardFile>& file() const;
  /// A reader has met damage in the file: quarantine() is due. Writer thread.
  bool damage_reported() const;
  /// Takes effect with the next checkpoint_if_due(). Any thread.
  void set_wal_size_limit(int64_t bytes);

 private:
  struct Impl;
  explicit Shard(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace eventd::engine
