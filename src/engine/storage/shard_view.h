// What readers see of a shard: immutable descriptions of its tails, replaced by each commit.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "engine/storage/reader_gate.h"

namespace eventd::engine {

/// One published tail table, events_<number>. A row's id in the shard is its rowid + id_base.
struct TailInfo {
  uint32_t number = 0;
  int64_t id_base = 0;
  int64_t row_count = 0;
  /// Of the committed rows. Ids that went to tails published in between are missing from the range.
  int64_t first_rowid = 1, last_rowid = 0;
  int64_t timestamp_min_ns = std::numeric_limits<int64_t>::max();
  int64_t timestamp_max_ns = std::numeric_limits<int64_t>::min();
};

/// The committed contents after one commit. Rows a tail gets later have a higher rowid.
struct ShardView {
  int64_t last_id = 0;
  std::vector<TailInfo> tails;
};

/// A shard's file as readers share it. Thread-safe: `view` through the commit latch, the rest is
/// constant or guards itself.
class ShardFile {
 public:
  ShardFile(std::string path, uint32_t index) : path_(std::move(path)), index_(index) {}
  const std::string& path() const { return path_; }
  /// Number among the active shards, or kHistorical.
  uint32_t index() const { return index_; }
  ReaderGate& gate() { return gate_; }

  /// REQUIRES: the set's commit latch is held.
  const std::shared_ptr<const ShardView>& view() const { return view_; }
  void set_view(std::shared_ptr<const ShardView> view) { view_ = std::move(view); }

  static constexpr uint32_t kHistorical = std::numeric_limits<uint32_t>::max();

 private:
  const std::string path_;
  const uint32_t index_;
  ReaderGate gate_;
  std::shared_ptr<const ShardView> view_;
};

/// Held while a commit becomes visible and while a snapshot is taken: all shards at one moment.
using CommitLatch = std::mutex;

}  // namespace eventd::engine
