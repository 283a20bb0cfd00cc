// All event shards of a data directory: those being written and older ones that are only read.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/scan/relation.h"
#include "engine/storage/shard.h"
#include "result.h"

namespace eventd::engine {

struct ShardSetOptions {
  std::string directory;  ///< <data_directory>/events
  uint32_t shard_count = 1;
  uint32_t page_size_bytes = 16'384;
  int64_t wal_size_limit_bytes = 64 << 20;
  uint32_t max_open_shards = 512;  ///< read connections, at least 1
  uint32_t statement_pool_size = 64;  ///< per read connection
};

/// An active file found unusable at start and renamed; a fresh one has its name.
struct QuarantinedShard {
  uint32_t index = 0;
  std::string path;    ///< where it lies now
  std::string reason;  ///< for the log and a synthetic.storage_error
};

/// A row of the caller's own transaction, not committed yet: its scans see it.
class PendingEvents;  // storage/pending_events.h

/// Owns the shards. Thread-safe but for shard(i)'s writer methods.
class ShardSet {
 public:
  static Result<std::unique_ptr<ShardSet>> open(const ShardSetOptions& options);
  ~ShardSet();

  uint32_t shard_count() const;
  /// Active shard i; writer methods belong to its writer thread.
  Shard& shard(uint32_t i);

  /// What is committed now, for all shards under one commit latch. `pending` (may be null) is added
  /// for the session's own uncommitted rows.
  std::shared_ptr<const Snapshot> snapshot(std::shared_ptr<const PendingEvents> pending = nullptr) const;

  /// `snapshot` (of this set) with the session's own uncommitted rows.
  static std::shared_ptr<const Snapshot> with_pending(const std::shared_ptr<const Snapshot>& snapshot,
                                                      std::shared_ptr<const PendingEvents> pending);

  /// Receipts of the files nobody writes, as far as they could be read at start.
  const std::vector<ReceiptRange>& historical_receipts() const;

  /// What open() had to set aside, for the caller to write synthetic.storage_error events.
  const std::vector<QuarantinedShard>& quarantined_at_start() const;

  /// Both live. `max_open_shards` bounds read connections, `wal_size_limit_bytes` each shard's WAL.
  void set_limits(uint32_t max_open_shards, int64_t wal_size_limit_bytes);
  /// Looks into the directory again: files copied in are read from now on, files taken away no more.
  Status rescan();
  /// Bytes of the file that hold something: (pages − free pages) × page size.
  Result<int64_t> used_bytes(const std::shared_ptr<ShardFile>& file) const;
  /// Takes event type, timestamp in ns and payload (msgpack; empty = NULL), borrowed until it returns.
  using RowVisitor = std::function<void(std::string_view, int64_t, ByteSpan)>;
  /// Calls `visit` for the rows `first_rowid` … `last_rowid` of tail table `number`, within one slice:
  /// ask for some thousand rows at most. Damaged rows are left out. REQUIRES: the caller keeps
  /// TailInfo::readers of the tail.
  Status visit_rows(const std::shared_ptr<ShardFile>& file, uint32_t number, int64_t first_rowid,
                    int64_t last_rowid, const RowVisitor& visit) const;
  /// Deletes rows older than `before_ns` from a file that nobody writes; files that are damaged or of
  /// an unknown version stay as they are. Ends early when `stop` is set. Returns the number of rows.
  /// One thread at a time.
  Result<uint64_t> expire_historical(const std::shared_ptr<ShardFile>& file, int64_t before_ns,
                                     const std::atomic<bool>& stop);

  /// Closes read connections unused for `idle_ns` or longer.
  void close_idle_connections(int64_t idle_ns);

  /// The relation `events` over these shards: spec sql.md "Relations". Valid as long as the set.
  const Relation& events_relation() const;

 private:
  struct Impl;
  explicit ShardSet(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace eventd::engine
