// Turns stored rows into columns.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/limits.h"
#include "engine/scan/relation.h"
#include "engine/storage/event_columns.h"
#include "engine/storage/event_filter.h"
#include "engine/vector/vector.h"

namespace eventd::engine {

/// How one output column is made. Immutable, shared by the workers of a scan.
struct DecodedColumn {
  enum class Kind : uint8_t { kStored, kPathText, kPathJson } kind = Kind::kStored;
  EventColumn column = EventColumn::kTimestamp;
  Oid type = 0;
  size_t slot = 0;                ///< kPathText
  std::vector<std::string> path;  ///< kPathJson
};

/// Tests rows and collects those that pass. One per cursor, one thread at a time. Event types are
/// given ids that stay the same for the cursor's batches, so that their tests run once a type.
class RowDecoder {
 public:
  RowDecoder(const std::vector<DecodedColumn>& columns, const EventFilter& filter,
             const PathSlots& slots, bool needs_type);

  /// Starts a batch with room for `rows_max` (<= kBatchRows) rows.
  void begin(uint32_t rows_max);
  /// No room for more rows, or enough bytes for one batch.
  bool full() const { return size_ == rows_max_ || batch_bytes_ >= kScanBatchBytes; }
  uint32_t size() const { return size_; }
  /// Appends `row` if it passes the filter (its time range excepted). REQUIRES: !full().
  bool offer(const RawRow& row);
  /// Forgets the rows after the first `size`; the batch is full then, or empty.
  void truncate(uint32_t size) {
    if (size == 0) return begin(rows_max_);
    size_ = rows_max_ = size;
  }
  /// The batch so far.
  Batch take();
  uint64_t bytes_decoded() const { return bytes_decoded_; }

 private:
  struct Target {
    Vector vector;
    void* data = nullptr;
    std::shared_ptr<uint32_t[]> type_ids;
  };
  struct Type {
    std::string_view name;  // in type_heap_
    bool passes;
  };
  /// A type met lately. Of the lengths it is used for, the words are the whole text.
  struct RecentType {
    uint64_t words[4] = {};
    uint64_t size = 0;  ///< 0 = free
    uint32_t id = 0;
    bool same(const RecentType& other) const {
      return ((words[0] ^ other.words[0]) | (words[1] ^ other.words[1]) |
              (words[2] ^ other.words[2]) | (words[3] ^ other.words[3]) |
              (size ^ other.size)) == 0;
    }
  };
  /// The scans that are most often all there is have a loop of their own.
  enum class Shape : uint8_t { kAny, kType, kTimestamp };
  uint32_t type_id(std::string_view type);
  uint32_t short_or_long_type_id(std::string_view type);
  uint32_t find_type(std::string_view type);
  bool passes_paths(const RawRow& row);
  /// The text of a slot for this row; null = SQL NULL.
  const std::string* slot_text(size_t slot, const RawRow& row);
  void append(const RawRow& row, uint32_t type);

  const std::vector<DecodedColumn>& columns_;
  const EventFilter& filter_;
  const PathSlots& slots_;
  const bool needs_type_;
  bool tests_rows_ = false;  // beyond the type
  Shape shape_ = Shape::kAny;

  std::vector<Target> targets_;
  uint32_t size_ = 0, rows_max_ = 0;
  uint64_t bytes_decoded_ = 0;
  uint64_t batch_bytes_ = 0;  // of texts and payloads in the batch

  std::shared_ptr<StringHeap> type_heap_;
  std::vector<Type> types_;
  std::unordered_map<std::string_view, uint32_t> type_ids_;
  std::array<RecentType, 256> recent_types_{};  // by a hash of the name: most rows end here
  std::array<uint32_t, 64> recent_other_types_{};
  Vector type_dictionary_;

  struct Slot {
    std::string text;
    bool valid = false;
    uint64_t row = 0;  // number of the row it was extracted from
  };
  std::vector<Slot> extracted_;
  uint64_t row_number_ = 0;
};

}  // namespace eventd::engine
