#include "engine/exec/distinct_on.h"

#include <algorithm>

#include "engine/exec/gather_partials.h"

namespace eventd::engine {

namespace {

std::vector<Oid> types_of(const std::vector<SortKey>& keys) {
  std::vector<Oid> types;
  for (const SortKey& key : keys) types.push_back(key.expression->type.id);
  return types;
}

}  // namespace

Result<std::shared_ptr<const DistinctOnPlan>> DistinctOnPlan::compile(const PlanNode& node,
                                                                      const EvalContext& context) {
  auto plan = std::make_shared<DistinctOnPlan>();
  for (const ExprPtr& key : node.group_by) {
    ASSIGN_OR_RETURN(auto compiled, CompiledExpression::compile(*key, context));
    plan->keys.push_back(std::move(compiled));
    plan->key_types.push_back(key->type.id);
  }
  for (const OutputColumn& column : node.children[0]->columns) plan->column_types.push_back(column.type.id);
  for (const SortKey& key : node.sort_keys) {
    const bool is_distinct_key = std::any_of(node.group_by.begin(), node.group_by.end(), [&](const ExprPtr& one) {
      return one->equals(*key.expression);
    });
    if (is_distinct_key) continue;
    plan->within_keys.push_back({key.expression->clone(), key.descending, key.nulls_first, key.eql_order});
  }
  if (!plan->within_keys.empty()) {
    ASSIGN_OR_RETURN(plan->within, SortOrder::compile(plan->within_keys, context));
  }
  if (!node.sort_keys.empty()) {
    ASSIGN_OR_RETURN(plan->order, SortOrder::compile(node.sort_keys, context));
  }
  return std::shared_ptr<const DistinctOnPlan>(std::move(plan));
}

DistinctOnRows::DistinctOnRows(const OperatorContext& context, std::shared_ptr<const DistinctOnPlan> plan)
    : context_(context), plan_(std::move(plan)), groups_(plan_->key_types),
      rows_(plan_->column_types), order_rows_(types_of(plan_->within_keys)), grant_(context.memory) {
  if (plan_->order != nullptr) {
    sorter_ = std::make_unique<RowSorter>(context, plan_->order, std::nullopt);
  }
}

size_t DistinctOnRows::peak_memory_bytes() const {
  return grant_.peak_bytes() + (sorter_ != nullptr ? sorter_->peak_memory_bytes() : 0);
}

Status DistinctOnRows::add(Batch batch) {
  if (overflowed_) return sorter_->add(std::move(batch));
  RETURN_IF_ERROR(choose(batch));
  const size_t bytes = groups_.memory_bytes() + rows_.memory_bytes() + order_rows_.memory_bytes() +
                       best_.capacity() * sizeof(SortOrder::Leading) +
                       candidates_.capacity() * sizeof(uint32_t);
  if (sorter_ == nullptr || context_.temp == nullptr) return grant_.ensure(bytes);
  return grant_.try_ensure(bytes) ? Status() : overflow();
}

bool DistinctOnRows::is_better(uint32_t group, const std::vector<Vector>& order_keys, uint32_t row) {
  const SortOrder::Leading& mine = leading_[row];
  const SortOrder::Leading& best = best_[group];
  if (mine.rank != best.rank) return mine.rank < best.rank;
  if (mine.prefix != best.prefix) return mine.prefix < best.prefix;
  if (plan_->within->leading_is_complete()) return false;
  if (candidates_[group] != 0) {
    return plan_->within->compare(order_keys, row, order_keys, candidates_[group] - 1) < 0;
  }
  return plan_->within->compare(order_keys, row, order_rows_.columns_of(group, 1), 0) < 0;
}

Status DistinctOnRows::choose(const Batch& batch) {
  std::vector<Vector> keys;
  for (const auto& key : plan_->keys) {
    ASSIGN_OR_RETURN(Vector vector, key->evaluate(batch, *context_.eval));
    keys.push_back(std::move(vector));
  }
  std::vector<Vector> order_keys;
  if (plan_->within != nullptr) {
    ASSIGN_OR_RETURN(order_keys, plan_->within->keys(batch, *context_.eval));
    leading_.resize(batch.size);
    plan_->within->leading(order_keys.front(), leading_.data());
  }
  const uint32_t known = groups_.group_count();
  group_ids_.resize(batch.size);
  groups_.find_or_add(keys, batch.size, group_ids_.data());
  const uint32_t count = groups_.group_count();
  candidates_.resize(count, 0);
  if (plan_->within != nullptr) best_.resize(count);
  touched_.clear();
  for (uint32_t row = 0; row < batch.size; ++row) {
    const uint32_t group = group_ids_[row];
    const bool first = group >= known && candidates_[group] == 0;
    if (!first && (plan_->within == nullptr || !is_better(group, order_keys, row))) continue;
    if (candidates_[group] == 0) touched_.push_back(group);
    candidates_[group] = row + 1;
    if (plan_->within != nullptr) best_[group] = leading_[row];
  }
  if (touched_.empty()) return {};
  rows_.replace(batch.columns, touched_, candidates_, count);
  if (plan_->within != nullptr && !plan_->within->leading_is_complete()) {
    order_rows_.replace(order_keys, touched_, candidates_, count);
  }
  for (const uint32_t group : touched_) candidates_[group] = 0;
  return {};
}

Status DistinctOnRows::overflow() {
  for (uint32_t first = 0; first < groups_.group_count(); first += kBatchRows) {
    Batch batch;
    batch.size = std::min(kBatchRows, groups_.group_count() - first);
    batch.columns = rows_.columns_of(first, batch.size);
    RETURN_IF_ERROR(sorter_->add(std::move(batch)));
  }
  overflowed_ = true;
  groups_ = GroupTable(plan_->key_types);
  rows_ = TopRows(plan_->column_types);
  order_rows_ = TopRows(types_of(plan_->within_keys));
  best_ = {};
  candidates_ = {};
  grant_.reset();
  return {};
}

Status DistinctOnRows::absorb(DistinctOnRows& other) {
  if (other.overflowed_) {
    if (!overflowed_) RETURN_IF_ERROR(overflow());
    RETURN_IF_ERROR(other.sorter_->finish());
    for (;;) {
      Batch batch;
      ASSIGN_OR_RETURN(const bool more, other.sorter_->next(batch));
      if (!more) break;
      RETURN_IF_ERROR(add(std::move(batch)));
    }
    return {};
  }
  for (uint32_t first = 0; first < other.groups_.group_count(); first += kBatchRows) {
    if (context_.cancel != nullptr) RETURN_IF_ERROR(context_.cancel->check());
    Batch batch;
    batch.size = std::min(kBatchRows, other.groups_.group_count() - first);
    batch.columns = other.rows_.columns_of(first, batch.size);
    RETURN_IF_ERROR(add(std::move(batch)));
  }
  return {};
}

Status DistinctOnRows::finish() {
  if (sorter_ == nullptr) return {};  // no keys at all: one row
  if (overflowed_) return sorter_->finish();
  RETURN_IF_ERROR(overflow());
  overflowed_ = false;
  return sorter_->finish();
}

Result<uint32_t> DistinctOnRows::drop_repeated(const Batch& batch, uint32_t* rows) {
  std::vector<Vector> keys, last_keys;
  for (const auto& key : plan_->keys) {
    ASSIGN_OR_RETURN(Vector vector, key->evaluate(batch, *context_.eval));
    keys.push_back(std::move(vector));
    if (last_.size == 0) continue;
    ASSIGN_OR_RETURN(Vector last, key->evaluate(last_, *context_.eval));
    last_keys.push_back(std::move(last));
  }
  uint32_t count = 0;
  for (uint32_t row = 0; row < batch.size; ++row) {
    const bool has_last = row > 0 || last_.size > 0;
    bool same = has_last;
    for (size_t k = 0; k < keys.size() && same; ++k) {
      const Vector& before = row > 0 ? keys[k] : last_keys[k];
      const uint32_t at = row > 0 ? row - 1 : 0;
      const bool null = keys[k].is_null(row);
      same = null == before.is_null(at) && (null || values_equal(before, at, keys[k], row));
    }
    if (!same) rows[count++] = row;
  }
  const uint32_t last_row = batch.size - 1;
  last_ = batch.select(&last_row, 1);
  return count;
}

Result<bool> DistinctOnRows::next(Batch& batch) {
  if (sorter_ == nullptr) {
    if (groups_.group_count() == 0 || last_.size > 0) return false;
    batch.size = last_.size = groups_.group_count();
    batch.columns = rows_.columns_of(0, batch.size);
    return true;
  }
  if (!overflowed_) return sorter_->next(batch);
  std::vector<uint32_t> rows(kBatchRows);
  for (;;) {
    Batch sorted;
    ASSIGN_OR_RETURN(const bool more, sorter_->next(sorted));
    if (!more) return false;
    ASSIGN_OR_RETURN(const uint32_t count, drop_repeated(sorted, rows.data()));
    if (count == 0) continue;
    batch = count == sorted.size ? std::move(sorted) : sorted.select(rows.data(), count);
    return true;
  }
}

Result<bool> DistinctOnOperator::produce(Batch& batch) {
  if (child_ != nullptr) {
    for (;;) {
      Batch input;
      ASSIGN_OR_RETURN(const bool more, child_->next(input));
      if (!more) break;
      RETURN_IF_ERROR(rows_.add(std::move(input)));
    }
    child_.reset();
    RETURN_IF_ERROR(rows_.finish());
    if (stats() != nullptr) stats()->memory_bytes.store(rows_.peak_memory_bytes());
  }
  return rows_.next(batch);
}

Status GatherDistinctOnOperator::run() {
  const PartialWork<DistinctOnRows> work{
      .make = [&] { return std::make_unique<DistinctOnRows>(context(), plan_); },
      .add = [](DistinctOnRows& part, Batch batch) { return part.add(std::move(batch)); },
      .combine = [](DistinctOnRows& total, DistinctOnRows& part) { return total.absorb(part); }};
  ASSIGN_OR_RETURN(total_, gather_partials(fragment_, context(), options_, work));
  return total_->finish();
}

Result<bool> GatherDistinctOnOperator::produce(Batch& batch) {
  if (total_ == nullptr) {
    RETURN_IF_ERROR(run());
    if (stats() != nullptr) stats()->memory_bytes.store(total_->peak_memory_bytes());
  }
  return total_->next(batch);
}

}  // namespace eventd::engine
