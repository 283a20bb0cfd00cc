#include "engine/storage/sequence_zones.h"

#include <algorithm>
#include <utility>

namespace eventd::engine {
namespace {

void narrow(SequenceQuery& query, ScanPredicate::Op op, const std::vector<int64_t>& values) {
  using Op = ScanPredicate::Op;
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  int64_t first = kMin, last = kMax;
  // IN () matches nothing; nor does what is below the least or above the greatest number.
  const bool none = values.empty() || (op == Op::kLess && values[0] == kMin) ||
                    (op == Op::kGreater && values[0] == kMax);
  if (none) {
    first = kMax;
    last = kMin;
  } else if (op == Op::kEq || op == Op::kIn) {
    first = values.front();
    last = values.back();
    if (query.values.empty()) query.values = values;
  } else if (op == Op::kLess || op == Op::kLessEq) {
    last = values[0] - (op == Op::kLess);
  } else {
    first = values[0] + (op == Op::kGreater);
  }
  query.first = std::max(query.first, first);
  query.last = std::min(query.last, last);
}

constexpr auto kNumberBelow = [](const auto& block, int64_t number) { return block.number < number; };

}  // namespace

std::optional<SequenceQuery> sequence_query(const EventFilter& filter) {
  using Op = ScanPredicate::Op;
  SequenceQuery query;
  bool asks = false;
  for (const NumberTest& test : filter.numbers) {
    const bool equals = test.op == Op::kEq || test.op == Op::kIn;
    if (test.column == EventColumn::kCpuId && equals && query.cpus.empty()) query.cpus = test.values;
    const bool range = test.op == Op::kLess || test.op == Op::kLessEq || test.op == Op::kGreater ||
                       test.op == Op::kGreaterEq;
    if (test.column != EventColumn::kSequence || !(equals || range)) continue;
    narrow(query, test.op, test.values);
    asks = true;
  }
  if (!asks) return std::nullopt;
  return query;
}

SequenceZones::Block& SequenceZones::block(Blocks& blocks, int64_t number) {
  if (!blocks.empty() && blocks.back().number == number) return blocks.back();
  const auto at = std::lower_bound(blocks.begin(), blocks.end(), number, kNumberBelow);
  if (at != blocks.end() && at->number == number) return *at;
  return *blocks.insert(at, Block{number, {}});
}

void SequenceZones::widen(std::vector<Zone>& zones, const SequenceSample& row, size_t zones_max) {
  for (Zone& zone : zones) {
    if (zone.cpu_id != row.cpu_id && zone.cpu_id != kAnyCpu) continue;
    zone.first = std::min(zone.first, row.sequence);
    zone.last = std::max(zone.last, row.sequence);
    return;
  }
  zones.push_back({row.sequence, row.sequence, row.cpu_id});
  if (zones.size() <= zones_max) return;
  Zone all = zones.front();
  for (const Zone& zone : zones) {
    all.first = std::min(all.first, zone.first);
    all.last = std::max(all.last, zone.last);
  }
  all.cpu_id = kAnyCpu;
  zones.assign(1, all);
}

void SequenceZones::add(std::span<const SequenceSample> rows) {
  std::lock_guard lock(mutex_);
  for (const SequenceSample& row : rows) {
    widen(block(blocks_, row.rowid / kBlockRows).zones, row, kBlockZonesMax);
    widen(block(runs_, row.rowid / kRunRows).zones, row, kBlockZonesMax);
    widen(all_, row, kTailZonesMax);
  }
}

void SequenceZones::set_known(int64_t first, int64_t last) {
  std::lock_guard lock(mutex_);
  unknown_.remove(first, last);
}

bool SequenceZones::admits(const SequenceQuery& query, std::span<const Zone> zones) {
  return std::any_of(zones.begin(), zones.end(), [&](const Zone& zone) {
    const int64_t first = std::max(zone.first, query.first), last = std::min(zone.last, query.last);
    if (first > last) return false;
    if (!query.values.empty()) {
      const auto value = std::lower_bound(query.values.begin(), query.values.end(), first);
      if (value == query.values.end() || *value > last) return false;
    }
    return query.cpus.empty() || zone.cpu_id == kAnyCpu ||
           std::binary_search(query.cpus.begin(), query.cpus.end(), int64_t{zone.cpu_id});
  });
}

void SequenceZones::find_in_run(const SequenceQuery& query, int64_t run, RowidSpan within,
                                std::vector<RowidSpan>& spans) const {
  auto block = std::lower_bound(blocks_.begin(), blocks_.end(), run * kRunBlocks, kNumberBelow);
  for (; block != blocks_.end() && block->number < (run + 1) * kRunBlocks; ++block) {
    if (!admits(query, block->zones)) continue;
    const int64_t from = std::max(block->number * kBlockRows, within.first);
    const int64_t to = std::min(block->number * kBlockRows + kBlockRows - 1, within.last);
    if (from > to) continue;
    append(spans, {.first = from, .last = to});
  }
}

std::vector<RowidSpan> SequenceZones::find(const SequenceQuery& query, int64_t first,
                                           int64_t last) const {
  std::lock_guard lock(mutex_);
  std::vector<RowidSpan> spans;
  if (admits(query, all_)) {
    for (const Block& run : runs_) {
      if (admits(query, run.zones)) find_in_run(query, run.number, {first, last}, spans);
    }
  }
  return unknown_.overlay(std::move(spans), first, last);
}

}  // namespace eventd::engine
