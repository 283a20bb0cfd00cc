#include "engine/exec/window_frame_bounds.h"

#include <algorithm>

namespace eventd::engine {

namespace {

using Bound = WindowFrame::Bound;
using Mode = WindowFrame::Mode;

uint64_t number_of(const Datum& offset) { return static_cast<uint64_t>(offset.as<int64_t>()); }

void partition_ends(const WindowBlock& block, bool is_start, std::vector<uint32_t>& rows) {
  block.each_partition([&](uint32_t first, uint32_t end) {
    std::fill(rows.begin() + first, rows.begin() + end, is_start ? first : end);
  });
}

void row_starts(const WindowBlock& block, Bound bound, uint64_t offset, std::vector<uint32_t>& rows) {
  block.each_partition([&](uint32_t first, uint32_t end) {
    for (uint32_t i = first; i < end; ++i) {
      if (bound == Bound::kCurrentRow) {
        rows[i] = i;
      } else if (bound == Bound::kOffsetPreceding) {
        rows[i] = i - first > offset ? i - static_cast<uint32_t>(offset) : first;
      } else {
        rows[i] = end - i > offset ? i + static_cast<uint32_t>(offset) : end;
      }
    }
  });
}

void row_ends(const WindowBlock& block, Bound bound, uint64_t offset, std::vector<uint32_t>& rows) {
  block.each_partition([&](uint32_t first, uint32_t end) {
    for (uint32_t i = first; i < end; ++i) {
      if (bound == Bound::kCurrentRow) {
        rows[i] = i + 1;
      } else if (bound == Bound::kOffsetPreceding) {
        rows[i] = i - first >= offset ? i - static_cast<uint32_t>(offset) + 1 : first;
      } else {
        rows[i] = end - i - 1 > offset ? i + static_cast<uint32_t>(offset) + 1 : end;
      }
    }
  });
}

/// CURRENT ROW of RANGE and GROUPS is offset 0.
void group_ends(const WindowBlock& block, bool is_start, bool preceding, uint64_t offset,
                std::vector<uint32_t>& rows) {
  const std::vector<uint32_t>& starts = block.groups();
  const std::vector<uint32_t>& group_of = block.group_of();
  const uint64_t next = is_start ? 0 : 1;
  block.each_partition([&](uint32_t first, uint32_t end) {
    const uint64_t group_first = group_of[first], group_last = group_of[end - 1];
    for (uint64_t g = group_first; g <= group_last; ++g) {
      uint32_t at;
      if (preceding) {
        at = g - group_first >= offset ? starts[g - offset + next] : first;
      } else {
        at = group_last - g >= offset ? starts[g + offset + next] : end;
      }
      std::fill(rows.begin() + starts[g], rows.begin() + starts[g + 1], at);
    }
  });
}

}  // namespace

Status find_frame_bounds(const WindowPlan& plan, const WindowBlock& block, const WindowFrame& frame,
                         const FrameOffsets& offsets, const OperatorContext& context,
                         FrameBounds& bounds) {
  const auto find = [&](Bound bound, bool is_start, const Datum& offset,
                        std::vector<uint32_t>& rows) -> Status {
    rows.resize(block.rows());
    if (bound == Bound::kUnboundedPreceding || bound == Bound::kUnboundedFollowing) {
      partition_ends(block, is_start, rows);
      return {};
    }
    const bool has_offset = bound != Bound::kCurrentRow;
    const bool preceding = bound == Bound::kOffsetPreceding;
    if (frame.mode == Mode::kRange && has_offset) {
      if (plan.order_by.size() != 1) {
        return {sqlstate::kInternalError, "RANGE with an offset without its one ORDER BY column"};
      }
      return find_range_end(block, plan.order_by[0], {is_start, preceding, &offset}, context, rows);
    }
    const uint64_t distance = has_offset ? number_of(offset) : 0;
    if (frame.mode != Mode::kRows) {
      group_ends(block, is_start, preceding, distance, rows);
    } else if (is_start) {
      row_starts(block, bound, distance, rows);
    } else {
      row_ends(block, bound, distance, rows);
    }
    return {};
  };
  RETURN_IF_ERROR(find(frame.start, true, offsets.start, bounds.begin));
  RETURN_IF_ERROR(find(frame.end, false, offsets.end, bounds.end));
  for (uint32_t i = 0; i < block.rows(); ++i) bounds.end[i] = std::max(bounds.end[i], bounds.begin[i]);
  return {};
}

}  // namespace eventd::engine
