#include "engine/exec/aggregation.h"

#include <algorithm>

namespace eventd::engine {

namespace {

/// Groups whose states are allocated together: few at first, so that a single group stays cheap.
size_t groups_of_next_block(size_t groups) { return std::clamp<size_t>(groups, 4, 16'384); }

/// The rows `ids` of some vectors.
std::vector<Vector> select_vectors(std::vector<Vector> vectors, uint32_t rows, const uint32_t* ids,
                                   uint32_t count) {
  Batch batch;
  batch.size = rows;
  batch.columns = std::move(vectors);
  return batch.select(ids, count).columns;
}

}  // namespace

Aggregation::Aggregation(const OperatorContext& context, std::shared_ptr<const AggregationPlan> plan)
    : context_(context), plan_(std::move(plan)), groups_(plan_->key_types), grant_(context.memory) {
  for (const AggregationPlan::Call& call : plan_->calls) {
    CallState state;
    if (call.call->distinct) {
      std::vector<Oid> types{oid::kInt8};
      for (const auto& argument : call.arguments) types.push_back(argument->expr().type.id);
      state.seen = std::make_unique<GroupTable>(std::move(types));
    }
    if (call.order != nullptr) {
      state.sorter = std::make_unique<RowSorter>(context, call.order, std::nullopt);
    }
    call_states_.push_back(std::move(state));
  }
}

Aggregation::~Aggregation() {
  for (const AggregationPlan::Call& call : plan_->calls) {
    if (call.call->function->destroy == nullptr) continue;
    for (std::byte* state : states_) call.call->function->destroy(state + call.state_offset);
  }
}

void Aggregation::add_states() {
  const size_t wanted = plan_->key_types.empty() ? 1 : groups_.group_count();
  const size_t bytes = std::max<size_t>(plan_->state_bytes, 16);
  while (states_.size() < wanted) {
    if (states_left_ == 0) {
      states_left_ = groups_of_next_block(states_.size());
      blocks_.push_back(std::unique_ptr<std::byte[]>(new std::byte[states_left_ * bytes]()));
      block_bytes_ += states_left_ * bytes;
      next_state_ = blocks_.back().get();
    }
    for (const AggregationPlan::Call& call : plan_->calls) {
      if (call.call->function->init != nullptr) call.call->function->init(next_state_ + call.state_offset);
    }
    states_.push_back(next_state_);
    next_state_ += bytes;
    --states_left_;
  }
}

Status Aggregation::account() {
  size_t bytes = groups_.memory_bytes() + block_bytes_ + states_.capacity() * sizeof(void*) + inner_bytes_;
  for (const CallState& state : call_states_) {
    if (state.seen != nullptr) bytes += state.seen->memory_bytes();
  }
  return grant_.ensure(bytes);
}

Status Aggregation::add(const Batch& batch) {
  group_ids_.assign(batch.size, 0);
  if (!plan_->keys.empty()) {
    std::vector<Vector> keys;
    keys.reserve(plan_->keys.size());
    for (const auto& key : plan_->keys) {
      ASSIGN_OR_RETURN(Vector vector, key->evaluate(batch, *context_.eval));
      keys.push_back(std::move(vector));
    }
    groups_.find_or_add(keys, batch.size, group_ids_.data());
  }
  add_states();
  for (size_t i = 0; i < plan_->calls.size(); ++i) RETURN_IF_ERROR(update_call(i, batch));
  return account();
}

Status Aggregation::update_call(size_t index, const Batch& batch) {
  const AggregationPlan::Call& call = plan_->calls[index];
  CallState& state = call_states_[index];
  const uint32_t* groups = group_ids_.data();
  Batch filtered;
  const Batch* input = &batch;
  std::vector<uint32_t> filtered_groups;
  if (call.filter != nullptr) {
    std::vector<uint32_t> rows(batch.size);
    ASSIGN_OR_RETURN(const uint32_t count, call.filter->filter(batch, *context_.eval, rows.data()));
    if (count == 0) return {};
    if (count < batch.size) {
      filtered = batch.select(rows.data(), count);
      input = &filtered;
      filtered_groups.resize(count);
      for (uint32_t i = 0; i < count; ++i) filtered_groups[i] = groups[rows[i]];
      groups = filtered_groups.data();
    }
  }
  if (state.sorter != nullptr) {
    // Kept with their group in one more column, in the order the call asks for.
    Batch kept = *input;
    Vector ids = Vector::flat(oid::kInt8, input->size);
    for (uint32_t i = 0; i < input->size; ++i) ids.data<int64_t>()[i] = groups[i];
    kept.columns.push_back(std::move(ids));
    return state.sorter->add(std::move(kept));
  }
  std::vector<Vector> arguments;
  arguments.reserve(call.arguments.size());
  for (const auto& argument : call.arguments) {
    ASSIGN_OR_RETURN(Vector vector, argument->evaluate(*input, *context_.eval));
    arguments.push_back(std::move(vector));
  }
  return update_states(index, std::move(arguments), input->size, groups);
}

Status Aggregation::update_states(size_t index, std::vector<Vector> arguments, uint32_t rows,
                                  const uint32_t* groups) {
  const AggregationPlan::Call& call = plan_->calls[index];
  const AggregateFunction& function = *call.call->function;
  CallState& state = call_states_[index];
  std::vector<uint32_t> new_groups;
  if (state.seen != nullptr) {
    std::vector<Vector> keys;
    keys.push_back(Vector::flat(oid::kInt8, rows));
    for (uint32_t i = 0; i < rows; ++i) keys[0].data<int64_t>()[i] = groups[i];
    keys.insert(keys.end(), arguments.begin(), arguments.end());
    std::vector<uint32_t> ids(rows);
    uint32_t next_new = state.seen->group_count();
    state.seen->find_or_add(keys, rows, ids.data());
    // Numbers are given in row order: a row is new when it has the next number.
    std::vector<uint32_t> selected;
    for (uint32_t i = 0; i < rows; ++i) {
      if (ids[i] != next_new) continue;
      ++next_new;
      selected.push_back(i);
      new_groups.push_back(groups[i]);
    }
    if (selected.empty()) return {};
    const uint32_t count = static_cast<uint32_t>(selected.size());
    arguments = select_vectors(std::move(arguments), rows, selected.data(), count);
    rows = count;
    groups = new_groups.data();
  }
  if (plan_->key_types.empty() && function.update_single != nullptr) {
    RETURN_IF_ERROR(function.update_single(*context_.eval, arguments, rows,
                                           states_[0] + call.state_offset));
  } else {
    pointers_.resize(rows);
    std::byte* const* states = states_.data();
    for (uint32_t i = 0; i < rows; ++i) pointers_[i] = states[groups[i]] + call.state_offset;
    RETURN_IF_ERROR(function.update(*context_.eval, arguments, rows, pointers_.data()));
  }
  if (function.memory_bytes == nullptr) return {};
  state.accounted_bytes.resize(states_.size());
  for (uint32_t i = 0; i < rows; ++i) {
    const uint32_t group = groups[i];
    const size_t bytes = function.memory_bytes(states_[group] + call.state_offset);
    inner_bytes_ += bytes - state.accounted_bytes[group];
    state.accounted_bytes[group] = bytes;
    if (plan_->key_types.empty()) break;
  }
  return {};
}

Status Aggregation::combine(Aggregation& other) {
  other.add_states();
  for (uint32_t chunk = 0; chunk < (plan_->key_types.empty() ? 1 : other.groups_.chunk_count()); ++chunk) {
    if (context_.cancel != nullptr) RETURN_IF_ERROR(context_.cancel->check());
    uint32_t rows = 1;
    group_ids_.assign(kBatchRows, 0);
    if (!plan_->key_types.empty()) {
      const std::vector<Vector> keys = other.groups_.keys_of_chunk(chunk);
      rows = keys[0].size();
      groups_.find_or_add(keys, rows, group_ids_.data());
    }
    add_states();
    for (const AggregationPlan::Call& call : plan_->calls) {
      for (uint32_t i = 0; i < rows; ++i) {
        RETURN_IF_ERROR(call.call->function->combine(
            *context_.eval, states_[group_ids_[i]] + call.state_offset,
            other.states_[chunk * kBatchRows + i] + call.state_offset));
      }
    }
    RETURN_IF_ERROR(account());
  }
  inner_bytes_ += other.inner_bytes_;
  return account();
}

Status Aggregation::feed_sorted(size_t index) {
  RowSorter& sorter = *call_states_[index].sorter;
  RETURN_IF_ERROR(sorter.finish());
  const AggregationPlan::Call& call = plan_->calls[index];
  Batch batch;
  std::vector<uint32_t> groups;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, sorter.next(batch));
    if (!more) break;
    if (context_.cancel != nullptr) RETURN_IF_ERROR(context_.cancel->check());
    const VectorView<int64_t> ids = batch.columns.back().view<int64_t>();
    groups.resize(batch.size);
    for (uint32_t i = 0; i < batch.size; ++i) groups[i] = static_cast<uint32_t>(ids[i]);
    std::vector<Vector> arguments;
    for (const auto& argument : call.arguments) {
      ASSIGN_OR_RETURN(Vector vector, argument->evaluate(batch, *context_.eval));
      arguments.push_back(std::move(vector));
    }
    RETURN_IF_ERROR(update_states(index, std::move(arguments), batch.size, groups.data()));
    RETURN_IF_ERROR(account());
  }
  call_states_[index].sorter.reset();
  return {};
}

Status Aggregation::finish() {
  add_states();
  for (size_t i = 0; i < call_states_.size(); ++i) {
    if (call_states_[i].sorter != nullptr) RETURN_IF_ERROR(feed_sorted(i));
  }
  return {};
}

Result<bool> Aggregation::next(Batch& batch) {
  const uint32_t first = next_chunk_ * kBatchRows;
  if (first >= states_.size()) return false;
  const uint32_t rows = static_cast<uint32_t>(std::min<size_t>(kBatchRows, states_.size() - first));
  batch.columns.clear();
  batch.size = rows;
  if (!plan_->key_types.empty()) batch.columns = groups_.keys_of_chunk(next_chunk_);
  for (const AggregationPlan::Call& call : plan_->calls) {
    Vector column = Vector::flat(call.call->type.id, rows);
    for (uint32_t i = 0; i < rows; ++i) {
      RETURN_IF_ERROR(call.call->function->finalize(
          *context_.eval, states_[first + i] + call.state_offset, call.call->type, column, i));
    }
    batch.columns.push_back(std::move(column));
  }
  ++next_chunk_;
  return true;
}

Result<bool> AggregateOperator::produce(Batch& batch) {
  if (child_ != nullptr) {
    Batch input;
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, child_->next(input));
      if (!more) break;
      RETURN_IF_ERROR(aggregation_.add(input));
    }
    child_.reset();
    RETURN_IF_ERROR(aggregation_.finish());
    if (stats() != nullptr) stats()->memory_bytes.store(aggregation_.peak_memory_bytes());
  }
  return aggregation_.next(batch);
}

Result<bool> DistinctOperator::produce(Batch& batch) {
  uint32_t* groups = groups_.get();
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, child_->next(batch));
    if (!more) return false;
    uint32_t next_new = seen_.group_count();
    seen_.find_or_add(batch.columns, batch.size, groups);
    RETURN_IF_ERROR(grant_.ensure(seen_.memory_bytes()));
    uint32_t count = 0;
    for (uint32_t i = 0; i < batch.size; ++i) {
      if (groups[i] != next_new) continue;
      ++next_new;
      groups[count++] = i;
    }
    if (count == 0) continue;
    if (count < batch.size) batch = batch.select(groups, count);
    return true;
  }
}

}  // namespace eventd::engine
