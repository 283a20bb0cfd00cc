// The cursors of a scan over `events`. Each next() is one or more slices: see DESIGN.md §6.
#include <algorithm>
#include <utility>

#include "clock.h"
#include "engine/limits.h"
#include "engine/storage/event_scan.h"
#include "engine/storage/tail_collector.h"

namespace eventd::engine {
namespace {

RawRow raw_row(const PendingEvent& event) {
  RawRow row;
  row.timestamp_ns = event.timestamp_ns;
  row.event_type = event.event_type;
  row.nulls = stored::kCpuId | stored::kSequence;
  if (event.origin_class) {
    row.origin_class = *event.origin_class;
  } else {
    row.nulls |= stored::kOriginClass;
  }
  row.guids[0] = event.process_guid ? event.process_guid->bytes.data() : nullptr;
  row.guids[1] = event.effective_token_guid ? event.effective_token_guid->bytes.data() : nullptr;
  row.guids[2] = event.true_token_guid ? event.true_token_guid->bytes.data() : nullptr;
  row.guids[3] = event.boot_id.bytes.data();
  row.payload = as_bytes(event.payload);
  if (row.payload.empty()) row.nulls |= stored::kPayload;
  return row;
}

// What both kinds of cursor share: the batch, the counters, the end of a slice.
class EventCursor : public ScanCursor {
 public:
  explicit EventCursor(std::shared_ptr<EventScanState> state)
      : state_(std::move(state)),
        decoder_(state_->columns, state_->filter, state_->slots, state_->needs_type) {}

  Result<bool> next(Batch& batch) override {
    decoder_.begin(static_cast<uint32_t>(std::min<uint64_t>(kBatchRows, rows_left_max())));
    while (!at_end() && !decoder_.full()) {
      if (state_->cancel) RETURN_IF_ERROR(state_->cancel->check());
      slice_end_ns_ = Clock::system().monotonic_ns() + kScanSliceNs;
      Status status = fill();
      end_slice();
      flush_counters();
      if (!status.ok()) {
        // The interruption came from the token: say what it says.
        if (status.error().code == sqlstate::kQueryCanceled && state_->cancel) {
          RETURN_IF_ERROR(state_->cancel->check());
        }
        return status;
      }
      if (decoder_.size() > 0 && slice_over_) break;
    }
    if (decoder_.size() == 0) return false;
    batch = decoder_.take();
    return true;
  }

 protected:
  virtual bool at_end() const = 0;
  virtual uint64_t rows_left_max() const { return kBatchRows; }
  /// Fills the batch until it is full, the slice is over or nothing is left.
  virtual Status fill() = 0;
  /// Gives back everything of SQLite's.
  virtual void end_slice() = 0;

  bool slice_over() {
    if ((++steps_ & 255) != 0) return slice_over_ = false;
    return slice_over_ = Clock::system().monotonic_ns() >= slice_end_ns_ ||
                         (state_->cancel && state_->cancel->cancelled());
  }
  bool offer(const RawRow& row) {
    ++counters_.rows_read;
    const bool taken = decoder_.offer(row);
    counters_.rows_returned += taken;
    return taken;
  }
  void flush_counters() {
    counters_.bytes_decoded = decoder_.bytes_decoded() - bytes_flushed_;
    bytes_flushed_ = decoder_.bytes_decoded();
    state_->add(counters_);
    counters_ = {};
  }

  std::shared_ptr<EventScanState> state_;
  RowDecoder decoder_;
  ScanCounters counters_;
  bool slice_over_ = false;

 private:
  int64_t slice_end_ns_ = 0;
  uint64_t bytes_flushed_ = 0;
  uint32_t steps_ = 0;
};

bool in_time(const EventScanState& state, int64_t timestamp_ns) {
  return state.filter.time.overlaps(timestamp_ns, timestamp_ns);
}

/// Unordered: takes morsels from the scan's queue.
class EventWorker : public EventCursor, private RowSink {
 public:
  using EventCursor::EventCursor;

 protected:
  bool at_end() const override { return done_; }

  Status fill() override {
    while (!decoder_.full()) {
      if (!reader_ && !take_morsel()) break;
      if (!slice_ || slice_->file() != file_) {
        slice_.reset();
        ASSIGN_OR_RETURN(slice_, ReadSlice::open(*state_->pool, file_, state_->cancel));
      }
      RETURN_IF_ERROR(reader_->run(slice_->connection(), *this, counters_));
      if (!reader_->finished()) return {};
      reader_.reset();
    }
    if (!reader_ && !decoder_.full()) read_pending();
    return {};
  }

  void end_slice() override { slice_.reset(); }

 private:
  bool take(sqlite3_value** values) override {
    if (reader_->fetch(values, row_)) offer(row_);
    return decoder_.full() || slice_over();
  }

  bool take_morsel() {
    const size_t i = state_->next_morsel.fetch_add(1, std::memory_order_relaxed);
    if (i >= state_->morsels.size()) return false;
    file_ = state_->morsels[i].file;
    reader_ = std::make_unique<TailCollector>(state_->morsels[i].range, state_->stored_columns);
    return true;
  }

  void read_pending() {
    if (!has_pending_) {
      has_pending_ = true;
      if (state_->reads_pending && !state_->pending_taken.exchange(true)) {
        pending_ = state_->snapshot->pending->all();
      }
    }
    while (pending_at_ < pending_.size() && !decoder_.full()) {
      const PendingEvent& event = *pending_[pending_at_++];
      if (in_time(*state_, event.timestamp_ns)) offer(raw_row(event));
    }
    done_ = pending_at_ == pending_.size();
  }

  std::unique_ptr<ReadSlice> slice_;
  std::unique_ptr<TailCollector> reader_;
  RawRow row_;
  std::shared_ptr<ShardFile> file_;
  std::vector<const PendingEvent*> pending_;
  size_t pending_at_ = 0;
  bool has_pending_ = false, done_ = false;
};

/// Ordered: merges tails by (timestamp, id). A tail is opened when the merge reaches its times, so
/// that the last N rows touch the newest tail only.
class EventMerge : public EventCursor {
 public:
  EventMerge(std::shared_ptr<EventScanState> state, const std::vector<EventMorsel>& tails)
      : EventCursor(std::move(state)) {
    for (const EventMorsel& tail : tails) unopened_.push_back(&tail);
    // The next to open comes last.
    std::sort(unopened_.begin(), unopened_.end(), [this](const auto* a, const auto* b) {
      return state_->descending ? bound(*a) < bound(*b) : bound(*a) > bound(*b);
    });
  }
  ~EventMerge() override { EventMerge::end_slice(); }

 protected:
  bool at_end() const override {
    return returned_ >= state_->limit || (unopened_.empty() && sources_.empty());
  }
  uint64_t rows_left_max() const override { return state_->limit - std::min(state_->limit, returned_); }

  Status fill() override {
    for (size_t i = 0; i < sources_.size(); ++i) RETURN_IF_ERROR(start(*sources_[i]));
    std::erase_if(sources_, [](const auto& source) { return source->reader.finished(); });
    std::make_heap(sources_.begin(), sources_.end(), after());
    while (!decoder_.full() && returned_ < state_->limit) {
      RETURN_IF_ERROR(open_due());
      if (sources_.empty()) break;
      Source& best = *sources_.front();
      const bool alone = sources_.size() == 1;
      if (offer(best.row)) ++returned_;
      best.reader.consume();
      if (decoder_.full() || returned_ >= state_->limit || slice_over()) return {};
      // With one source there is no heap to keep.
      if (!alone) std::pop_heap(sources_.begin(), sources_.end(), after());
      Source& stepped = *sources_.back();
      RETURN_IF_ERROR(step(stepped));
      if (stepped.reader.finished()) {
        sources_.pop_back();
      } else if (!alone) {
        std::push_heap(sources_.begin(), sources_.end(), after());
      }
    }
    return {};
  }

  void end_slice() override {
    // A row that was stepped to but not consumed is read again by the next slice.
    for (auto& source : sources_) source->reader.stop();
    std::erase_if(sources_, [](const auto& source) { return source->reader.finished(); });
    slices_.clear();
  }

 private:
  struct Source {
    Source(const EventMorsel& tail, uint32_t columns) : file(tail.file), reader(tail.range, columns) {}
    std::shared_ptr<ShardFile> file;
    TailReader reader;
    RawRow row;
  };
  struct After {
    bool descending;
    bool operator()(const std::unique_ptr<Source>& a, const std::unique_ptr<Source>& b) const {
      if (a->row.timestamp_ns != b->row.timestamp_ns) {
        return descending ? a->row.timestamp_ns < b->row.timestamp_ns
                          : a->row.timestamp_ns > b->row.timestamp_ns;
      }
      if (a->file != b->file) return a->file->opened_path() > b->file->opened_path();
      const int64_t ida = a->row.rowid + a->reader.range().tail.id_base;
      const int64_t idb = b->row.rowid + b->reader.range().tail.id_base;
      return descending ? ida < idb : ida > idb;
    }
  };
  After after() const { return {state_->descending}; }
  int64_t bound(const EventMorsel& tail) const {
    return state_->descending ? tail.range.tail.timestamp_max_ns : tail.range.tail.timestamp_min_ns;
  }

  Status open_due() {
    while (!unopened_.empty()) {
      if (!sources_.empty()) {
        const int64_t head = sources_.front()->row.timestamp_ns;
        const int64_t due = bound(*unopened_.back());
        if (state_->descending ? due < head : due > head) return {};
      }
      auto source = std::make_unique<Source>(*unopened_.back(), state_->stored_columns);
      unopened_.pop_back();
      sources_.push_back(std::move(source));
      if (Status status = start(*sources_.back()); !status.ok()) return status;
      if (sources_.back()->reader.finished()) {
        sources_.pop_back();
      } else {
        std::push_heap(sources_.begin(), sources_.end(), after());
      }
    }
    return {};
  }

  Status start(Source& source) {
    ReadSlice* slice = nullptr;
    for (const auto& open : slices_) {
      if (open->file() == source.file) slice = open.get();
    }
    if (!slice) {
      ASSIGN_OR_RETURN(auto opened, ReadSlice::open(*state_->pool, source.file, state_->cancel));
      slice = opened.get();
      slices_.push_back(std::move(opened));
    }
    RETURN_IF_ERROR(source.reader.start(slice->connection(), counters_));
    return step(source);
  }

  static Status step(Source& source) {
    auto more = source.reader.step(source.row);
    return more.ok() ? Status() : std::move(more).take_status();
  }

  std::vector<const EventMorsel*> unopened_;
  std::vector<std::unique_ptr<Source>> sources_;  // a heap during fill()
  std::vector<std::unique_ptr<ReadSlice>> slices_;
  uint64_t returned_ = 0;
};

/// Ordered: the session's own rows.
class PendingMerge : public EventCursor {
 public:
  explicit PendingMerge(std::shared_ptr<EventScanState> state) : EventCursor(std::move(state)) {
    rows_ = state_->snapshot->pending->all();
    std::stable_sort(rows_.begin(), rows_.end(), [](const auto* a, const auto* b) {
      return a->timestamp_ns < b->timestamp_ns;
    });
    // Ties come in commit order, reversed when descending.
    if (state_->descending) std::reverse(rows_.begin(), rows_.end());
  }

 protected:
  bool at_end() const override { return at_ == rows_.size() || returned_ >= state_->limit; }
  uint64_t rows_left_max() const override { return state_->limit - std::min(state_->limit, returned_); }
  Status fill() override {
    while (!at_end() && !decoder_.full()) {
      const PendingEvent& event = *rows_[at_++];
      if (in_time(*state_, event.timestamp_ns) && offer(raw_row(event))) ++returned_;
    }
    return {};
  }
  void end_slice() override {}

 private:
  std::vector<const PendingEvent*> rows_;
  size_t at_ = 0;
  uint64_t returned_ = 0;
};

}  // namespace

std::unique_ptr<ScanCursor> make_event_worker(std::shared_ptr<EventScanState> state) {
  return std::make_unique<EventWorker>(std::move(state));
}

std::unique_ptr<ScanCursor> make_event_partition(std::shared_ptr<EventScanState> state,
                                                 size_t partition) {
  if (partition >= state->partitions.size()) return std::make_unique<PendingMerge>(std::move(state));
  const std::vector<EventMorsel>& tails = state->partitions[partition];
  return std::make_unique<EventMerge>(std::move(state), tails);
}

}  // namespace eventd::engine
