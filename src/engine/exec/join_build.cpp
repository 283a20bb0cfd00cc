#include "engine/exec/join_build.h"

#include <algorithm>
#include <numeric>

#include "engine/exec/status_copy.h"
#include "engine/exec/worker_group.h"
#include "engine/functions/function.h"

namespace eventd::engine {

void hash_keys(std::span<const Vector> keys, uint32_t rows, uint64_t* hashes) {
  for (size_t k = 0; k < keys.size(); ++k) hash_vector(keys[k], hashes, rows, k > 0);
}

Status JoinBuild::prepare() {
  std::unique_lock lock(mutex_);
  if (state_ == State::kDone) return copy_of(status_);
  if (state_ == State::kNew) {
    state_ = State::kReading;
    lock.unlock();
    Status status = read_all();
    lock.lock();
    if (!status.ok()) stop_.store(true, std::memory_order_relaxed);
    state_ = State::kMerging;  // nobody starts to read any more
    changed_.wait(lock, [&] { return readers_ == 0; });
    if (status_.ok()) status_ = std::move(status);
    if (status_.ok()) {
      lock.unlock();
      status = merge();
      lock.lock();
      status_ = std::move(status);
    }
    partials_.clear();
    state_ = State::kDone;
    changed_.notify_all();
    return copy_of(status_);
  }
  if (state_ == State::kReading && fragment_ != nullptr) {
    ++readers_;
    lock.unlock();
    Status status = read_share(stop_);
    lock.lock();
    if (!status.ok()) {
      stop_.store(true, std::memory_order_relaxed);
      if (status_.ok()) status_ = std::move(status);
    }
    --readers_;
    changed_.notify_all();
  }
  changed_.wait(lock, [&] { return state_ == State::kDone; });
  return copy_of(status_);
}

Status JoinBuild::read_all() {
  if (fragment_ == nullptr) {
    RETURN_IF_ERROR(read_share(stop_));
    source_.reset();
    return {};
  }
  if (options_.pool == nullptr || options_.helpers == 0) return read_share(stop_);
  return run_workers(*options_.pool, options_.helpers,
                     [this](size_t, const std::atomic<bool>& stop) { return read_share(stop); });
}

Status JoinBuild::read_share(const std::atomic<bool>& stop) {
  BatchSourcePtr own;
  if (fragment_ != nullptr) own = fragment_->open(context_);
  BatchSource& source = own != nullptr ? *own : *source_;
  auto partial = std::make_unique<Partial>(plan_->layout, context_.memory);
  while (!stop.load(std::memory_order_relaxed) && !stop_.load(std::memory_order_relaxed)) {
    Batch batch;
    ASSIGN_OR_RETURN(const bool more, source.next(batch));
    if (!more) break;
    RETURN_IF_ERROR(take(batch, partial));
  }
  const std::lock_guard lock(mutex_);
  partials_.push_back(std::move(partial));
  return {};
}

Status JoinBuild::take(const Batch& batch, std::unique_ptr<Partial>& partial) {
  ASSIGN_OR_RETURN(const std::vector<Vector> keys,
                   evaluate_all(plan_->build_keys, batch, *context_.eval));
  if (spilling_.load(std::memory_order_relaxed)) return spill_build(batch, keys);
  RETURN_IF_ERROR(partial->table.add(batch.columns, keys, batch.size));
  const size_t bytes = partial->table.memory_bytes() + partial->table.table_bytes_expected();
  const bool can_spill = context_.temp != nullptr && !keys.empty();
  if (!can_spill) return partial->grant.ensure(bytes);
  if (partial->grant.try_ensure(bytes)) return {};
  RETURN_IF_ERROR(spill_partial(*partial));
  partial = std::make_unique<Partial>(plan_->layout, context_.memory);
  return {};
}

Status JoinBuild::start_spilling(std::unique_lock<std::mutex>&) {
  if (build_rows_ != nullptr) return {};
  ASSIGN_OR_RETURN(build_rows_, SpillPartitions::create(context_, plan_->layout.column_types, 0));
  spilling_.store(true, std::memory_order_relaxed);
  return {};
}

Status JoinBuild::spill_partial(Partial& partial) {
  JoinTable& table = partial.table;
  for (uint32_t first = 0; first < table.stored_rows(); first += kBatchRows) {
    const Batch batch = table.stored_batch(first, std::min(kBatchRows, table.stored_rows() - first));
    ASSIGN_OR_RETURN(const std::vector<Vector> keys,
                     evaluate_all(plan_->build_keys, batch, *context_.eval));
    RETURN_IF_ERROR(spill_build(batch, keys));
  }
  return {};
}

Status JoinBuild::spill_build(const Batch& batch, std::span<const Vector> keys) {
  std::vector<uint64_t> hashes(batch.size);
  hash_keys(keys, batch.size, hashes.data());
  std::unique_lock lock(mutex_);
  RETURN_IF_ERROR(start_spilling(lock));
  return build_rows_->add(batch, hashes.data());
}

Status JoinBuild::merge() {
  std::sort(partials_.begin(), partials_.end(), [](const auto& a, const auto& b) {
    return a->table.stored_rows() > b->table.stored_rows();
  });
  const bool can_spill = context_.temp != nullptr && !plan_->build_keys.empty();
  if (!spilling_.load(std::memory_order_relaxed)) {
    auto table = std::make_unique<JoinTable>(plan_->layout);
    bool fits = true;
    for (std::unique_ptr<Partial>& partial : partials_) {
      if (table->stored_rows() == 0) {
        // The largest one becomes the table; its grant goes when ours covers it.
        *table = std::move(partial->table);
        partial->grant.reset();
      } else {
        const size_t bytes = table->memory_bytes() + partial->table.memory_bytes();
        if (!can_spill) {
          RETURN_IF_ERROR(grant_.ensure(bytes));
        } else if (!grant_.try_ensure(bytes)) {
          fits = false;
          break;
        }
        RETURN_IF_ERROR(table->absorb(partial->table));
        partial->table = JoinTable(plan_->layout);
        partial->grant.reset();
      }
    }
    const size_t bytes = table->memory_bytes() + table->table_bytes_expected();
    if (!can_spill) {
      RETURN_IF_ERROR(grant_.ensure(bytes));
    } else if (fits) {
      fits = grant_.try_ensure(bytes);
    }
    if (fits) {
      partials_.clear();
      RETURN_IF_ERROR(table->finish(context_.cancel));
      RETURN_IF_ERROR(grant_.ensure(table->memory_bytes()));
      table_ = std::move(table);
      return {};
    }
    auto whole = std::make_unique<Partial>(plan_->layout, context_.memory);
    whole->table = std::move(*table);
    partials_.push_back(std::move(whole));
  }
  for (std::unique_ptr<Partial>& partial : partials_) {
    RETURN_IF_ERROR(spill_partial(*partial));
    partial.reset();
  }
  grant_.reset();
  return build_rows_->finish();
}

void JoinBuild::enter() {
  const std::lock_guard lock(mutex_);
  ++probers_;
}

Status JoinBuild::spill_probe(const Batch& batch, const uint64_t* hashes) {
  const std::lock_guard lock(mutex_);
  if (probe_rows_ == nullptr) {
    ASSIGN_OR_RETURN(probe_rows_, SpillPartitions::create(context_, plan_->probe_types, 0));
  }
  return probe_rows_->add(batch, hashes);
}

Result<bool> JoinBuild::leave() {
  const std::lock_guard lock(mutex_);
  --probers_;
  // Who comes later finds no row left to read: all have been taken by those who were here.
  if (probers_ > 0 || joining_) return false;
  joining_ = true;
  if (probe_rows_ != nullptr) RETURN_IF_ERROR(probe_rows_->finish());
  return true;
}

}  // namespace eventd::engine
