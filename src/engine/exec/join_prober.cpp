#include "engine/exec/join_prober.h"

#include <algorithm>
#include <numeric>

namespace eventd::engine {

namespace {

constexpr uint32_t kNoBuildRow = JoinTable::kNone;
/// Found pairs are given out from this many on (or at the end of a batch).
constexpr size_t kPairsToGive = kBatchRows / 2;
/// A nested loop over fewer rows takes them together with several probe rows.
constexpr uint32_t kLoopBlockRowsMin = 256;

std::shared_ptr<uint32_t[]> shared_ids(const uint32_t* ids, uint32_t count) {
  std::shared_ptr<uint32_t[]> result(new uint32_t[std::max<uint32_t>(count, 1)]);
  std::copy_n(ids, count, result.get());
  return result;
}

}  // namespace

JoinProber::JoinProber(const OperatorContext& context, std::shared_ptr<const JoinPlan> plan)
    : context_(context), plan_(std::move(plan)),
      stop_at_match_(plan_->output != JoinPlan::Output::kPairs),
      first_(std::make_unique_for_overwrite<uint32_t[]>(kBatchRows)),
      matched_(std::make_unique_for_overwrite<uint8_t[]>(kBatchRows)),
      kept_(std::make_unique_for_overwrite<uint32_t[]>(kBatchRows)) {}

void JoinProber::start(const JoinTable& table) {
  table_ = &table;
  cache_ = {};
  build_matched_.assign(plan_->build_outer ? table.row_count() : 0, 0);
  unmatched_row_ = 0;
}

Status JoinProber::take(Batch batch) {
  ASSIGN_OR_RETURN(std::vector<Vector> keys, evaluate_all(plan_->probe_keys, batch, *context_.eval));
  return take(std::move(batch), std::move(keys));
}

Status JoinProber::take(Batch batch, std::vector<Vector> keys) {
  batch_ = std::move(batch);
  std::fill_n(matched_.get(), batch_.size, uint8_t{0});
  row_ = 0;
  build_row_ = 0;
  exhausted_ = false;
  ended_ = false;
  if (keys.empty()) return {};
  table_->probe(keys, batch_.size, cache_, first_.get());
  build_row_ = first_[0];
  return {};
}

bool JoinProber::next_candidates() {
  candidates_ = 0;
  is_block_ = false;
  candidate_probe_.clear();
  candidate_build_.clear();
  if (plan_->probe_keys.empty()) {
    next_loop_candidates();
  } else {
    next_hash_candidates();
  }
  return candidates_ > 0;
}

void JoinProber::next_hash_candidates() {
  // Without further conditions candidates are matches, and rows without one are known here.
  const bool final = plan_->residual == nullptr;
  const bool fill = final && plan_->probe_outer;
  while (row_ < batch_.size && candidate_probe_.size() < kBatchRows) {
    if (build_row_ == kNoBuildRow || is_done(row_)) {
      if (fill && first_[row_] == kNoBuildRow) {
        matched_[row_] = 1;
        candidate_probe_.push_back(row_);
        candidate_build_.push_back(table_->null_row());
      }
      ++row_;
      if (row_ < batch_.size) build_row_ = first_[row_];
      continue;
    }
    candidate_probe_.push_back(row_);
    candidate_build_.push_back(build_row_);
    build_row_ = stop_at_match_ && final ? kNoBuildRow : table_->next(build_row_);
  }
  candidates_ = static_cast<uint32_t>(candidate_probe_.size());
}

void JoinProber::next_loop_candidates() {
  const uint32_t build_rows = table_->row_count();
  if (build_rows == 0) {
    row_ = batch_.size;
    return;
  }
  while (row_ < batch_.size && (build_row_ == build_rows || is_done(row_))) {
    ++row_;
    build_row_ = 0;
  }
  if (row_ == batch_.size) return;
  if (build_rows >= kLoopBlockRowsMin) {
    is_block_ = true;
    block_row_ = row_;
    block_first_ = build_row_;
    candidates_ = std::min(kBatchRows, build_rows - build_row_);
    build_row_ += candidates_;
    return;
  }
  for (; row_ < batch_.size && candidate_probe_.size() + build_rows <= kBatchRows; ++row_) {
    for (uint32_t row = 0; row < build_rows; ++row) {
      candidate_probe_.push_back(row_);
      candidate_build_.push_back(row);
    }
  }
  build_row_ = 0;
  candidates_ = static_cast<uint32_t>(candidate_probe_.size());
}

Batch JoinProber::pair_columns(std::vector<Vector> probe, std::vector<Vector> build, uint32_t size) const {
  Batch batch;
  batch.size = size;
  std::vector<Vector>& first = plan_->build_left ? build : probe;
  std::vector<Vector>& second = plan_->build_left ? probe : build;
  batch.columns = std::move(first);
  for (Vector& column : second) batch.columns.push_back(std::move(column));
  return batch;
}

Result<uint32_t> JoinProber::filter_candidates() {
  std::vector<Vector> probe, build;
  if (is_block_) {
    for (const Vector& column : batch_.columns) {
      probe.push_back(Vector::repeat(column, block_row_, candidates_));
    }
    for (size_t c = 0; c < table_->column_count(); ++c) {
      build.push_back(table_->column(c).slice(block_first_, candidates_));
    }
  } else {
    probe = batch_.select(candidate_probe_.data(), candidates_).columns;
    const auto ids = shared_ids(candidate_build_.data(), candidates_);
    for (size_t c = 0; c < table_->column_count(); ++c) {
      build.push_back(Vector::dictionary(table_->column(c), ids, candidates_));
    }
  }
  const Batch both = pair_columns(std::move(probe), std::move(build), candidates_);
  return plan_->residual->filter(both, *context_.eval, kept_.get());
}

Status JoinProber::keep_matches() {
  uint32_t count = candidates_;
  if (plan_->residual != nullptr) {
    ASSIGN_OR_RETURN(count, filter_candidates());
  } else {
    std::iota(kept_.get(), kept_.get() + count, 0U);
  }
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t at = kept_[i];
    const uint32_t probe = is_block_ ? block_row_ : candidate_probe_[at];
    const uint32_t build = is_block_ ? block_first_ + at : candidate_build_[at];
    matched_[probe] = 1;
    if (stop_at_match_) continue;
    if (plan_->build_outer && build < build_matched_.size()) build_matched_[build] = 1;
    found_probe_.push_back(probe);
    found_build_.push_back(build);
  }
  return {};
}

Batch JoinProber::emit_pairs(uint32_t count) {
  const uint32_t* rows = found_probe_.data();
  bool all = count == batch_.size;
  for (uint32_t i = 0; i < count && all; ++i) all = rows[i] == i;
  std::vector<Vector> probe;
  if (all) {
    probe = batch_.columns;
  } else if (count > 1 && rows[0] == rows[count - 1]) {
    // Rows come in their order: this is one row only.
    for (const Vector& column : batch_.columns) probe.push_back(Vector::repeat(column, rows[0], count));
  } else {
    probe = batch_.select(rows, count).columns;
  }
  const auto ids = shared_ids(found_build_.data(), count);
  std::vector<Vector> build;
  for (size_t c = 0; c < table_->column_count(); ++c) {
    build.push_back(Vector::dictionary(table_->column(c), ids, count));
  }
  found_probe_.erase(found_probe_.begin(), found_probe_.begin() + count);
  found_build_.erase(found_build_.begin(), found_build_.begin() + count);
  return pair_columns(std::move(probe), std::move(build), count);
}

bool JoinProber::emit_by_match(Batch& out, bool matched) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < batch_.size; ++i) {
    if ((matched_[i] != 0) == matched) kept_[count++] = i;
  }
  if (count == 0) return false;
  out = count == batch_.size ? batch_ : batch_.select(kept_.get(), count);
  return true;
}

Result<bool> JoinProber::next(Batch& out) {
  while (!ended_) {
    const size_t found = found_probe_.size();
    if (found >= kPairsToGive || (exhausted_ && found > 0)) {
      out = emit_pairs(static_cast<uint32_t>(std::min<size_t>(found, kBatchRows)));
      return true;
    }
    if (!exhausted_) {
      if (context_.cancel != nullptr) RETURN_IF_ERROR(context_.cancel->check());
      exhausted_ = !next_candidates();
      if (!exhausted_) RETURN_IF_ERROR(keep_matches());
      continue;
    }
    ended_ = true;
    if (plan_->output != JoinPlan::Output::kPairs) {
      return emit_by_match(out, plan_->output == JoinPlan::Output::kSemi);
    }
    if (plan_->probe_outer && emit_by_match(out, false)) {
      std::vector<Vector> nulls;
      for (const Oid type : plan_->layout.column_types) {
        nulls.push_back(Vector::null_constant(type, out.size));
      }
      const uint32_t size = out.size;
      out = pair_columns(std::move(out.columns), std::move(nulls), size);
      return true;
    }
  }
  batch_ = {};
  return false;
}

bool JoinProber::next_unmatched(Batch& out) {
  uint32_t count = 0;
  for (; unmatched_row_ < build_matched_.size() && count < kBatchRows; ++unmatched_row_) {
    if (build_matched_[unmatched_row_] == 0) kept_[count++] = unmatched_row_;
  }
  if (count == 0) return false;
  std::vector<Vector> nulls, build;
  for (const Oid type : plan_->probe_types) nulls.push_back(Vector::null_constant(type, count));
  const auto ids = shared_ids(kept_.get(), count);
  for (size_t c = 0; c < table_->column_count(); ++c) {
    build.push_back(Vector::dictionary(table_->column(c), ids, count));
  }
  out = pair_columns(std::move(nulls), std::move(build), count);
  return true;
}

}  // namespace eventd::engine
