#include "engine/exec/window_aggregate.h"

#include <algorithm>

namespace eventd::engine {

namespace {

using Exclusion = WindowFrame::Exclusion;

/// Average rows of a frame from which partials are used although they round elsewhere.
constexpr uint64_t kAddedRowsMax = 1024;
/// Rows added a frame below which a state a row is quicker than a call of update().
constexpr uint64_t kSliceRowsMin = 4;
constexpr uint32_t kCheckedRows = 1024;

}  // namespace

WindowAggregate::WindowAggregate(const WindowPlan::Call& call, const WindowBlock& block,
                                 const FrameBounds& bounds, const OperatorContext& context,
                                 MemoryGrant& grant, size_t held_bytes)
    : call_(call), function_(*call.call->aggregate), block_(block), bounds_(bounds),
      context_(context), grant_(grant), held_bytes_(held_bytes) {}

void WindowAggregate::apply_filter() {
  kept_rows_ = block_.rows();
  for (const int argument : call_.arguments) arguments_.push_back(block_.column(argument));
  if (call_.filter < 0) return;
  const VectorView<uint8_t> keep = block_.column(call_.filter).view<uint8_t>();
  std::shared_ptr<uint32_t[]> rows(new uint32_t[std::max<uint32_t>(1, block_.rows())]);
  kept_before_.resize(block_.rows() + 1);
  kept_rows_ = 0;
  for (uint32_t i = 0; i < block_.rows(); ++i) {
    kept_before_[i] = kept_rows_;
    if (keep.valid(i) && keep[i] != 0) rows[kept_rows_++] = i;
  }
  kept_before_[block_.rows()] = kept_rows_;
  for (Vector& argument : arguments_) argument = Vector::dictionary(argument, rows, kept_rows_);
}

WindowAggregate::Range WindowAggregate::kept(uint32_t begin, uint32_t end) const {
  if (end < begin) end = begin;
  if (kept_before_.empty()) return {begin, end};
  return {kept_before_[begin], kept_before_[end]};
}

WindowAggregate::Pieces WindowAggregate::pieces_of(uint32_t row) const {
  const uint32_t begin = bounds_.begin[row], end = bounds_.end[row];
  Pieces pieces;
  uint32_t first = row, last = row + 1;  // what is left out
  switch (call_.call->frame.exclusion) {
    case Exclusion::kNone:
      pieces.before = kept(begin, end);
      return pieces;
    case Exclusion::kCurrentRow: break;
    case Exclusion::kTies:
      if (begin <= row && row < end) pieces.own = kept(row, row + 1);
      [[fallthrough]];
    case Exclusion::kGroup:
      first = block_.groups()[block_.group_of()[row]];
      last = block_.groups()[block_.group_of()[row] + 1];
      break;
  }
  pieces.before = kept(begin, std::min(end, first));
  pieces.behind = kept(std::max(begin, last), end);
  return pieces;
}

bool WindowAggregate::should_slide() const {
  if (function_.partials == Partials::kUnfit) return false;
  uint64_t added = 0, frames = 0;
  Pieces last;
  for (uint32_t i = 0; i < block_.rows(); ++i) {
    const Pieces now = pieces_of(i);
    if (i > 0 && now == last) continue;
    ++frames;
    const bool goes_on = i > 0 && !is_excluding() && now.before.begin == last.before.begin &&
                         now.before.end >= last.before.end;
    added += now.before.end - (goes_on ? last.before.end : now.before.begin);
    added += now.own.end - now.own.begin + now.behind.end - now.behind.begin;
    last = now;
  }
  const bool overlaps = added > uint64_t{block_.rows()} * 4;
  return overlaps && (function_.partials == Partials::kExact || added > frames * kAddedRowsMax);
}

Status WindowAggregate::account(const WindowColumn& out, size_t more) {
  return grant_.ensure(held_bytes_ + state_bytes_ + out.memory_bytes() + more);
}

Result<std::unique_ptr<AggregateStates>> WindowAggregate::row_states() {
  state_bytes_ += size_t{kept_rows_} * ((function_.state_size + 15) / 16 * 16);
  RETURN_IF_ERROR(grant_.ensure(held_bytes_ + state_bytes_));
  auto states = std::make_unique<AggregateStates>(function_, kept_rows_);
  std::vector<Vector> arguments(arguments_.size());
  for (uint32_t first = 0; first < kept_rows_; first += kBatchRows) {
    if (context_.cancel != nullptr) RETURN_IF_ERROR(context_.cancel->check());
    const uint32_t rows = std::min(kBatchRows, kept_rows_ - first);
    for (size_t a = 0; a < arguments.size(); ++a) arguments[a] = arguments_[a].slice(first, rows);
    pointers_.resize(rows);
    for (uint32_t i = 0; i < rows; ++i) pointers_[i] = states->at(first + i);
    RETURN_IF_ERROR(function_.update(*context_.eval, arguments, rows, pointers_.data()));
  }
  if (function_.memory_bytes != nullptr) {
    state_bytes_ += states->memory_bytes();
    RETURN_IF_ERROR(grant_.ensure(held_bytes_ + state_bytes_));
  }
  return states;
}

Status WindowAggregate::add_rows(const Range& range, void* state) {
  if (singles_ != nullptr && range.end - range.begin <= kSliceRowsMin) {
    for (uint32_t i = range.begin; i < range.end; ++i) {
      RETURN_IF_ERROR(function_.combine(*context_.eval, state, singles_->at(i)));
    }
    return {};
  }
  std::vector<Vector> arguments(arguments_.size());
  for (uint32_t first = range.begin; first < range.end;) {
    // Up to a multiple of 64, so that validity bits are shared from there on.
    const uint32_t rows = std::min(kBatchRows - first % kBatchRows, range.end - first);
    if (context_.cancel != nullptr) RETURN_IF_ERROR(context_.cancel->check());
    for (size_t a = 0; a < arguments.size(); ++a) arguments[a] = arguments_[a].slice(first, rows);
    if (function_.update_single != nullptr) {
      RETURN_IF_ERROR(function_.update_single(*context_.eval, arguments, rows, state));
    } else {
      pointers_.assign(rows, state);
      RETURN_IF_ERROR(function_.update(*context_.eval, arguments, rows, pointers_.data()));
    }
    first += rows;
  }
  return {};
}

Status WindowAggregate::finish(void* state, uint32_t row, uint32_t end, WindowColumn& out) {
  while (row < end) {
    const uint32_t stop = std::min(end, row - row % kBatchRows + kBatchRows);
    RETURN_IF_ERROR(function_.finalize(*context_.eval, state, call_.call->type, out.chunk_of(row),
                                       WindowColumn::place_of(row)));
    out.repeat(row, stop);
    row = stop;
  }
  return {};
}

Status WindowAggregate::run_adding(WindowColumn& out) {
  AggregateStates state(function_, 1);
  Pieces last;
  uint32_t checked = 0;
  for (uint32_t row = 0; row < block_.rows();) {
    const Pieces now = pieces_of(row);
    uint32_t end = row + 1;
    while (end < block_.rows() && pieces_of(end) == now) ++end;
    const bool goes_on = row > 0 && !is_excluding() && now.before.begin == last.before.begin &&
                         now.before.end >= last.before.end;
    if (goes_on) {
      RETURN_IF_ERROR(add_rows({last.before.end, now.before.end}, state.at(0)));
    } else {
      state.clear(0);
      RETURN_IF_ERROR(add_rows(now.before, state.at(0)));
      RETURN_IF_ERROR(add_rows(now.own, state.at(0)));
      RETURN_IF_ERROR(add_rows(now.behind, state.at(0)));
    }
    RETURN_IF_ERROR(finish(state.at(0), row, end, out));
    if (end - checked >= kCheckedRows || function_.memory_bytes != nullptr) {
      checked = end;
      if (context_.cancel != nullptr) RETURN_IF_ERROR(context_.cancel->check());
      const size_t inner = function_.memory_bytes != nullptr ? function_.memory_bytes(state.at(0)) : 0;
      RETURN_IF_ERROR(grant_.ensure(held_bytes_ + state_bytes_ + inner));
    }
    if (row / kCheckedRows != end / kCheckedRows) RETURN_IF_ERROR(account(out, 0));
    last = now;
    row = end;
  }
  return {};
}

Status WindowAggregate::run_sliding(WindowColumn& out) {
  AggregateStates state(function_, 1);
  ASSIGN_OR_RETURN(auto before_states, row_states());
  SlidingStates before(function_, *context_.eval, std::move(before_states));
  std::unique_ptr<SlidingStates> behind;
  if (is_excluding()) {
    ASSIGN_OR_RETURN(auto behind_states, row_states());
    behind = std::make_unique<SlidingStates>(function_, *context_.eval, std::move(behind_states));
  }
  for (uint32_t row = 0; row < block_.rows();) {
    const Pieces now = pieces_of(row);
    uint32_t end = row + 1;
    while (end < block_.rows() && pieces_of(end) == now) ++end;
    state.clear(0);
    RETURN_IF_ERROR(before.move(now.before.begin, now.before.end));
    RETURN_IF_ERROR(before.add_to(state.at(0)));
    RETURN_IF_ERROR(add_rows(now.own, state.at(0)));
    if (behind != nullptr) {
      RETURN_IF_ERROR(behind->move(now.behind.begin, now.behind.end));
      RETURN_IF_ERROR(behind->add_to(state.at(0)));
    }
    RETURN_IF_ERROR(finish(state.at(0), row, end, out));
    if (row / kCheckedRows != end / kCheckedRows) {
      if (context_.cancel != nullptr) RETURN_IF_ERROR(context_.cancel->check());
      RETURN_IF_ERROR(account(out, 0));
    }
    row = end;
  }
  return {};
}

Status WindowAggregate::run(WindowColumn& out) {
  apply_filter();
  const bool slides = should_slide();
  const bool by_row = function_.partials == Partials::kExact || function_.partials == Partials::kInOrder;
  // Whole partitions need no state a row; running frames are quicker with them.
  const bool running = !slides && by_row && block_.rows() > 0 &&
                       bounds_.end[0] - bounds_.begin[0] <= kSliceRowsMin;
  if (running || (slides && is_excluding())) {
    ASSIGN_OR_RETURN(singles_, row_states());
  }
  return slides ? run_sliding(out) : run_adding(out);
}

}  // namespace eventd::engine
