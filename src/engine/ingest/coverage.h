// Merged ranges of sequences by CPU: what a transaction covers, or what was lost.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace eventd::engine {

/// Ranges in order of CPU and sequence; those of a CPU neither overlap nor touch. Usually few: one a
/// CPU unless sequences jump. Owned by one thread.
class Coverage {
 public:
  struct Range {
    uint64_t first = 0, last = 0;
    uint16_t cpu_id = 0;

    uint64_t count() const { return last - first + 1; }
  };

  /// REQUIRES: 0 < first <= last.
  void add(uint16_t cpu_id, uint64_t first, uint64_t last) {
    // From the first range that reaches as far as `first` - 1 to the last one that begins by `last` + 1.
    const auto begin = std::lower_bound(ranges_.begin(), ranges_.end(), first - 1,
                                        [cpu_id](const Range& range, uint64_t sequence) {
                                          return range.cpu_id < cpu_id ||
                                                 (range.cpu_id == cpu_id && range.last < sequence);
                                        });
    auto end = begin;
    while (end != ranges_.end() && end->cpu_id == cpu_id && end->first - 1 <= last) {
      first = std::min(first, end->first);
      last = std::max(last, end->last);
      ++end;
    }
    if (begin == end) {
      ranges_.insert(begin, {first, last, cpu_id});
    } else {
      *begin = {first, last, cpu_id};
      ranges_.erase(begin + 1, end);
    }
  }
  void add(const Coverage& other) {
    for (const Range& range : other.ranges_) add(range.cpu_id, range.first, range.last);
  }
  /// Takes the sequences first … last out. REQUIRES: 0 < first <= last.
  void remove(uint16_t cpu_id, uint64_t first, uint64_t last) {
    for (size_t i = 0; i < ranges_.size(); ++i) {
      Range& range = ranges_[i];
      if (range.cpu_id != cpu_id || last < range.first || first > range.last) continue;
      const Range before = range;
      if (before.first < first) {
        range.last = first - 1;
        if (before.last > last) {
          ranges_.insert(ranges_.begin() + static_cast<ptrdiff_t>(i) + 1, {last + 1, before.last, cpu_id});
          return;
        }
      } else if (before.last > last) {
        range.first = last + 1;
        return;
      } else {
        ranges_.erase(ranges_.begin() + static_cast<ptrdiff_t>(i--));
      }
    }
  }
  /// Brings the number of ranges down to `ranges_max`, if the number of CPUs allows it: neighbours
  /// with the shortest distance become one, which then has sequences that were never added.
  void coarsen(size_t ranges_max) {
    while (ranges_.size() > ranges_max) {
      std::vector<uint64_t> distances;
      for (size_t i = 1; i < ranges_.size(); ++i) {
        if (ranges_[i].cpu_id == ranges_[i - 1].cpu_id)
          distances.push_back(ranges_[i].first - ranges_[i - 1].last);
      }
      const size_t surplus = std::min(ranges_.size() - ranges_max, distances.size());
      if (surplus == 0) return;
      const auto nth = distances.begin() + static_cast<ptrdiff_t>(surplus - 1);
      std::nth_element(distances.begin(), nth, distances.end());
      size_t kept = 0;
      for (size_t i = 1; i < ranges_.size(); ++i) {
        if (ranges_[i].cpu_id == ranges_[kept].cpu_id && ranges_[i].first - ranges_[kept].last <= *nth) {
          ranges_[kept].last = ranges_[i].last;
        } else {
          ranges_[++kept] = ranges_[i];
        }
      }
      ranges_.resize(kept + 1);
    }
  }
  /// Forgets the first `count` ranges.
  void drop_front(size_t count) {
    ranges_.erase(ranges_.begin(), ranges_.begin() + static_cast<ptrdiff_t>(count));
  }
  const std::vector<Range>& ranges() const& { return ranges_; }
  /// By value, so that `for (… : coverage_of(…).ranges())` does not read what is gone.
  std::vector<Range> ranges() && { return std::move(ranges_); }
  bool empty() const { return ranges_.empty(); }
  void clear() { ranges_.clear(); }

 private:
  std::vector<Range> ranges_;
};

}  // namespace eventd::engine
