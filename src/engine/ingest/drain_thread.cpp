#include "engine/ingest/drain_thread.h"

#include <algorithm>
#include <utility>

#include "engine/ingest/affinity.h"

namespace eventd::engine {
namespace {

// A wake-up is never lost, so this only bounds what an unforeseen fault could cost.
constexpr int64_t kWaitNs = 1'000'000'000;

}  // namespace

DrainThread::DrainThread(kmes::UserRings& rings, DrainThreadOptions options)
    : rings_(rings),
      options_(std::move(options)),
      ring_(rings.ring(options_.cpu_id), options_.cpu_id, options_.last_handled,
            options_.covered_ahead),
      position_(ring_.stream_pos()),
      last_sequence_(options_.last_handled) {}

DrainThread::~DrainThread() { stop(); }

void DrainThread::start() {
  start_at_ = rings_.write_position(options_.cpu_id);
  finished_.store(false, std::memory_order_relaxed);
  thread_ = Thread([this] {
    run();
    finished_.store(true, std::memory_order_release);
  });
}

void DrainThread::request_stop() {
  if (!thread_.joinable() || stopping_.load(std::memory_order_relaxed)) return;
  stop_at_.store(rings_.write_position(options_.cpu_id), std::memory_order_relaxed);
  stopping_.store(true, std::memory_order_release);
  ring_.wake();
}

void DrainThread::stop() {
  request_stop();
  if (thread_.joinable()) thread_.join();
}

uint64_t DrainThread::lag_bytes() const {
  const uint64_t position = position_.load(std::memory_order_relaxed);
  const uint64_t write_position = rings_.write_position(options_.cpu_id);
  return write_position > position ? write_position - position : 0;
}

bool DrainThread::stop_reached() const {
  return stopping_.load(std::memory_order_acquire) &&
         ring_.stream_pos() >= stop_at_.load(std::memory_order_relaxed);
}

void DrainThread::run() {
  pin_current_thread(options_.affinity, options_.cpu_id);
  while (!stop_reached() && !handoff_closed_) {
    if (drain_batch()) continue;
    if (!stopping_.load(std::memory_order_acquire) && !handoff_closed_) ring_.wait(kWaitNs);
  }
}

bool DrainThread::drain_batch() {
  Handoff& handoff = *options_.handoffs[handoff_];
  // Small enough that copying and writing overlap and that others sharing the handoff get theirs.
  const uint32_t rows_max = std::clamp(handoff.events_max() / (4 * options_.producers), 1u,
                                       kStripeEvents - stripe_rows_);
  // Space first: what was copied always has a place. Nothing is held while waiting for the ring.
  DrainedBatch* batch = handoff.reserve(rows_max, next_bytes_);
  if (batch == nullptr) {
    handoff_closed_ = true;
    return false;
  }
  batch->cpu_id = options_.cpu_id;
  const bool full = ring_.fill(*batch, rows_max);
  next_bytes_ = ring_.next_bytes();
  last_sequence_.store(ring_.last_sequence(), std::memory_order_relaxed);
  rings_.note_drained(options_.cpu_id, ring_.stream_pos());
  const uint32_t rows = batch->rows();
  if (batch->empty()) {
    handoff.cancel(batch);
  } else {
    if (options_.progress) options_.progress->assign(batch->covered_first, batch->covered_last);
    handoff.put(batch);
  }
  // Release; pairs with the acquire in caught_up(): what lies before it is in the handoff.
  position_.store(ring_.stream_pos(), std::memory_order_release);
  stripe_rows_ += rows;
  if (stripe_rows_ >= kStripeEvents) {
    stripe_rows_ = 0;
    handoff_ = (handoff_ + 1) % options_.handoffs.size();
  }
  return full;
}

}  // namespace eventd::engine
