#include "engine/ingest/drain_thread.h"

#include <algorithm>
#include <string>
#include <utility>

#include "engine/ingest/affinity.h"
#include "engine/ingest/synthetic.h"
#include "kmes/event_view.h"
#include "kmes/ring_atomics.h"

namespace eventd::engine {
namespace {

// A wake-up is never lost, so this only bounds what an unforeseen fault could cost.
constexpr int64_t kWaitNs = 1'000'000'000;

Counter& ring_counter(uint16_t cpu_id, std::string_view name) {
  return stats().counter("ingest.ring." + std::to_string(cpu_id) + "." + std::string(name));
}

uint64_t load_write_pos(kmes::UserRings& rings, uint16_t cpu_id) {
  // acquire; pairs with the release store in kmes_ring_publish()
  return kmes_load_acquire(&rings.ring(cpu_id).producer().write_pos);
}

}  // namespace

DrainThread::DrainThread(kmes::UserRings& rings, DrainThreadOptions options)
    : rings_(rings),
      options_(std::move(options)),
      events_(ring_counter(options_.cpu_id, "events")),
      refused_(ring_counter(options_.cpu_id, "refused")),
      gaps_(ring_counter(options_.cpu_id, "gaps")),
      missing_(ring_counter(options_.cpu_id, "missing")),
      repeated_(ring_counter(options_.cpu_id, "repeated")),
      corrupt_(ring_counter(options_.cpu_id, "corrupt")),
      reader_(rings.ring(options_.cpu_id)),
      detector_(options_.cpu_id, options_.last_handled),
      last_sequence_(options_.last_handled) {
  read_pos_.store(reader_.read_pos(), std::memory_order_relaxed);
}

DrainThread::~DrainThread() { stop(); }

void DrainThread::start() {
  start_at_ = load_write_pos(rings_, options_.cpu_id);
  finished_.store(false, std::memory_order_relaxed);
  thread_ = Thread([this] {
    run();
    finished_.store(true, std::memory_order_release);
  });
}

void DrainThread::request_stop() {
  if (!thread_.joinable() || stopping_.load(std::memory_order_relaxed)) return;
  stop_at_.store(load_write_pos(rings_, options_.cpu_id), std::memory_order_relaxed);
  stopping_.store(true, std::memory_order_release);
  reader_.wake();
}

void DrainThread::stop() {
  request_stop();
  if (thread_.joinable()) thread_.join();
}

uint64_t DrainThread::lag_bytes() const {
  const uint64_t write_pos = load_write_pos(rings_, options_.cpu_id);
  const uint64_t read_pos = read_pos_.load(std::memory_order_relaxed);
  return write_pos > read_pos ? write_pos - read_pos : 0;
}

bool DrainThread::stop_reached() const {
  return stopping_.load(std::memory_order_acquire) &&
         reader_.read_pos() >= stop_at_.load(std::memory_order_relaxed);
}

void DrainThread::run() {
  pin_current_thread(options_.affinity, options_.cpu_id);
  while (!stop_reached() && !handoff_closed_) {
    if (drain_batch()) continue;
    if (!stopping_.load(std::memory_order_acquire) && !handoff_closed_) reader_.wait(kWaitNs);
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
  next_bytes_ = 0;
  batch->cpu_id = options_.cpu_id;
  const bool full = fill(*batch, rows_max);
  last_sequence_.store(detector_.last_sequence(), std::memory_order_relaxed);
  rings_.note_drained(options_.cpu_id, reader_.read_pos());
  const uint32_t rows = batch->rows();
  if (batch->empty()) {
    handoff.cancel(batch);
  } else {
    events_.add(batch->events);
    if (options_.progress) options_.progress->assign(batch->covered_first, batch->covered_last);
    handoff.put(batch);
  }
  // Release; pairs with the acquire in caught_up(): what lies before it is in the handoff.
  read_pos_.store(reader_.read_pos(), std::memory_order_release);
  stripe_rows_ += rows;
  if (stripe_rows_ >= kStripeEvents) {
    stripe_rows_ = 0;
    handoff_ = (handoff_ + 1) % options_.handoffs.size();
  }
  return full;
}

bool DrainThread::fill(DrainedBatch& batch, uint32_t rows_max) {
  // Two rows an event at most: itself and the gap it reveals.
  while (batch.rows() + 2 <= std::max(rows_max, 2u)) {
    const auto space = batch.arena.free_space();
    switch (reader_.next(space)) {
      case kmes::RingReader::Next::kEmpty:
        return false;
      case kmes::RingReader::Next::kTooSmall:
        next_bytes_ = reader_.next_size();
        return true;
      case kmes::RingReader::Next::kCorrupt:
        corrupt_.add();
        continue;
      case kmes::RingReader::Next::kEvent:
        break;
    }
    const kmes::EventView event(space.data());
    uint64_t covered_from = event.sequence();
    switch (detector_.observe(event.sequence(), event.timestamp_ns())) {
      case GapDetector::Kind::kSeen:
        repeated_.add();
        continue;
      case GapDetector::Kind::kGap:
        batch.gaps.push_back({batch.events, detector_.gap()});
        covered_from = detector_.gap().first_missing;
        gaps_.add();
        missing_.add(detector_.gap().count());
        break;
      case GapDetector::Kind::kNext:
        break;
    }
    batch.cover(covered_from, event.sequence());
    if (synthetic::is_reserved_type(event.type())) [[unlikely]] {
      // Those names are the server's own: covered by the receipt, not stored.
      refused_.add();
      continue;
    }
    batch.arena.advance(event.event_size());
    ++batch.events;
  }
  return true;
}

}  // namespace eventd::engine
