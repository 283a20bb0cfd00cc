#include "engine/storage/time_blocks.h"

#include <algorithm>

namespace eventd::engine {

void TimeBlocks::widen(TimeSample& block, const TimeSample& sample) {
  block.min_ns = std::min(block.min_ns, sample.min_ns);
  block.max_ns = std::max(block.max_ns, sample.max_ns);
}

TimeSample& TimeBlocks::block(const TimeSample& sample) {
  if (blocks_.empty() || blocks_.back().block < sample.block) return blocks_.emplace_back(sample);
  const auto at = std::lower_bound(blocks_.begin(), blocks_.end(), sample.block,
                                   [](const TimeSample& block, int64_t n) { return block.block < n; });
  return at->block == sample.block ? *at : *blocks_.insert(at, sample);
}

void TimeBlocks::add(std::span<const TimeSample> samples) {
  std::lock_guard lock(mutex_);
  for (const TimeSample& sample : samples) {
    widen(block(sample), sample);
    widen(all_, sample);
  }
}

void TimeBlocks::set_known(int64_t first, int64_t last) {
  std::lock_guard lock(mutex_);
  unknown_.remove(first, last);
}

bool TimeBlocks::all_known() const {
  std::lock_guard lock(mutex_);
  return unknown_.empty();
}

std::vector<RowidSpan> TimeBlocks::find(const TimeRange& time, int64_t first, int64_t last) const {
  std::lock_guard lock(mutex_);
  std::vector<RowidSpan> spans;
  if (time.covers(all_.min_ns, all_.max_ns)) {
    spans.push_back({.first = first, .last = last, .covered = true});
    return unknown_.overlay(std::move(spans), first, last);
  }
  for (const TimeSample& block : blocks_) {
    if (!time.overlaps(block.min_ns, block.max_ns)) continue;
    const int64_t from = std::max(block.block * kBlockRows, first);
    const int64_t to = std::min(block.block * kBlockRows + kBlockRows - 1, last);
    if (from > to) continue;
    append(spans, {.first = from, .last = to, .covered = time.covers(block.min_ns, block.max_ns)});
  }
  return unknown_.overlay(std::move(spans), first, last);
}

}  // namespace eventd::engine
