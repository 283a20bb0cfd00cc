// A scan over `events` being executed: what is read, and the queue its workers share.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "engine/scan/relation.h"
#include "engine/storage/event_filter.h"
#include "engine/storage/event_snapshot.h"
#include "engine/storage/read_pool.h"
#include "engine/storage/row_decoder.h"
#include "engine/storage/tail_zones.h"
#include "engine/storage/tail_reader.h"

namespace eventd::engine {

/// A part of one shard's tail.
struct EventMorsel {
  std::shared_ptr<ShardFile> file;
  TailRange range;
};

/// What the workers of a scan share. Immutable but for the queue and the counters; thread-safe.
struct EventScanState {
  std::shared_ptr<ReadPool> pool;
  std::shared_ptr<const EventSnapshot> snapshot;
  const CancelToken* cancel = nullptr;
  EventFilter filter;
  std::optional<SequenceQuery> sequences;  ///< of the filter
  PathSlots slots;
  std::vector<DecodedColumn> columns;
  uint32_t stored_columns = 0;
  bool needs_type = false;
  bool descending = false;
  uint64_t limit = std::numeric_limits<uint64_t>::max();  ///< rows of a partition or a worker

  /// Unordered: the queue. Ordered: one list a partition.
  std::vector<EventMorsel> morsels;
  std::vector<std::vector<EventMorsel>> partitions;
  bool reads_pending = false;  ///< unordered: after the morsels; ordered: the last partition

  std::atomic<size_t> next_morsel{0};
  std::atomic<bool> pending_taken{false};
  mutable std::mutex counters_mutex;
  ScanCounters counters;  // guarded by counters_mutex

  void add(const ScanCounters& more);
};

/// Makes the state of a scan. Errors: XX000 for a snapshot of another relation.
Result<std::shared_ptr<EventScanState>> plan_event_scan(
    const ScanRequest& request, std::shared_ptr<const EventSnapshot> snapshot,
    std::shared_ptr<ReadPool> pool);

/// Scan over such a state.
std::unique_ptr<Scan> make_event_scan(std::shared_ptr<EventScanState> state);

/// Cursors: event_cursor.cpp.
std::unique_ptr<ScanCursor> make_event_worker(std::shared_ptr<EventScanState> state);
std::unique_ptr<ScanCursor> make_event_partition(std::shared_ptr<EventScanState> state,
                                                 size_t partition);

/// Rowids of a tail that `query` leaves to be read; absent: the whole tail.
std::optional<std::vector<RowidSpan>> sequence_spans(const TailInfo& tail,
                                                     const std::optional<SequenceQuery>& query);

/// Rowids of a tail where rows of `time` may be; of what nobody knows all. REQUIRES: not damaged.
std::vector<RowidSpan> time_spans(const TailInfo& tail, const TimeRange& time);
/// Whether walking `spans` of the table beats finding the rows by the index of times.
bool walk_is_cheaper(const TailInfo& tail, const TimeRange& time,
                     const std::vector<RowidSpan>& spans);

/// Share of a tail's rows within `time`, supposing they are spread evenly.
double time_share(const TailInfo& tail, const TimeRange& time);

}  // namespace eventd::engine
