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

Aggregation::Aggregation(const OperatorContext& context, std::shared_ptr<const AggregationPlan> plan,
                         size_t workers, uint32_t level)
    : context_(context), plan_(std::move(plan)), groups_(plan_->key_types), grant_(context.memory),
      level_(level) {
  if (workers > 1 && context.memory != nullptr) {
    share_bytes_ = context.memory->limit_bytes() / 8 * 3 / workers;
  }
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

Aggregation::~Aggregation() { destroy_states(); }

void Aggregation::destroy_states() {
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

size_t Aggregation::held_bytes() const {
  size_t bytes = groups_.memory_bytes() + block_bytes_ + states_.capacity() * sizeof(void*) + inner_bytes_;
  for (const CallState& state : call_states_) {
    if (state.seen != nullptr) bytes += state.seen->memory_bytes();
  }
  return bytes;
}

void Aggregation::make_room(uint32_t rows) {
  if (frozen_ || !can_spill() || groups_.group_count() == 0) return;
  size_t bytes = held_bytes() + groups_.growth_bytes(rows);
  if (states_left_ < rows) {
    bytes += std::max<size_t>(groups_of_next_block(states_.size()), rows) * std::max<size_t>(plan_->state_bytes, 16);
  }
  if (states_.size() + rows > states_.capacity()) bytes += (states_.capacity() + rows) * sizeof(void*);
  const bool within_share = share_bytes_ == 0 || bytes <= share_bytes_;
  if (!within_share || !grant_.try_ensure(bytes)) set_frozen(true);
}

Status Aggregation::account() { return grant_.ensure(held_bytes()); }

bool Aggregation::can_spill() const {
  return context_.temp != nullptr && !plan_->key_types.empty() && level_ < SpillPartitions::kLevelsMax;
}

void Aggregation::set_frozen(bool frozen) {
  frozen_ = frozen;
  groups_.set_frozen(frozen);
}

Result<uint32_t> Aggregation::split_known(const Batch& batch, const std::vector<Vector>& keys,
                                          uint32_t* known) {
  std::vector<uint32_t> others;
  uint32_t count = 0;
  for (uint32_t i = 0; i < batch.size; ++i) {
    if (group_ids_[i] == GroupTable::kNoGroup) {
      others.push_back(i);
    } else {
      group_ids_[count] = group_ids_[i];
      known[count++] = i;
    }
  }
  if (others.empty()) return count;
  if (spilled_ == nullptr) {
    std::vector<Oid> types;
    for (const Vector& column : batch.columns) types.push_back(column.type());
    ASSIGN_OR_RETURN(spilled_, SpillPartitions::create(context_, std::move(types), level_));
  }
  std::vector<uint64_t> hashes(batch.size);
  for (size_t k = 0; k < keys.size(); ++k) hash_vector(keys[k], hashes.data(), batch.size, k > 0);
  RETURN_IF_ERROR(spilled_->add(batch, hashes.data(), others.data(), static_cast<uint32_t>(others.size())));
  return count;
}

Status Aggregation::add(const Batch& batch) {
  group_ids_.assign(batch.size, 0);
  if (plan_->keys.empty()) return aggregate(batch);
  std::vector<Vector> keys;
  keys.reserve(plan_->keys.size());
  for (const auto& key : plan_->keys) {
    ASSIGN_OR_RETURN(Vector vector, key->evaluate(batch, *context_.eval));
    keys.push_back(std::move(vector));
  }
  make_room(batch.size);
  groups_.find_or_add(keys, batch.size, group_ids_.data());
  if (!frozen_) return aggregate(batch);
  std::vector<uint32_t> known(batch.size);
  ASSIGN_OR_RETURN(const uint32_t count, split_known(batch, keys, known.data()));
  if (count == 0) return {};
  return aggregate(count < batch.size ? batch.select(known.data(), count) : batch);
}

Status Aggregation::aggregate(const Batch& batch) {
  add_states();
  shared_.assign(plan_->shared_arguments, std::nullopt);
  for (size_t i = 0; i < plan_->calls.size(); ++i) RETURN_IF_ERROR(update_call(i, batch));
  shared_.clear();
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
  if (input == &batch) {
    ASSIGN_OR_RETURN(std::vector<Vector> arguments, evaluate_shared(call, batch));
    return update_states(index, std::move(arguments), batch.size, groups);
  }
  std::vector<Vector> arguments;
  arguments.reserve(call.arguments.size());
  for (const auto& argument : call.arguments) {
    ASSIGN_OR_RETURN(Vector vector, argument->evaluate(*input, *context_.eval));
    arguments.push_back(std::move(vector));
  }
  return update_states(index, std::move(arguments), input->size, groups);
}

Result<std::vector<Vector>> Aggregation::evaluate_shared(const AggregationPlan::Call& call,
                                                         const Batch& batch) {
  std::vector<Vector> arguments;
  arguments.reserve(call.arguments.size());
  for (size_t i = 0; i < call.arguments.size(); ++i) {
    const size_t place = call.shared[i];
    if (place != AggregationPlan::kNotShared && shared_[place]) {
      arguments.push_back(*shared_[place]);
      continue;
    }
    ASSIGN_OR_RETURN(Vector vector, call.arguments[i]->evaluate(batch, *context_.eval));
    if (place != AggregationPlan::kNotShared) shared_[place] = vector;
    arguments.push_back(std::move(vector));
  }
  return arguments;
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
  const auto account_group = [&](size_t group) {
    const size_t bytes = function.memory_bytes(states_[group] + call.state_offset);
    inner_bytes_ += bytes - state.accounted_bytes[group];
    state.accounted_bytes[group] = bytes;
  };
  // Those that were touched, or all, whichever are fewer.
  if (states_.size() <= rows) {
    for (size_t group = 0; group < states_.size(); ++group) account_group(group);
  } else {
    for (uint32_t i = 0; i < rows; ++i) account_group(groups[i]);
  }
  return {};
}

Status Aggregation::combine(Aggregation& other) {
  other.add_states();
  const bool frozen = frozen_ || other.frozen_;
  set_frozen(false);
  // All groups fit: each worker kept to its share.
  share_bytes_ = 0;
  // Groups of one may be among the rows another wrote to disk.
  if (spilled_ != nullptr) spilled_by_workers_.push_back(std::move(spilled_));
  if (other.spilled_ != nullptr) spilled_by_workers_.push_back(std::move(other.spilled_));
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
  set_frozen(frozen);
  return account();
}

Status Aggregation::reconcile() {
  if (spilled_by_workers_.empty()) return {};
  std::vector<std::unique_ptr<SpillPartitions>> all = std::move(spilled_by_workers_);
  spilled_by_workers_.clear();
  if (spilled_ != nullptr) all.push_back(std::move(spilled_));
  set_frozen(true);
  for (const std::unique_ptr<SpillPartitions>& parts : all) {
    RETURN_IF_ERROR(parts->finish());
    for (uint32_t i = 0; i < SpillPartitions::kFanout; ++i) {
      SpillReader reader = parts->partition(i).read();
      Batch batch;
      for (;;) {
        ASSIGN_OR_RETURN(const bool more, reader.next(batch));
        if (!more) break;
        RETURN_IF_ERROR(add(batch));
      }
    }
  }
  return {};
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
  RETURN_IF_ERROR(reconcile());
  if (spilled_ != nullptr) RETURN_IF_ERROR(spilled_->finish());
  add_states();
  for (size_t i = 0; i < call_states_.size(); ++i) {
    if (call_states_[i].sorter != nullptr) RETURN_IF_ERROR(feed_sorted(i));
  }
  return {};
}

Result<bool> Aggregation::next(Batch& batch) {
  ASSIGN_OR_RETURN(const bool more, next_in_memory(batch));
  if (more || spilled_ == nullptr) return more;
  return next_spilled(batch);
}

Result<bool> Aggregation::next_spilled(Batch& batch) {
  for (;;) {
    if (part_ != nullptr) {
      ASSIGN_OR_RETURN(const bool more, part_->next(batch));
      if (more) return true;
      part_.reset();
    }
    if (next_partition_ == 0) release_groups();
    while (next_partition_ < SpillPartitions::kFanout &&
           spilled_->partition(next_partition_).row_count() == 0) {
      ++next_partition_;
    }
    if (next_partition_ == SpillPartitions::kFanout) return false;
    part_ = std::make_unique<Aggregation>(context_, plan_, 1, level_ + 1);
    SpillReader reader = spilled_->partition(next_partition_++).read();
    Batch input;
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, reader.next(input));
      if (!more) break;
      RETURN_IF_ERROR(part_->add(input));
    }
    RETURN_IF_ERROR(part_->finish());
  }
}

void Aggregation::release_groups() {
  destroy_states();
  states_.clear();
  blocks_.clear();
  call_states_.clear();
  groups_ = GroupTable(plan_->key_types);
  next_chunk_ = 0;
  grant_.reset();
}

Result<bool> Aggregation::next_in_memory(Batch& batch) {
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

}  // namespace eventd::engine
