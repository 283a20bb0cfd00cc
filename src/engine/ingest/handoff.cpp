#include "engine/ingest/handoff.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace eventd::engine {

Handoff::Handoff(uint32_t events_max) : events_max_(events_max) {}

bool Handoff::fits(uint32_t events, size_t bytes) const {
  if (reserved_events_ == 0 && reserved_bytes_ == 0) return true;  // the largest event passes alone
  return reserved_events_ + events <= events_max_ && reserved_bytes_ + bytes <= kHandoffBytesMax;
}

DrainedBatch* Handoff::reserve(uint32_t events, size_t bytes) {
  bytes = std::max(bytes, kArenaBytes);
  std::unique_lock lock(mutex_);
  events = std::clamp(events, 1u, events_max_);
  while (!closed_ && !fits(events, bytes)) {
    ++producers_asleep_;
    producer_wake_.wait(lock);
    --producers_asleep_;
    events = std::min(events, events_max_);
  }
  if (closed_) return nullptr;
  if (free_.empty()) {
    batches_.push_back(std::make_unique<DrainedBatch>());
    free_.push_back(batches_.back().get());
  }
  DrainedBatch* batch = free_.back();
  free_.pop_back();
  reserved_events_ += events;
  batch->reserved_events = events;
  reserved_bytes_ += bytes;
  batch->reserved_bytes = bytes;
  lock.unlock();
  batch->prepare(bytes);
  return batch;
}

/// True: notify it. While its place is borrowed, end_borrow() does.
bool Handoff::call_writer() { return !borrowed_ && std::exchange(writer_asleep_, false); }

void Handoff::put(DrainedBatch* batch) {
  bool wake_writer;
  {
    std::unique_lock lock(mutex_);
    reserved_events_ -= batch->reserved_events - batch->rows();
    batch->reserved_events = batch->rows();
    contents_.batches.push_back(batch);
    waiting_.store(true, std::memory_order_relaxed);
    wake_writer = call_writer();
    notify_producers(lock);
  }
  if (wake_writer) writer_wake_.notify_one();
}

void Handoff::give_back(DrainedBatch* batch) {
  reserved_events_ -= batch->reserved_events;
  reserved_bytes_ -= batch->reserved_bytes;
  free_.push_back(batch);
}

void Handoff::notify_producers(std::unique_lock<Mutex>& lock) {
  // Half empty before anyone is woken: a drain thread then copies several batches, not one a
  // wake-up. The writer recycles everything before it sleeps, so half is always reached.
  const bool wake = producers_asleep_ != 0 && reserved_events_ <= events_max_ / 2 &&
                    reserved_bytes_ <= kHandoffBytesMax / 2;
  lock.unlock();
  if (wake) producer_wake_.notify_all();
}

void Handoff::cancel(DrainedBatch* batch) {
  std::unique_lock lock(mutex_);
  give_back(batch);
  notify_producers(lock);
}

void Handoff::recycle(DrainedBatch* batch) {
  std::unique_lock lock(mutex_);
  give_back(batch);
  notify_producers(lock);
}

bool Handoff::post(WriterItem item) {
  bool wake_writer;
  {
    std::lock_guard lock(mutex_);
    if (closed_) return false;
    contents_.items.push_back(std::move(item));
    waiting_.store(true, std::memory_order_relaxed);
    wake_writer = call_writer();
  }
  if (wake_writer) writer_wake_.notify_one();
  return true;
}

bool Handoff::take(Contents& contents, int64_t timeout_ns, bool lend) {
  std::unique_lock lock(mutex_);
  if (contents_.empty() && !closed_ && timeout_ns > 0) {
    writer_asleep_ = true;
    lent_out_ = lend;
    writer_called_ = false;
    do {
      writer_wake_.wait_for(lock, std::chrono::nanoseconds(timeout_ns), [this] {
        return (!contents_.empty() || closed_ || writer_called_) && !borrowed_;
      });
    } while (borrowed_);
    writer_asleep_ = lent_out_ = false;
  }
  if (contents_.empty()) return !closed_;
  waiting_.store(false, std::memory_order_relaxed);
  if (contents.empty()) {
    std::swap(contents, contents_);
    return true;
  }
  contents.batches.insert(contents.batches.end(), contents_.batches.begin(),
                          contents_.batches.end());
  std::move(contents_.items.begin(), contents_.items.end(), std::back_inserter(contents.items));
  contents_.clear();
  return true;
}

bool Handoff::try_borrow() {
  std::lock_guard lock(mutex_);
  if (!lent_out_ || borrowed_ || closed_ || !contents_.empty()) return false;
  borrowed_ = true;
  return true;
}

void Handoff::end_borrow(bool wake_writer) {
  {
    std::lock_guard lock(mutex_);
    borrowed_ = false;
    writer_called_ = wake_writer;
    if (!wake_writer && contents_.empty() && !closed_) return;
    lent_out_ = writer_asleep_ = false;
  }
  writer_wake_.notify_one();
}

void Handoff::close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  writer_wake_.notify_all();
  producer_wake_.notify_all();
}

void Handoff::set_events_max(uint32_t events_max) {
  {
    std::lock_guard lock(mutex_);
    events_max_ = std::max(events_max, 1u);
  }
  producer_wake_.notify_all();
}

uint32_t Handoff::reserved_events() const {
  std::lock_guard lock(mutex_);
  return reserved_events_;
}

uint32_t Handoff::events_max() const {
  std::lock_guard lock(mutex_);
  return events_max_;
}

}  // namespace eventd::engine
