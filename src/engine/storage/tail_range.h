// What of a tail is read, and how.
#pragma once

#include <cstdint>

#include "engine/storage/event_filter.h"
#include "engine/storage/shard_view.h"

namespace eventd::engine {

/// A part of a tail's committed rows.
struct TailRange {
  TailInfo tail;
  int64_t first_rowid = 0, last_rowid = 0;
  TimeRange time;
  enum class Order : uint8_t {
    kRowid,         ///< walks the table
    kTime,          ///< walks the timestamp index
    kTimeDescending,
  } order = Order::kRowid;
  /// Every row of the tail is within `time`.
  bool time_covers = false;
  /// Of the unordered ones: its sequences, times are unknown, who reads it tells them.
  bool notes_sequences = false, notes_times = false;
};

}  // namespace eventd::engine
