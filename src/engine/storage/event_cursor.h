// What the cursors over `events` share. Each next() is one or more slices: see DESIGN.md §6.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>

#include "clock.h"
#include "engine/limits.h"
#include "engine/storage/damaged_tail.h"
#include "engine/storage/event_scan.h"

namespace eventd::engine {

/// A row of the session's own as one of a tail. Borrows from `event`.
RawRow raw_row(const PendingEvent& event);

/// The batch, the counters, the end of a slice. One thread at a time.
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
    rows_given_ += decoder_.size();
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
  /// Rows of `file` are about to be read: null when it is so damaged that it can't be opened.
  Result<std::unique_ptr<ReadSlice>> open_slice(const std::shared_ptr<ShardFile>& file) {
    auto slice = ReadSlice::open(*state_->pool, file, state_->cancel);
    if (slice.ok()) return slice;
    Status status = std::move(slice).take_status();
    if (!is_damage(status)) return status;
    note_damage(*file, status);
    ++counters_.damaged_tails;
    return std::unique_ptr<ReadSlice>();
  }
  bool in_time(int64_t timestamp_ns) const {
    return state_->filter.time.overlaps(timestamp_ns, timestamp_ns);
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
  uint64_t rows_given_ = 0;  // in batches before this one
  bool slice_over_ = false;

 private:
  int64_t slice_end_ns_ = 0;
  uint64_t bytes_flushed_ = 0;
  uint32_t steps_ = 0;
};

/// Ordered, over tails of any number of files: holds one connection at a time.
std::unique_ptr<ScanCursor> make_files_merge(std::shared_ptr<EventScanState> state,
                                             const std::vector<EventMorsel>& tails);

}  // namespace eventd::engine
