// Merging tails of many files by time with one connection open at a time: rows are copied in pieces.
#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/storage/event_cursor.h"

namespace eventd::engine {
namespace {

// A piece: few rows at first, so that a LIMIT reads few.
constexpr size_t kPieceRowsMin = 16, kPieceRowsMax = 512;
// Of all pieces together, and at least so much of each.
constexpr size_t kPiecesBytesMax = size_t{64} << 20, kPieceBytesMin = size_t{4} << 10;

/// A row with bytes of its own.
struct CopiedRow {
  explicit CopiedRow(const RawRow& from) : row(from) {
    constexpr size_t kGuidBytes = 16;
    bytes.reset(new uint8_t[4 * kGuidBytes + from.event_type.size() + from.payload.size()]);
    uint8_t* at = bytes.get();
    const auto copy = [&at](const void* source, size_t size) {
      if (size != 0) std::memcpy(at, source, size);
      at += size;
      return at - size;
    };
    for (const uint8_t*& guid : row.guids) guid = guid ? copy(guid, kGuidBytes) : nullptr;
    row.event_type = {reinterpret_cast<const char*>(
                          copy(from.event_type.data(), from.event_type.size())),
                      from.event_type.size()};
    row.payload = {copy(from.payload.data(), from.payload.size()), from.payload.size()};
  }
  size_t size() const { return sizeof *this + row.event_type.size() + row.payload.size(); }
  RawRow row;
  std::unique_ptr<uint8_t[]> bytes;
};

/// Files nobody writes share one partition. A tail is opened when the merge reaches its times.
class FilesMerge : public EventCursor {
 public:
  FilesMerge(std::shared_ptr<EventScanState> state, const std::vector<EventMorsel>& tails)
      : EventCursor(std::move(state)) {
    for (const EventMorsel& tail : tails) unopened_.push_back(&tail);
    // The next to open comes last.
    std::sort(unopened_.begin(), unopened_.end(), [this](const auto* a, const auto* b) {
      return state_->descending ? bound(*a) < bound(*b) : bound(*a) > bound(*b);
    });
  }

 protected:
  bool at_end() const override {
    return returned_ >= state_->limit || (unopened_.empty() && sources_.empty());
  }
  uint64_t rows_left_max() const override {
    return state_->limit - std::min(state_->limit, returned_);
  }

  Status fill() override {
    while (!decoder_.full() && returned_ < state_->limit) {
      RETURN_IF_ERROR(open_due());
      if (sources_.empty()) break;
      std::pop_heap(sources_.begin(), sources_.end(), after());
      Source& best = *sources_.back();
      if (offer(best.head())) ++returned_;
      if (++best.at == best.rows.size()) {
        if (Status status = refill(best); !status.ok()) return status;
      }
      if (best.rows.empty()) {
        sources_.pop_back();
      } else {
        std::push_heap(sources_.begin(), sources_.end(), after());
      }
      if (slice_over()) break;
    }
    return {};
  }

  void end_slice() override {}

 private:
  struct Source {
    Source(const EventMorsel& tail, uint32_t columns) : file(tail.file), reader(tail.range, columns) {}
    const RawRow& head() const { return rows[at].row; }
    int64_t id() const { return head().rowid + reader.range().tail.id_base; }
    std::shared_ptr<ShardFile> file;
    TailReader reader;
    std::vector<CopiedRow> rows;
    size_t at = 0;
    size_t rows_wanted = kPieceRowsMin;
  };
  struct After {
    bool descending;
    bool operator()(const std::unique_ptr<Source>& a, const std::unique_ptr<Source>& b) const {
      const int64_t time_a = a->head().timestamp_ns, time_b = b->head().timestamp_ns;
      if (time_a != time_b) return descending ? time_a < time_b : time_a > time_b;
      if (a->file != b->file) return a->file->opened_path() > b->file->opened_path();
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
        const int64_t head = sources_.front()->head().timestamp_ns;
        const int64_t due = bound(*unopened_.back());
        if (state_->descending ? due < head : due > head) return {};
      }
      auto source = std::make_unique<Source>(*unopened_.back(), state_->stored_columns);
      unopened_.pop_back();
      RETURN_IF_ERROR(refill(*source));
      if (source->rows.empty()) continue;
      sources_.push_back(std::move(source));
      std::push_heap(sources_.begin(), sources_.end(), after());
      if (state_->cancel) RETURN_IF_ERROR(state_->cancel->check());
    }
    return {};
  }

  // The next piece of a source; none at its end.
  Status refill(Source& source) {
    source.rows.clear();
    source.at = 0;
    if (source.reader.finished()) return {};
    ASSIGN_OR_RETURN(const auto slice, open_slice(source.file));
    if (!slice) return {};
    const size_t bytes_max = std::max(kPieceBytesMin, kPiecesBytesMax / (sources_.size() + 1));
    size_t bytes = 0;
    RETURN_IF_ERROR(source.reader.start(slice->connection(), counters_));
    RawRow row;
    while (source.rows.size() < source.rows_wanted && bytes < bytes_max) {
      auto more = source.reader.step(row);
      if (!more.ok()) {
        source.reader.stop();
        return std::move(more).take_status();
      }
      if (!*more) break;
      bytes += source.rows.emplace_back(row).size();
      source.reader.consume();
    }
    source.reader.stop();
    source.rows_wanted = std::min(source.rows_wanted * 4, kPieceRowsMax);
    return {};
  }

  std::vector<const EventMorsel*> unopened_;
  std::vector<std::unique_ptr<Source>> sources_;  // a heap
  uint64_t returned_ = 0;
};

}  // namespace

std::unique_ptr<ScanCursor> make_files_merge(std::shared_ptr<EventScanState> state,
                                             const std::vector<EventMorsel>& tails) {
  return std::make_unique<FilesMerge>(std::move(state), tails);
}

}  // namespace eventd::engine
