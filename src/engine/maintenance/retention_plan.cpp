#include "engine/maintenance/retention_plan.h"

#include <algorithm>
#include <limits>

namespace eventd::engine {

void RetentionPlan::add(int64_t used_bytes, const std::vector<TailInfo>& tails, bool deletable) {
  used_bytes_ += used_bytes;
  if (!deletable) return;
  double rows = 0;
  for (const TailInfo& tail : tails) rows += static_cast<double>(tail.row_count);
  for (const TailInfo& tail : tails) {
    if (tail.row_count == 0 || tail.damaged) continue;
    const double share = static_cast<double>(tail.row_count) / rows;
    parts_.push_back({.min_ns = tail.timestamp_min_ns,
                      .max_ns = std::max(tail.timestamp_max_ns, tail.timestamp_min_ns),
                      .bytes = share * static_cast<double>(used_bytes)});
  }
}

double RetentionPlan::bytes_before(int64_t time_ns) const {
  double bytes = 0;
  for (const Part& part : parts_) {
    if (time_ns <= part.min_ns) continue;
    if (time_ns > part.max_ns) {
      bytes += part.bytes;
      continue;
    }
    const double width = static_cast<double>(part.max_ns) - static_cast<double>(part.min_ns) + 1;
    bytes += part.bytes * (static_cast<double>(time_ns) - static_cast<double>(part.min_ns)) / width;
  }
  return bytes;
}

std::optional<int64_t> RetentionPlan::cutoff(int64_t excess_bytes) const {
  if (parts_.empty()) return std::nullopt;
  int64_t low = std::numeric_limits<int64_t>::max(), high = std::numeric_limits<int64_t>::min();
  for (const Part& part : parts_) {
    low = std::min(low, part.min_ns);
    high = std::max(high, part.max_ns);
  }
  constexpr int64_t kLatest = std::numeric_limits<int64_t>::max();
  // Beyond `low` at least, so that something goes; beyond `high` everything does.
  low = low == kLatest ? low : low + 1;
  high = high == kLatest ? high : high + 1;
  const auto wanted = static_cast<double>(excess_bytes);
  while (low < high) {
    const auto width = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
    const auto middle = static_cast<int64_t>(static_cast<uint64_t>(low) + width / 2);
    if (bytes_before(middle) >= wanted) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

}  // namespace eventd::engine
