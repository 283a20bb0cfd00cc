// Merged ranges of sequences by CPU: what a transaction covers, or what was lost.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace eventd::engine {

/// Few ranges: one per CPU unless sequences jump. Owned by one thread.
class Coverage {
 public:
  struct Range {
    uint64_t first = 0, last = 0;
    uint16_t cpu_id = 0;
  };

  /// REQUIRES: first <= last.
  void add(uint16_t cpu_id, uint64_t first, uint64_t last) {
    for (size_t i = 0; i < ranges_.size(); ++i) {
      Range& range = ranges_[i];
      if (range.cpu_id != cpu_id || first > range.last + 1 || last + 1 < range.first) continue;
      range.first = std::min(range.first, first);
      range.last = std::max(range.last, last);
      if (i + 1 < ranges_.size()) absorb(i);
      return;
    }
    ranges_.push_back({first, last, cpu_id});
  }
  void add(const Coverage& other) {
    for (const Range& range : other.ranges_) add(range.cpu_id, range.first, range.last);
  }
  /// Takes the sequences first … last out. REQUIRES: first <= last.
  void remove(uint16_t cpu_id, uint64_t first, uint64_t last) {
    for (size_t i = 0; i < ranges_.size();) {
      const Range range = ranges_[i];
      if (range.cpu_id != cpu_id || last < range.first || first > range.last) {
        ++i;
        continue;
      }
      ranges_.erase(ranges_.begin() + static_cast<ptrdiff_t>(i));
      if (range.first < first) ranges_.push_back({range.first, first - 1, cpu_id});
      if (range.last > last) ranges_.push_back({last + 1, range.last, cpu_id});
    }
  }
  const std::vector<Range>& ranges() const { return ranges_; }
  bool empty() const { return ranges_.empty(); }
  void clear() { ranges_.clear(); }

 private:
  /// Range `i` has grown: takes in the later ones it now touches.
  void absorb(size_t i) {
    for (size_t j = i + 1; j < ranges_.size();) {
      Range& range = ranges_[i];
      const Range& other = ranges_[j];
      if (other.cpu_id == range.cpu_id && other.first <= range.last + 1 &&
          range.first <= other.last + 1) {
        range.first = std::min(range.first, other.first);
        range.last = std::max(range.last, other.last);
        ranges_.erase(ranges_.begin() + static_cast<ptrdiff_t>(j));
        j = i + 1;
      } else {
        ++j;
      }
    }
  }

  std::vector<Range> ranges_;
};

}  // namespace eventd::engine
