// The cursors of an ordered scan: tails merged by (timestamp, id).
#include <algorithm>
#include <utility>

#include "engine/storage/event_cursor.h"

namespace eventd::engine {
namespace {

/// Ordered: merges tails of one file by (timestamp, id). A tail is opened when the merge reaches its times, so
/// that the last N rows touch the newest tail only.
class EventMerge : public EventCursor {
 public:
  EventMerge(std::shared_ptr<EventScanState> state, const std::vector<EventMorsel>& tails)
      : EventCursor(std::move(state)), file_(tails.front().file) {
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
  uint64_t rows_left_max() const override {
    const uint64_t left = state_->limit - std::min(state_->limit, returned_);
    if (returned_ > 0 || left > kBatchRows) return left;
    // Most often each partition has about its share of the first rows.
    const uint64_t share = left / state_->partitions.size();
    return std::min(left, share + left / 10 + 4);
  }

  Status fill() override {
    ASSIGN_OR_RETURN(slice_, open_slice(file_));
    if (!slice_) {
      unopened_.clear();
      sources_.clear();
      return {};
    }
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
    slice_.reset();
  }

 private:
  struct Source {
    Source(const EventMorsel& tail, uint32_t columns) : reader(tail.range, columns) {}
    int64_t id() const { return row.rowid + reader.range().tail.id_base; }
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
      return descending ? a->id() < b->id() : a->id() > b->id();
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
    RETURN_IF_ERROR(source.reader.start(slice_->connection(), counters_));
    return step(source);
  }

  static Status step(Source& source) {
    auto more = source.reader.step(source.row);
    return more.ok() ? Status() : std::move(more).take_status();
  }

  std::vector<const EventMorsel*> unopened_;
  std::vector<std::unique_ptr<Source>> sources_;  // a heap during fill()
  const std::shared_ptr<ShardFile> file_;
  std::unique_ptr<ReadSlice> slice_;
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
      if (in_time(event.timestamp_ns) && offer(raw_row(event))) ++returned_;
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

std::unique_ptr<ScanCursor> make_event_partition(std::shared_ptr<EventScanState> state,
                                                 size_t partition) {
  if (partition >= state->partitions.size()) return std::make_unique<PendingMerge>(std::move(state));
  const std::vector<EventMorsel>& tails = state->partitions[partition];
  const bool one_file = std::all_of(tails.begin(), tails.end(), [&](const EventMorsel& tail) {
    return tail.file == tails.front().file;
  });
  if (!one_file) return make_files_merge(std::move(state), tails);
  return std::make_unique<EventMerge>(std::move(state), tails);
}

}  // namespace eventd::engine
