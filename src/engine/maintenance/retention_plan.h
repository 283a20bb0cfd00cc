// How far back events may go so that they need no more than so many bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/storage/shard_view.h"

namespace eventd::engine {

/// The tails of all shard files with what they use. One thread.
class RetentionPlan {
 public:
  /// A file of `used_bytes`; with `deletable` false it counts, but nothing can be taken from it.
  void add(int64_t used_bytes, const std::vector<TailInfo>& tails, bool deletable);

  int64_t used_bytes() const { return used_bytes_; }
  /// The time, oldest first over all files, before which rows of about `excess_bytes` lie: those of a
  /// tail are taken to be spread evenly over its time, and to be of one size within a file. Always
  /// later than the oldest row; nothing when there is no row.
  std::optional<int64_t> cutoff(int64_t excess_bytes) const;

 private:
  struct Part {
    int64_t min_ns, max_ns;
    double bytes;
  };
  double bytes_before(int64_t time_ns) const;

  int64_t used_bytes_ = 0;
  std::vector<Part> parts_;
};

}  // namespace eventd::engine
