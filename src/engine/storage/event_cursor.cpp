#include "engine/storage/event_cursor.h"

#include "engine/storage/zone_notes.h"
#include "engine/storage/tail_collector.h"

namespace eventd::engine {

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

namespace {

/// Unordered: takes morsels from the scan's queue.
class EventWorker : public EventCursor, private RowSink {
 public:
  using EventCursor::EventCursor;

 protected:
  bool at_end() const override { return done_ || rows_given_ >= state_->limit; }
  uint64_t rows_left_max() const override {
    return state_->limit - std::min(state_->limit, rows_given_);
  }

  Status fill() override {
    while (!decoder_.full()) {
      if (!reader_ && !around_ && !take_morsel()) break;
      if (!slice_ || slice_->file() != file_) {
        slice_.reset();
        ASSIGN_OR_RETURN(slice_, open_slice(file_));
        if (!slice_) {
          reader_.reset();
          around_.reset();
          continue;
        }
      }
      RETURN_IF_ERROR(reader_ ? read() : Status());
      if (around_ && !decoder_.full()) RETURN_IF_ERROR(read_around());
      if (reader_ || around_) return {};
    }
    if (!reader_ && !around_ && !decoder_.full()) read_pending();
    return {};
  }

  void end_slice() override {
    if (around_) around_->stop();
    slice_.reset();
  }

 private:
  // One run of the collector. On damage the morsel goes on as around_, without what the run gave.
  Status read() {
    const uint32_t size = decoder_.size();
    const ScanCounters counters = counters_;
    Status status = reader_->run(slice_->connection(), *this, counters_);
    if (is_damage(status)) {
      note_damage(*file_, status);
      decoder_.truncate(size);
      counters_ = counters;
      notes_.flush();
      around_ = std::make_unique<TailReader>(reader_->range(), state_->stored_columns);
      around_->read_around(reader_->position());
      reader_.reset();
      return {};
    }
    if (status.ok() && reader_->finished()) {
      note_known(reader_->range(), reader_->range().last_rowid);
      reader_.reset();
    } else if (status.ok()) {
      note_known(reader_->range(), reader_->position().rowid);
    }
    return status;
  }

  // The rows of the range up to `last_rowid` have been read.
  void note_known(const TailRange& range, int64_t last_rowid) {
    if (!range.notes_sequences && !range.notes_times) return;
    notes_.flush();
    if (range.notes_sequences) range.tail.zones->sequences.set_known(range.first_rowid, last_rowid);
    if (range.notes_times) range.tail.zones->times.set_known(range.first_rowid, last_rowid);
  }

  Status read_around() {
    RETURN_IF_ERROR(around_->start(slice_->connection(), counters_));
    while (!decoder_.full()) {
      ASSIGN_OR_RETURN(const bool more, around_->step(row_));
      if (!more) {
        around_.reset();
        return {};
      }
      offer(row_);
      around_->consume();
      if (slice_over()) break;
    }
    around_->stop();
    return {};
  }

  bool take(sqlite3_value** values) override {
    const bool inside = reader_->fetch(values, row_);
    const TailRange& range = reader_->range();
    if (range.notes_sequences) notes_.add_sequence(range.tail.zones, row_);
    if (range.notes_times) notes_.add_time(range.tail.zones, row_);
    if (inside) offer(row_);
    return decoder_.full() || slice_over();
  }

  bool take_morsel() {
    const size_t i = state_->next_morsel.fetch_add(1, std::memory_order_relaxed);
    if (i >= state_->morsels.size()) return false;
    file_ = state_->morsels[i].file;
    if (state_->morsels[i].range.tail.damaged) {
      around_ = std::make_unique<TailReader>(state_->morsels[i].range, state_->stored_columns);
      around_->read_around({});
      return true;
    }
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
      if (in_time(event.timestamp_ns)) offer(raw_row(event));
    }
    done_ = pending_at_ == pending_.size();
  }

  std::unique_ptr<ReadSlice> slice_;
  // Of the morsel being read, one of them.
  std::unique_ptr<TailCollector> reader_;
  std::unique_ptr<TailReader> around_;
  RawRow row_;
  ZoneNotes notes_;
  std::shared_ptr<ShardFile> file_;
  std::vector<const PendingEvent*> pending_;
  size_t pending_at_ = 0;
  bool has_pending_ = false, done_ = false;
};

}  // namespace

std::unique_ptr<ScanCursor> make_event_worker(std::shared_ptr<EventScanState> state) {
  return std::make_unique<EventWorker>(std::move(state));
}

}  // namespace eventd::engine
