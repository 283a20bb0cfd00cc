#include "engine/exec/batch_source.h"

#include <algorithm>
#include <utility>

#include "clock.h"
#include "engine/scan/cancel_token.h"

namespace eventd::engine {

Result<bool> BatchSource::next(Batch& batch) {
  if (context_.cancel != nullptr) RETURN_IF_ERROR(context_.cancel->check());
  if (!context_.instrument || stats_ == nullptr) return produce(batch);
  if (!started_) {
    started_ = true;
    stats_->loops.fetch_add(1, std::memory_order_relaxed);
  }
  const int64_t start = Clock::system().monotonic_ns();
  Result<bool> result = produce(batch);
  const uint64_t spent = static_cast<uint64_t>(Clock::system().monotonic_ns() - start);
  const uint64_t before = stats_->time_ns.fetch_add(spent, std::memory_order_relaxed);
  uint64_t none = 0;
  stats_->first_ns.compare_exchange_strong(none, before + spent, std::memory_order_relaxed);
  if (result.ok() && *result) stats_->rows.fetch_add(batch.size, std::memory_order_relaxed);
  return result;
}

Status MemoryGrant::ensure(size_t bytes) {
  peak_bytes_ = std::max(peak_bytes_, bytes);
  if (account_ == nullptr || bytes <= held_bytes_) return {};
  // An eighth ahead: a growing table asks a few dozen times, not once a batch.
  constexpr size_t kStep = 64 << 10;
  const size_t missing = bytes - held_bytes_;
  const size_t ahead = std::max(kStep, bytes / 8);
  if (missing < ahead) {
    if (account_->grow(ahead).ok()) {
      held_bytes_ += ahead;
      return {};
    }
  }
  RETURN_IF_ERROR(account_->grow(missing));
  held_bytes_ += missing;
  return {};
}

bool MemoryGrant::try_ensure(size_t bytes) {
  peak_bytes_ = std::max(peak_bytes_, bytes);
  if (account_ == nullptr || bytes <= held_bytes_) return true;
  const size_t missing = bytes - held_bytes_;
  const size_t ahead = std::max(missing, bytes / 8);
  for (const size_t step : {ahead, missing}) {
    if (!account_->try_grow(step, held_bytes_)) continue;
    held_bytes_ += step;
    return true;
  }
  return false;
}

void MemoryGrant::take(MemoryGrant& other) {
  held_bytes_ += std::exchange(other.held_bytes_, 0);
  peak_bytes_ += other.peak_bytes_;
}

void MemoryGrant::reset() {
  if (account_ != nullptr && held_bytes_ > 0) account_->shrink(held_bytes_);
  held_bytes_ = 0;
}

}  // namespace eventd::engine
