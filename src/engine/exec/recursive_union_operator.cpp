#include "engine/exec/recursive_union_operator.h"

namespace eventd::engine {

namespace {

std::vector<Oid> column_types(const PlanNode& plan) {
  std::vector<Oid> types;
  for (const OutputColumn& column : plan.columns) types.push_back(column.type.id);
  return types;
}

}  // namespace

RecursiveUnionOperator::RecursiveUnionOperator(const OperatorContext& context, OperatorStats* stats,
                                               const PlanNode& node, BatchSourcePtr first, InnerContext inner)
    : BatchSource(context, stats), node_(node), types_(column_types(node)), first_(std::move(first)),
      inner_(std::move(inner)), added_(std::make_shared<KeptRows>(types_, context.memory)),
      seen_grant_(context.memory) {
  if (node.set_all) return;
  seen_ = std::make_unique<GroupTable>(types_);
  groups_ = std::make_unique_for_overwrite<uint32_t[]>(kBatchRows);
}

Status RecursiveUnionOperator::keep_new(Batch& batch) {
  if (seen_ == nullptr) return {};
  const uint32_t before = seen_->group_count();
  seen_->find_or_add(batch.columns, batch.size, groups_.get());
  RETURN_IF_ERROR(seen_grant_.ensure(seen_->memory_bytes()));
  std::vector<uint32_t> rows;
  uint32_t next = before;
  for (uint32_t i = 0; i < batch.size; ++i) {
    if (groups_[i] != next) continue;
    ++next;
    rows.push_back(i);
  }
  if (rows.size() < batch.size) batch = batch.select(rows.data(), static_cast<uint32_t>(rows.size()));
  return {};
}

Status RecursiveUnionOperator::start_round() {
  RETURN_IF_ERROR(added_->flush());
  *inner_.scope->working = std::move(added_);
  added_ = std::make_shared<KeptRows>(types_, context().memory);
  ASSIGN_OR_RETURN(round_, SubExecution::start(*node_.children[1], {}, inner_, false));
  return {};
}

Result<bool> RecursiveUnionOperator::next_of_round(Batch& batch) {
  if (first_ != nullptr) {
    ASSIGN_OR_RETURN(const bool more, first_->next(batch));
    if (more) return true;
    first_.reset();
  } else if (round_ != nullptr) {
    ASSIGN_OR_RETURN(const bool more, round_->next(batch));
    if (more) return true;
    round_.reset();
  }
  return false;
}

Result<bool> RecursiveUnionOperator::produce(Batch& batch) {
  for (;;) {
    if (context().cancel != nullptr) RETURN_IF_ERROR(context().cancel->check());
    ASSIGN_OR_RETURN(const bool more, next_of_round(batch));
    if (!more) {
      if (added_->row_count() == 0) {
        inner_.scope->working->reset();
        return false;
      }
      RETURN_IF_ERROR(start_round());
      continue;
    }
    RETURN_IF_ERROR(keep_new(batch));
    if (batch.size == 0) continue;
    RETURN_IF_ERROR(added_->add(batch));
    return true;
  }
}

}  // namespace eventd::engine
