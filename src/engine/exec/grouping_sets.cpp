#include "engine/exec/grouping_sets.h"

#include "engine/exec/gather_partials.h"

namespace eventd::engine {

Result<std::shared_ptr<const GroupingSetsPlan>> GroupingSetsPlan::compile(const PlanNode& node,
                                                                          const EvalContext& context) {
  auto plan = std::make_shared<GroupingSetsPlan>();
  ASSIGN_OR_RETURN(const std::shared_ptr<const AggregationPlan> all,
                   AggregationPlan::compile(node, context));
  plan->key_types = all->key_types;
  plan->keys = node.grouping_sets;
  for (const std::vector<int>& set : plan->keys) {
    auto part = std::make_shared<AggregationPlan>(*all);
    part->keys.clear();
    part->key_types.clear();
    for (const int key : set) {
      part->keys.push_back(all->keys[static_cast<size_t>(key)]);
      part->key_types.push_back(all->key_types[static_cast<size_t>(key)]);
    }
    plan->sets.push_back(std::move(part));
  }
  return std::shared_ptr<const GroupingSetsPlan>(std::move(plan));
}

GroupingSets::GroupingSets(const OperatorContext& context, std::shared_ptr<const GroupingSetsPlan> plan)
    : plan_(std::move(plan)) {
  for (const auto& set : plan_->sets) sets_.push_back(std::make_unique<Aggregation>(context, set));
}

Status GroupingSets::add(const Batch& batch) {
  for (const auto& set : sets_) RETURN_IF_ERROR(set->add(batch));
  return {};
}

Status GroupingSets::combine(GroupingSets& other) {
  for (size_t i = 0; i < sets_.size(); ++i) {
    RETURN_IF_ERROR(sets_[i]->combine(*other.sets_[i]));
    other.sets_[i].reset();
  }
  return {};
}

Status GroupingSets::finish() {
  for (const auto& set : sets_) RETURN_IF_ERROR(set->finish());
  return {};
}

Result<bool> GroupingSets::next(Batch& batch) {
  for (; current_ < sets_.size(); ++current_) {
    Batch part;
    ASSIGN_OR_RETURN(const bool more, sets_[current_]->next(part));
    if (!more) {
      sets_[current_].reset();
      continue;
    }
    const std::vector<int>& keys = plan_->keys[current_];
    batch.size = part.size;
    batch.columns.clear();
    for (const Oid type : plan_->key_types) batch.columns.push_back(Vector::null_constant(type, part.size));
    for (size_t k = 0; k < keys.size(); ++k) {
      batch.columns[static_cast<size_t>(keys[k])] = part.columns[k];
    }
    for (size_t c = keys.size(); c < part.columns.size(); ++c) {
      batch.columns.push_back(std::move(part.columns[c]));
    }
    batch.columns.push_back(
        Vector::constant(Datum::int4(static_cast<int32_t>(current_)), part.size));
    return true;
  }
  return false;
}

size_t GroupingSets::peak_memory_bytes() const {
  size_t bytes = 0;
  for (const auto& set : sets_) bytes += set != nullptr ? set->peak_memory_bytes() : 0;
  return bytes;
}

Status GroupingSetsOperator::gather() {
  const PartialWork<GroupingSets> work{
      .make = [&] { return std::make_unique<GroupingSets>(context(), plan_); },
      .add = [](GroupingSets& part, Batch batch) { return part.add(batch); },
      .combine = [](GroupingSets& total, GroupingSets& part) { return total.combine(part); }};
  ASSIGN_OR_RETURN(total_, gather_partials(*fragment_, context(), options_, work));
  return {};
}

Status GroupingSetsOperator::read() {
  total_ = std::make_unique<GroupingSets>(context(), plan_);
  for (;;) {
    Batch batch;
    ASSIGN_OR_RETURN(const bool more, child_->next(batch));
    if (!more) break;
    RETURN_IF_ERROR(total_->add(batch));
  }
  child_.reset();
  return {};
}

Result<bool> GroupingSetsOperator::produce(Batch& batch) {
  if (total_ == nullptr) {
    if (fragment_ != nullptr) {
      RETURN_IF_ERROR(gather());
    } else {
      RETURN_IF_ERROR(read());
    }
    RETURN_IF_ERROR(total_->finish());
    if (stats() != nullptr) stats()->memory_bytes.store(total_->peak_memory_bytes());
  }
  return total_->next(batch);
}

}  // namespace eventd::engine
