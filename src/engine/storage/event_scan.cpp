#include "engine/storage/event_scan.h"

#include <algorithm>
#include <utility>

#include "engine/limits.h"
#include "engine/stats/registry.h"

namespace eventd::engine {
namespace {

// Rows of a table walked by one morsel: some milliseconds. Whole tails are cheaper, but with few rows
// all workers should have some.
constexpr int64_t kMorselRowsMin = 16'384, kMorselRowsMax = kTailRowsMax;
constexpr int64_t kMorselsWanted = 8;
// Below this share of a tail its timestamp index is asked where the rows are: cheaper than walking
// the table. A large tail is better walked by several workers.
constexpr double kIndexShareMax = 0.6, kIndexShareLargeMax = 0.3;
// The table is walked where it is known that of so many rows one is within the time.
constexpr double kWalkedPerRowMax = 2;

class EventScan : public Scan {
 public:
  explicit EventScan(std::shared_ptr<EventScanState> state) : state_(std::move(state)) {}
  Result<std::unique_ptr<ScanCursor>> open_worker() override { return make_event_worker(state_); }
  size_t partitions() const override {
    return state_->partitions.size() + (state_->reads_pending ? 1 : 0);
  }
  Result<std::unique_ptr<ScanCursor>> open_partition(size_t i) override {
    if (i >= partitions()) return Status(sqlstate::kInternalError, "no such partition of events");
    return make_event_partition(state_, i);
  }
  ScanCounters counters() const override {
    std::lock_guard lock(state_->counters_mutex);
    return state_->counters;
  }

 private:
  std::shared_ptr<EventScanState> state_;
};

void plan_columns(EventScanState& state, const ScanRequest& request) {
  for (const ScanColumn& wanted : request.columns) {
    DecodedColumn column;
    column.column = static_cast<EventColumn>(wanted.column);
    column.type = wanted.type.id;
    if (wanted.extract == ScanColumn::Extract::kText) {
      column.kind = DecodedColumn::Kind::kPathText;
      column.slot = state.slots.add(wanted.path);
    } else if (wanted.extract == ScanColumn::Extract::kJson) {
      column.kind = DecodedColumn::Kind::kPathJson;
      column.path = wanted.path;
    }
    state.stored_columns |= stored_column(column.column);
    state.columns.push_back(std::move(column));
  }
  state.stored_columns |= state.filter.stored_columns;
  state.needs_type = (state.stored_columns & stored::kEventType) != 0;
}

// Below this share of a tail its timestamp index is asked where the rows are: see above.
double index_share_max(const TailInfo& tail) {
  return tail.row_count > kTailRowsMax ? kIndexShareLargeMax : kIndexShareMax;
}

// `range` cut into pieces for the queue, as far as `spans` are in it.
void add_pieces(EventScanState& state, const ShardSnapshot& shard, TailRange range,
                const RowidSpan& span, int64_t morsel_rows) {
  for (int64_t first = span.first; first <= span.last; first += morsel_rows) {
    range.first_rowid = first;
    range.last_rowid = std::min(span.last, first + morsel_rows - 1);
    state.morsels.push_back({shard.file, range});
  }
}

// The parts of a tail with the sequences asked for. False when its times are the better way in.
bool add_found_morsels(EventScanState& state, const ShardSnapshot& shard, TailRange range,
                       int64_t morsel_rows) {
  const auto spans = sequence_spans(range.tail, state.sequences);
  if (!spans) return false;
  const double share = time_share(range.tail, state.filter.time);
  if (share < index_share_max(range.tail) &&
      static_cast<double>(row_count(*spans)) >
          share * static_cast<double>(range.tail.row_count)) {
    return false;
  }
  for (const RowidSpan& span : *spans) {
    range.notes_sequences = span.unknown;
    add_pieces(state, shard, range, span, morsel_rows);
  }
  return true;
}

// The tail cut into pieces for the queue.
void add_morsels(EventScanState& state, const ShardSnapshot& shard, const TailInfo& tail,
                 int64_t morsel_rows) {
  TailRange range{.tail = tail,
                  .first_rowid = tail.first_rowid,
                  .last_rowid = tail.last_rowid,
                  .time = state.filter.time};
  range.time_covers = state.filter.time.covers(tail.timestamp_min_ns, tail.timestamp_max_ns);
  if (tail.damaged) {
    // Its ids are not known: one piece, read around the damage.
    state.morsels.push_back({shard.file, range});
    return;
  }
  if (add_found_morsels(state, shard, range, morsel_rows)) return;
  const bool index_has_all = (state.stored_columns & ~stored::kTimestamp) == 0;
  const std::vector<RowidSpan> spans = time_spans(tail, state.filter.time);
  if (index_has_all || !walk_is_cheaper(tail, state.filter.time, spans)) {
    range.order = TailRange::Order::kTime;
    state.morsels.push_back({shard.file, range});
    return;
  }
  for (const RowidSpan& span : spans) {
    range.notes_times = span.unknown && tail.zones != nullptr;
    range.time_covers = span.covered;
    add_pieces(state, shard, range, span, morsel_rows);
  }
}

void plan_shard(EventScanState& state, const ShardSnapshot& shard, bool ordered, size_t partition,
                int64_t morsel_rows) {
  bool any = false;
  for (const TailInfo& tail : shard.view->tails) {
    if (tail.row_count == 0) continue;
    if (!state.filter.time.overlaps(tail.timestamp_min_ns, tail.timestamp_max_ns)) {
      ++state.counters.tails_skipped;
      continue;
    }
    std::optional<std::vector<RowidSpan>> spans;
    if (ordered) spans = sequence_spans(tail, state.sequences);
    if (spans && spans->empty()) {
      ++state.counters.tails_skipped;
      continue;
    }
    ++state.counters.tails_read;
    any = true;
    if (!ordered) {
      add_morsels(state, shard, tail, morsel_rows);
      continue;
    }
    TailRange range{.tail = tail,
                    .first_rowid = tail.first_rowid,
                    .last_rowid = tail.last_rowid,
                    .time = state.filter.time};
    if (spans) {
      range.first_rowid = spans->front().first;
      range.last_rowid = spans->back().last;
    }
    range.order =
        state.descending ? TailRange::Order::kTimeDescending : TailRange::Order::kTime;
    if (state.partitions.size() <= partition) state.partitions.resize(partition + 1);
    state.partitions[partition].push_back({shard.file, range});
  }
  ++(any ? state.counters.shards : state.counters.shards_skipped);
}

}  // namespace

void EventScanState::add(const ScanCounters& more) {
  static Counter& reused = stats().counter("storage.statements_reused");
  static Counter& prepared = stats().counter("storage.statements_prepared");
  static Counter& rows_read = stats().counter("storage.rows_read");
  reused.add(more.statements_reused);
  if (more.statements_prepared != 0) prepared.add(more.statements_prepared);
  rows_read.add(more.rows_read);
  std::lock_guard lock(counters_mutex);
  counters.rows_read += more.rows_read;
  counters.rows_returned += more.rows_returned;
  counters.bytes_decoded += more.bytes_decoded;
  counters.statements_reused += more.statements_reused;
  counters.statements_prepared += more.statements_prepared;
  counters.damaged_tails += more.damaged_tails;
}

std::optional<std::vector<RowidSpan>> sequence_spans(const TailInfo& tail,
                                                     const std::optional<SequenceQuery>& query) {
  // Of a damaged tail the rowids are not known.
  if (!query || !tail.zones || tail.damaged) return std::nullopt;
  return tail.zones->sequences.find(*query, tail.first_rowid, tail.last_rowid);
}

std::vector<RowidSpan> time_spans(const TailInfo& tail, const TimeRange& time) {
  std::vector<RowidSpan> spans;
  if (tail.zones) {
    spans = tail.zones->times.find(time, tail.first_rowid, tail.last_rowid);
  } else {
    spans.push_back({.first = tail.first_rowid, .last = tail.last_rowid, .unknown = true});
  }
  if (time.covers(tail.timestamp_min_ns, tail.timestamp_max_ns)) {
    for (RowidSpan& span : spans) span.covered = true;
  }
  return spans;
}

bool walk_is_cheaper(const TailInfo& tail, const TimeRange& time,
                     const std::vector<RowidSpan>& spans) {
  const double share = time_share(tail, time);
  if (share >= index_share_max(tail)) return true;
  const auto walked = static_cast<double>(row_count(spans));
  return walked <= kWalkedPerRowMax * share * static_cast<double>(tail.row_count) +
                       2 * TimeBlocks::kBlockRows;
}

double time_share(const TailInfo& tail, const TimeRange& time) {
  if (!time.overlaps(tail.timestamp_min_ns, tail.timestamp_max_ns)) return 0;
  if (time.covers(tail.timestamp_min_ns, tail.timestamp_max_ns)) return 1;
  const double width =
      static_cast<double>(tail.timestamp_max_ns) - static_cast<double>(tail.timestamp_min_ns) + 1;
  const double inside =
      static_cast<double>(std::min(tail.timestamp_max_ns, time.last_ns)) -
      static_cast<double>(std::max(tail.timestamp_min_ns, time.first_ns)) + 1;
  return std::clamp(inside / width, 0.0, 1.0);
}

Result<std::shared_ptr<EventScanState>> plan_event_scan(
    const ScanRequest& request, std::shared_ptr<const EventSnapshot> snapshot,
    std::shared_ptr<ReadPool> pool) {
  auto state = std::make_shared<EventScanState>();
  state->pool = std::move(pool);
  state->snapshot = std::move(snapshot);
  state->cancel = request.cancel;
  state->filter = compile_event_filter(request.predicates, state->slots);
  state->sequences = sequence_query(state->filter);
  plan_columns(*state, request);
  const bool ordered = request.order.has_value();
  state->descending = ordered && request.order->descending;
  if (request.partition_limit) state->limit = *request.partition_limit;
  // Fail closed: no rights, no rows.
  const bool visible = request.access && request.access->sees_everything();
  if (!visible || state->filter.never || state->limit == 0) return state;

  int64_t rows = 0;
  for (const ShardSnapshot& shard : state->snapshot->active) {
    for (const TailInfo& tail : shard.view->tails) rows += tail.row_count;
  }
  const int64_t morsel_rows = std::clamp(rows / kMorselsWanted, kMorselRowsMin, kMorselRowsMax);
  size_t partition = 0;
  for (const ShardSnapshot& shard : state->snapshot->active) {
    plan_shard(*state, shard, ordered, partition, morsel_rows);
    partition = state->partitions.size();
  }
  // Files nobody writes share one partition: it opens them only as the merge gets to their times.
  if (state->snapshot->historical) {
    for (const ShardSnapshot& shard : *state->snapshot->historical) {
      plan_shard(*state, shard, ordered, partition, morsel_rows);
    }
  }
  // A few rows, whichever: rather where each is one than where they have to be looked for.
  if (state->limit < kBatchRows) {
    std::stable_partition(state->morsels.begin(), state->morsels.end(),
                          [](const EventMorsel& morsel) { return morsel.range.time_covers; });
  }
  state->reads_pending = state->snapshot->pending && state->snapshot->pending->size() > 0;
  return state;
}

std::unique_ptr<Scan> make_event_scan(std::shared_ptr<EventScanState> state) {
  return std::make_unique<EventScan>(std::move(state));
}

}  // namespace eventd::engine
