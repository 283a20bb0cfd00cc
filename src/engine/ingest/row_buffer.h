// Rows of a SQL transaction in memory, compact, read by the writer where they lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "bytes.h"
#include "engine/ingest/event_ingest.h"

namespace eventd::engine {

/// Segments of rows [type size u32][payload size u32][type][payload], which never move. Owned by
/// one thread at a time; goes to the writer as a whole.
class RowBuffer {
 public:
  using Stamp = EventTransaction::Stamp;
  struct Row {
    const Stamp* stamp = nullptr;
    std::string_view event_type;
    ByteSpan payload;
  };

  /// For the rows added from now on.
  void set_stamp(const Stamp& stamp);
  void add(std::string_view event_type, ByteSpan payload);
  /// Forgets the rows after the first `row_count`.
  void truncate(uint64_t row_count);
  /// Moves everything out; the stamp stays for rows added afterwards.
  RowBuffer take();

  uint64_t row_count() const { return row_count_; }
  /// Bytes of rows, without unused space.
  size_t used_bytes() const { return used_bytes_; }

  /// Walks the rows in order, those added meanwhile too. The buffer outlives it, does not move and is
  /// not truncated.
  class Cursor {
   public:
    explicit Cursor(const RowBuffer& buffer) : buffer_(&buffer) {}
    /// False at the end.
    bool next(Row& row);

   private:
    const RowBuffer* buffer_;
    uint64_t row_ = 0;
    size_t segment_ = 0;
    size_t offset_ = 0;
    size_t stamp_ = 0;
  };

 private:
  struct Segment {
    std::unique_ptr<uint8_t[]> bytes;
    size_t capacity_bytes = 0;
    size_t used_bytes = 0;
    uint64_t first_row = 0;
  };
  struct StampRun {
    uint64_t first_row;
    std::unique_ptr<Stamp> stamp;  // rows point at it
  };

  std::vector<Segment> segments_;
  std::vector<StampRun> stamps_;
  uint64_t row_count_ = 0;
  size_t used_bytes_ = 0;
};

}  // namespace eventd::engine
