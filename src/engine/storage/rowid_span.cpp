#include "engine/storage/rowid_span.h"

#include <algorithm>
#include <utility>

namespace eventd::engine {
namespace {

/// `spans` without [first, last].
std::vector<RowidSpan> cut(const std::vector<RowidSpan>& spans, int64_t first, int64_t last) {
  std::vector<RowidSpan> left;
  for (const RowidSpan& span : spans) {
    if (span.last < first || span.first > last) {
      left.push_back(span);
      continue;
    }
    if (span.first < first) left.push_back({span.first, first - 1, span.unknown, span.covered});
    if (span.last > last) left.push_back({last + 1, span.last, span.unknown, span.covered});
  }
  return left;
}

}  // namespace

int64_t row_count(const std::vector<RowidSpan>& spans) {
  int64_t rows = 0;
  for (const RowidSpan& span : spans) rows += span.last - span.first + 1;
  return rows;
}

void append(std::vector<RowidSpan>& spans, RowidSpan span) {
  const bool goes_on = !spans.empty() && spans.back().last + 1 == span.first &&
                       spans.back().unknown == span.unknown && spans.back().covered == span.covered;
  if (goes_on) {
    spans.back().last = span.last;
  } else {
    spans.push_back(span);
  }
}

UnknownRowids::UnknownRowids(int64_t first, int64_t last) {
  if (first <= last) spans_.push_back({.first = first, .last = last, .unknown = true});
}

void UnknownRowids::remove(int64_t first, int64_t last) { spans_ = cut(spans_, first, last); }

std::vector<RowidSpan> UnknownRowids::overlay(std::vector<RowidSpan> spans, int64_t first,
                                              int64_t last) const {
  if (spans_.empty()) return spans;
  for (const RowidSpan& span : spans_) {
    const int64_t from = std::max(span.first, first), to = std::min(span.last, last);
    if (from > to) continue;
    spans = cut(spans, from, to);
    spans.push_back({.first = from, .last = to, .unknown = true});
  }
  std::sort(spans.begin(), spans.end(),
            [](const RowidSpan& a, const RowidSpan& b) { return a.first < b.first; });
  return spans;
}

}  // namespace eventd::engine
