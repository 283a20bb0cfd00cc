#include "engine/exec/apply_operator.h"

#include "engine/exec/compiled_subquery.h"
#include "engine/exec/physical_costs.h"

namespace eventd::engine {

namespace {

/// Results up to this many bytes are remembered, and all of them together up to the other.
constexpr size_t kResultBytesMax = 1 << 20, kKnownResultsBytesMax = 16 << 20;
/// Batches of the right side from this many rows on aren't copied.
constexpr uint32_t kLargeRows = kBatchRows / 8;

}  // namespace

Result<std::shared_ptr<const ApplyPlan>> ApplyPlan::compile(const PlanNode& node, const EvalContext& context) {
  auto plan = std::make_shared<ApplyPlan>();
  plan->node = &node;
  for (const ExprPtr& argument : node.expressions) {
    ASSIGN_OR_RETURN(ExpressionPtr compiled, CompiledExpression::compile(*argument, context));
    plan->arguments.push_back(std::move(compiled));
  }
  if (node.condition != nullptr) {
    ASSIGN_OR_RETURN(plan->condition, CompiledExpression::compile(*node.condition, context));
  }
  for (const OutputColumn& column : node.children[1]->columns) plan->right_types.push_back(column.type.id);
  plan->repeatable = plan_volatility(*node.children[1]) != Volatility::kVolatile;
  return std::shared_ptr<const ApplyPlan>(std::move(plan));
}

ApplyOperator::ApplyOperator(const OperatorContext& context, OperatorStats* stats, BatchSourcePtr child,
                             std::shared_ptr<const ApplyPlan> plan, InnerContext inner)
    : BatchSource(context, stats), child_(std::move(child)), plan_(std::move(plan)), inner_(std::move(inner)),
      known_grant_(context.memory), pairs_(plan_->right_types) {}

Result<bool> ApplyOperator::next_row() {
  if (left_.size > 0 && row_ + 1 < left_.size) {
    ++row_;
  } else {
    if (!pair_rows_.empty()) return true;  // they refer to the batch that is there
    if (child_ended_) return false;
    ASSIGN_OR_RETURN(const bool more, child_->next(left_));
    if (!more) {
      child_ended_ = true;
      left_ = {};
      return false;
    }
    row_ = 0;
    arguments_.clear();
    for (const ExpressionPtr& argument : plan_->arguments) {
      ASSIGN_OR_RETURN(Vector value, argument->evaluate(left_, eval()));
      arguments_.push_back(std::move(value));
    }
  }
  row_open_ = true;
  row_matched_ = false;
  RETURN_IF_ERROR(open_right());
  return true;
}

Status ApplyOperator::open_right() {
  replay_.reset();
  replay_next_ = 0;
  recorded_.reset();
  if (plan_->repeatable) {
    key_.clear();
    append_tuple_key(arguments_, row_, key_);
    const auto found = known_.find(key_);
    if (found != known_.end()) {
      replay_ = found->second;
      return {};
    }
    // A small one is accounted when it is kept; that of all rows may be large.
    recorded_ = std::make_shared<KeptRows>(plan_->right_types, arguments_.empty() ? context().memory : nullptr);
  }
  std::vector<Datum> values;
  for (const Vector& argument : arguments_) values.push_back(argument.datum(row_));
  ASSIGN_OR_RETURN(run_, SubExecution::start(*plan_->node->children[1], values, inner_, false));
  return {};
}

Result<bool> ApplyOperator::next_right(Batch& right) {
  if (replay_ != nullptr) {
    if (replay_next_ == replay_->batch_count()) return false;
    right = replay_->batch(replay_next_++);
    return true;
  }
  ASSIGN_OR_RETURN(const bool more, run_->next(right));
  if (!more) {
    run_.reset();
    if (recorded_ != nullptr) remember();
    return false;
  }
  if (recorded_ != nullptr) {
    // Without arguments every row gets the same: that is worth any memory there is.
    const bool keep = recorded_->memory_bytes() <= kResultBytesMax || arguments_.empty();
    if (!keep || !recorded_->add(right).ok()) recorded_.reset();
  }
  return true;
}

void ApplyOperator::remember() {
  if (!recorded_->flush().ok()) return;
  const size_t bytes = recorded_->memory_bytes() + key_.size() + 256;
  if (!arguments_.empty()) {
    if (known_bytes_ + bytes > kKnownResultsBytesMax || !known_grant_.try_ensure(known_bytes_ + bytes)) {
      known_.clear();
      known_bytes_ = 0;
      known_grant_.reset();
      if (!known_grant_.try_ensure(bytes)) return;
    }
    known_bytes_ += bytes;
  }
  known_.emplace(key_, std::move(recorded_));
}

Status ApplyOperator::add_pairs(Batch right) {
  if (plan_->condition != nullptr) {
    Batch both;
    both.size = right.size;
    for (const Vector& column : left_.columns) both.columns.push_back(Vector::repeat(column, row_, right.size));
    both.columns.insert(both.columns.end(), right.columns.begin(), right.columns.end());
    std::vector<uint32_t> kept(right.size);
    ASSIGN_OR_RETURN(const uint32_t count, plan_->condition->filter(both, eval(), kept.data()));
    if (count == 0) return {};
    if (count < right.size) right = right.select(kept.data(), count);
  }
  row_matched_ = true;
  if (right.size >= kLargeRows || pairs_.size() + right.size > kBatchRows) {
    large_ = std::move(right);
    has_large_ = true;
    return {};
  }
  for (uint32_t i = 0; i < right.size; ++i) {
    pairs_.append(right, i);
    pair_rows_.push_back(row_);
  }
  return {};
}

Status ApplyOperator::add_unmatched() {
  const uint32_t to = pairs_.add_row();
  for (size_t c = 0; c < plan_->right_types.size(); ++c) pairs_.column(c).set_null(to);
  pair_rows_.push_back(row_);
  return {};
}

Batch ApplyOperator::take_pairs() {
  Batch result = left_.select(pair_rows_.data(), static_cast<uint32_t>(pair_rows_.size()));
  Batch right = pairs_.take();
  for (Vector& column : right.columns) result.columns.push_back(std::move(column));
  pair_rows_.clear();
  return result;
}

Result<bool> ApplyOperator::produce(Batch& batch) {
  for (;;) {
    if (context().cancel != nullptr) RETURN_IF_ERROR(context().cancel->check());
    if (pairs_.full() || (has_large_ && !pair_rows_.empty())) {
      batch = take_pairs();
      return true;
    }
    if (has_large_) {
      has_large_ = false;
      batch.columns.clear();
      batch.size = large_.size;
      for (const Vector& column : left_.columns) {
        batch.columns.push_back(Vector::repeat(column, row_, large_.size));
      }
      for (Vector& column : large_.columns) batch.columns.push_back(std::move(column));
      return true;
    }
    if (!row_open_) {
      ASSIGN_OR_RETURN(const bool more, next_row());
      if (!more) return false;
      if (!row_open_) {
        batch = take_pairs();
        return true;
      }
    }
    Batch right;
    ASSIGN_OR_RETURN(const bool more, next_right(right));
    if (more) {
      RETURN_IF_ERROR(add_pairs(std::move(right)));
      continue;
    }
    row_open_ = false;
    if (!row_matched_ && plan_->node->join_type == JoinType::kLeft) RETURN_IF_ERROR(add_unmatched());
  }
}

}  // namespace eventd::engine
