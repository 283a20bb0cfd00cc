// What readers see of a shard: immutable descriptions of its tails, replaced by each commit.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "engine/storage/reader_gate.h"

namespace eventd::engine {

struct TailZones;

/// One published tail table, events_<number>. A row's id in the shard is its rowid + id_base.
struct TailInfo {
  uint32_t number = 0;
  int64_t id_base = 0;
  int64_t row_count = 0;
  /// Of the committed rows. Ids that went to tails published in between are missing from the range.
  int64_t first_rowid = 1, last_rowid = 0;
  int64_t timestamp_min_ns = std::numeric_limits<int64_t>::max();
  int64_t timestamp_max_ns = std::numeric_limits<int64_t>::min();
  /// The ranges could not be read and are the widest there are; row_count says only that there may
  /// be rows.
  bool damaged = false;
  /// What is known of where things lie in it; null = nothing.
  std::shared_ptr<TailZones> zones = {};
  /// Of a table that may be dropped: lives as long as someone may read it. Null for the fixed ones.
  std::shared_ptr<const void> readers = {};
};

/// The committed contents after one commit. Rows a tail gets later have a higher rowid.
struct ShardView {
  int64_t last_id = 0;
  std::vector<TailInfo> tails;
};

/// A shard's file as readers share it. Stays the same object when the file is set aside (renamed):
/// snapshots taken before go on reading it. Thread-safe: `view` through the commit latch, the rest
/// is constant or guards itself.
class ShardFile {
 public:
  ShardFile(std::string path, uint32_t index)
      : opened_path_(std::move(path)), index_(index), path_(opened_path_) {}
  /// Where the file lies now. Stays true while the caller is inside the gate.
  std::string path() const {
    std::lock_guard lock(path_mutex_);
    return path_;
  }
  /// The path it was first opened under: orders files, and never changes.
  const std::string& opened_path() const { return opened_path_; }
  /// Number among the active shards, or kHistorical; of a file that was set aside, what it was.
  uint32_t index() const { return index_; }
  ReaderGate& gate() { return gate_; }

  /// A reader met a damaged page (SQLITE_CORRUPT, SQLITE_NOTADB). The writer of an active file looks
  /// at it between batches and sets the file aside: Shard::quarantine().
  void report_damage() { damage_reported_.store(true, std::memory_order_relaxed); }
  bool damage_reported() const { return damage_reported_.load(std::memory_order_relaxed); }
  /// True for the first caller: damage met by readers is logged once a file.
  bool first_to_log_damage() { return !damage_logged_.exchange(true, std::memory_order_relaxed); }

  /// Damaged, or of an unknown version: it is read, but not even retention changes it.
  void forbid_writes() { may_write_.store(false, std::memory_order_relaxed); }
  bool may_write() const { return may_write_.load(std::memory_order_relaxed) && !damage_reported(); }

  /// After a rename. REQUIRES: the gate is closed.
  void set_path(std::string path) {
    std::lock_guard lock(path_mutex_);
    path_ = std::move(path);
  }

  /// REQUIRES: the set's commit latch is held.
  const std::shared_ptr<const ShardView>& view() const { return view_; }
  void set_view(std::shared_ptr<const ShardView> view) { view_ = std::move(view); }

  static constexpr uint32_t kHistorical = std::numeric_limits<uint32_t>::max();

 private:
  const std::string opened_path_;
  const uint32_t index_;
  ReaderGate gate_;
  std::atomic<bool> damage_reported_{false}, damage_logged_{false};
  std::atomic<bool> may_write_{true};
  mutable std::mutex path_mutex_;
  std::string path_;  // guarded by path_mutex_
  std::shared_ptr<const ShardView> view_;
};

/// Held while a commit becomes visible and while a snapshot is taken: all shards at one moment.
using CommitLatch = std::mutex;

}  // namespace eventd::engine
