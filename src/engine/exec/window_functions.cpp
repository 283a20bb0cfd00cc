#include "engine/exec/window_functions.h"

#include <algorithm>

#include "engine/vector/physical_dispatch.h"

namespace eventd::engine {

namespace {

using WindowKind = WindowFunction::Kind;
using Exclusion = WindowFrame::Exclusion;

constexpr uint32_t kNoRow = ~uint32_t{0};

template <class T>
void set(WindowColumn& out, uint32_t row, T value) {
  out.chunk_of(row).data<T>()[WindowColumn::place_of(row)] = value;
}

void set_null(WindowColumn& out, uint32_t row) {
  out.chunk_of(row).set_null(WindowColumn::place_of(row));
}

/// Calls f(row, first, end) for every row with its partition.
template <class F>
void each_row(const WindowBlock& block, const F& f) {
  block.each_partition([&](uint32_t first, uint32_t end) {
    for (uint32_t row = first; row < end; ++row) f(row, first, end);
  });
}

void rank_rows(WindowKind kind, const WindowBlock& block, WindowColumn& out) {
  const std::vector<uint32_t>& groups = block.groups();
  const std::vector<uint32_t>& group_of = block.group_of();
  each_row(block, [&](uint32_t row, uint32_t first, uint32_t end) {
    const uint32_t group = group_of[row];
    const uint32_t before = groups[group] - first;
    const double rows = end - first;
    switch (kind) {
      case WindowKind::kRank: set<int64_t>(out, row, int64_t{before} + 1); break;
      case WindowKind::kDenseRank: set<int64_t>(out, row, int64_t{group - group_of[first]} + 1); break;
      case WindowKind::kPercentRank: set<double>(out, row, rows <= 1 ? 0 : before / (rows - 1)); break;
      default: set<double>(out, row, (groups[group + 1] - first) / rows); break;
    }
  });
}

/// The number of buckets is that of the partition's first row that has one.
Status number_buckets(const Vector& counts, const WindowBlock& block, WindowColumn& out) {
  const VectorView<int32_t> values = counts.view<int32_t>();
  Status status;
  block.each_partition([&](uint32_t first, uint32_t end) {
    if (!status.ok()) return;
    const uint32_t rows = end - first;
    uint32_t row = first;
    for (; row < end && !values.valid(row); ++row) set_null(out, row);
    if (row == end) return;
    if (values[row] <= 0) {
      status = Status(sqlstate::kInvalidNtileArgument, "argument of ntile must be greater than zero");
      return;
    }
    const uint32_t buckets = static_cast<uint32_t>(values[row]);
    uint32_t larger = rows % buckets;  // the first ones have a row more
    uint32_t in_bucket = rows / buckets;
    if (in_bucket == 0) {
      larger = 0;
      in_bucket = 1;
    } else if (larger > 0) {
      ++in_bucket;
    }
    int32_t bucket = 1;
    uint32_t left = in_bucket;
    for (; row < end; ++row) {
      if (left == 0) {
        if (larger > 0 && --larger == 0) --in_bucket;
        left = in_bucket;
        ++bucket;
      }
      --left;
      set<int32_t>(out, row, bucket);
    }
  });
  return status;
}

/// out[row] = values[from[row]]; kNoRow: `fallback` of the row itself, or NULL.
void fetch(const Vector& values, const std::vector<uint32_t>& from, const Vector* fallback,
           WindowColumn& out) {
  dispatch_physical(physical_of(out.type()), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const VectorView<T> view(values);
    const VectorView<T> other(fallback != nullptr ? *fallback : values);
    const uint32_t rows = static_cast<uint32_t>(from.size());
    for (uint32_t first = 0; first < rows; first += kBatchRows) {
      Vector& chunk = out.chunk_of(first);
      T* to = chunk.data<T>();
      const uint32_t count = std::min(kBatchRows, rows - first);
      for (uint32_t i = 0; i < count; ++i) {
        const uint32_t row = from[first + i];
        if (row != kNoRow) {
          to[i] = view[row];
          if (!view.valid(row)) chunk.set_null(i);
        } else if (fallback != nullptr) {
          to[i] = other[first + i];
          if (!other.valid(first + i)) chunk.set_null(i);
        } else {
          to[i] = T{};
          chunk.set_null(i);
        }
      }
      if constexpr (std::is_same_v<T, StringRef>) {
        chunk.share_heaps(values);
        if (fallback != nullptr) chunk.share_heaps(*fallback);
      }
    }
  });
}

/// lag and lead: (value [, offset [, default]]).
void shift_rows(const WindowPlan::Call& call, const WindowBlock& block, bool back, WindowColumn& out) {
  const uint32_t rows = block.rows();
  std::vector<uint32_t> from(rows, kNoRow);
  const bool has_offset = call.arguments.size() > 1;
  const Vector one = Vector::constant(Datum::int4(1), 1);
  const VectorView<int32_t> offsets((has_offset ? block.column(call.arguments[1]) : one));
  const Vector* fallback = call.arguments.size() > 2 ? &block.column(call.arguments[2]) : nullptr;
  std::vector<uint32_t> unknown;  // rows whose offset is NULL: no default for those
  each_row(block, [&](uint32_t row, uint32_t first, uint32_t end) {
    const uint32_t place = has_offset ? row : 0;
    if (!offsets.valid(place)) {
      unknown.push_back(row);
      return;
    }
    const int64_t offset = offsets[place];
    const int64_t target = back ? int64_t{row} - offset : int64_t{row} + offset;
    if (target >= first && target < end) from[row] = static_cast<uint32_t>(target);
  });
  fetch(block.column(call.arguments[0]), from, fallback, out);
  for (const uint32_t row : unknown) set_null(out, row);
}

/// The n-th row (from 0) of a frame without what EXCLUDE takes out, counted from its beginning or,
/// with `from_end`, from its end; kNoRow if it is shorter.
uint32_t frame_row(const WindowBlock& block, Exclusion exclusion, uint32_t row, uint32_t begin,
                   uint32_t end, uint64_t n, bool from_end) {
  struct Piece {
    uint32_t begin, end;
  };
  Piece pieces[3] = {{begin, end}, {0, 0}, {0, 0}};
  if (exclusion != Exclusion::kNone) {
    uint32_t first = row, last = row + 1;
    if (exclusion != Exclusion::kCurrentRow) {
      first = block.groups()[block.group_of()[row]];
      last = block.groups()[block.group_of()[row] + 1];
    }
    pieces[0] = {begin, std::min(end, first)};
    if (exclusion == Exclusion::kTies && begin <= row && row < end) pieces[1] = {row, row + 1};
    pieces[2] = {std::max(begin, last), end};
  }
  for (size_t i = 0; i < 3; ++i) {
    const Piece& piece = pieces[from_end ? 2 - i : i];
    if (piece.end <= piece.begin) continue;
    const uint32_t size = piece.end - piece.begin;
    if (n < size) {
      return from_end ? piece.end - 1 - static_cast<uint32_t>(n) : piece.begin + static_cast<uint32_t>(n);
    }
    n -= size;
  }
  return kNoRow;
}

/// first_value, last_value, nth_value.
Status pick_from_frame(const WindowPlan::Call& call, const WindowBlock& block,
                       const FrameBounds& bounds, WindowColumn& out) {
  const WindowKind kind = call.call->function->kind;
  const Exclusion exclusion = call.call->frame.exclusion;
  const uint32_t rows = block.rows();
  std::vector<uint32_t> from(rows, kNoRow);
  const bool is_nth = kind == WindowKind::kNthValue;
  const Vector& number_column = block.column(call.arguments[is_nth ? 1 : 0]);
  for (uint32_t row = 0; row < rows; ++row) {
    uint64_t n = 0;
    if (is_nth) {
      const VectorView<int32_t> numbers(number_column);
      if (!numbers.valid(row)) continue;
      if (numbers[row] <= 0) {
        return {sqlstate::kInvalidNthValueArgument, "argument of nth_value must be greater than zero"};
      }
      n = static_cast<uint64_t>(numbers[row] - 1);
    }
    from[row] = frame_row(block, exclusion, row, bounds.begin[row], bounds.end[row], n,
                          kind == WindowKind::kLastValue);
  }
  fetch(block.column(call.arguments[0]), from, nullptr, out);
  return {};
}

}  // namespace

bool reads_frame(WindowFunction::Kind kind) {
  return kind == WindowKind::kFirstValue || kind == WindowKind::kLastValue || kind == WindowKind::kNthValue;
}

Status run_window_function(const WindowPlan::Call& call, const WindowBlock& block,
                           const FrameBounds& bounds, const OperatorContext& context,
                           WindowColumn& out) {
  if (context.cancel != nullptr) RETURN_IF_ERROR(context.cancel->check());
  const WindowKind kind = call.call->function->kind;
  switch (kind) {
    case WindowKind::kRowNumber:
      each_row(block, [&](uint32_t row, uint32_t first, uint32_t) {
        set<int64_t>(out, row, int64_t{row - first} + 1);
      });
      return {};
    case WindowKind::kRank:
    case WindowKind::kDenseRank:
    case WindowKind::kPercentRank:
    case WindowKind::kCumeDist: rank_rows(kind, block, out); return {};
    case WindowKind::kNtile: return number_buckets(block.column(call.arguments[0]), block, out);
    case WindowKind::kLag:
    case WindowKind::kLead: shift_rows(call, block, kind == WindowKind::kLag, out); return {};
    case WindowKind::kFirstValue:
    case WindowKind::kLastValue:
    case WindowKind::kNthValue: return pick_from_frame(call, block, bounds, out);
  }
  return {sqlstate::kInternalError, "unknown window function"};
}

}  // namespace eventd::engine
