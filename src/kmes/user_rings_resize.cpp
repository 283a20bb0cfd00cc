// Rings replaced by larger or smaller ones. Spec: kmes.md §5.
#include <algorithm>
#include <chrono>
#include <mutex>
#include <string>
#include <utility>

#include "bytes.h"
#include "kmes/ring_resize.h"
#include "kmes/user_rings_impl.h"

namespace eventd::kmes {
namespace {

constexpr auto kPollInterval = std::chrono::milliseconds(1);
constexpr int kReportAttempts = 100;
constexpr size_t kReportErrorMax = 200;

int64_t steady_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// The few forms of msgpack that the report needs.
void put_text(std::string& out, std::string_view text) {
  text = text.substr(0, kReportErrorMax);  // str 8
  out += '\xd9';
  out += static_cast<char>(text.size());
  out += text;
}

void put_number(std::string& out, uint64_t value) {
  char bytes[9] = {'\xcf'};  // uint 64
  store_be(bytes + 1, value);
  out.append(bytes, sizeof bytes);
}

}  // namespace

Status UserRings::resize(uint64_t capacity_bytes, int64_t wait_ns) {
  RETURN_IF_ERROR(RingMapping::check_capacity(capacity_bytes));
  const std::lock_guard lock(impl_->resize_mutex);
  const int64_t deadline_ns = steady_ns() + wait_ns;
  Status first;
  for (uint16_t cpu = 0; cpu < impl_->count; ++cpu) {
    Status status = impl_->replace(impl_->rings[cpu], cpu, capacity_bytes, deadline_ns);
    if (status.ok()) continue;
    impl_->report_failure(cpu, capacity_bytes, status.error());
    if (first.ok()) first = std::move(status);
  }
  return first;
}

Result<std::shared_ptr<RingMemory>> UserRings::Impl::free_memory(UserRing& ring,
                                                                 int64_t deadline_ns) {
  for (;;) {
    for (const auto& memory : ring.memories) {
      if (!memory->in_use()) return memory;
    }
    if (ring.memories.size() < kGenerationsMax) {
      ASSIGN_OR_RETURN(auto memory, RingMemory::create());
      ring.memories.push_back(memory);
      return memory;
    }
    if (steady_ns() >= deadline_ns) {
      return {sqlstate::kObjectInUse, "the event ring of before the last resizes is still being read"};
    }
    sleep_for(kPollInterval);
  }
}

Status UserRings::Impl::replace(UserRing& ring, uint16_t cpu, uint64_t capacity_bytes,
                                int64_t deadline_ns) {
  if (ring.mapping->capacity() == capacity_bytes) return {};
  ASSIGN_OR_RETURN(auto memory, free_memory(ring, deadline_ns));
  // All its pages are allocated before the ring is held.
  ASSIGN_OR_RETURN(std::shared_ptr<RingMapping> next,
                   RingMapping::create_in(std::move(memory), cpu, capacity_bytes, huge_pages));
  std::shared_ptr<RingMapping> old;
  {
    const std::lock_guard lock(ring.mutex);
    ring.origin += kmes_ring_move(&ring.writer, &next->producer(), next->data());
    next->memory()->set_place(ring.origin, ring.mapping->memory()->generation() + 1);
    // Readers of the old ring find the new one through it: none in between is missed, however many
    // follow before they look.
    ring.mapping->memory()->set_successor(next);
    ring.memory = next->memory().get();
    old = std::exchange(ring.mapping, std::move(next));
  }
  kmes_ring_retire(&old->producer());
  old->wake_all();
  // There may be room now.
  ring.swaps.fetch_add(1, std::memory_order_release);
  wake_waiting(ring);
  return {};
}

void UserRings::Impl::report_failure(uint16_t cpu, uint64_t requested_bytes, const Error& error) {
  std::string payload = "\x84";
  put_text(payload, "cpu");
  put_number(payload, cpu);
  put_text(payload, "requested_capacity");
  put_number(payload, requested_bytes);
  put_text(payload, "kept_capacity");
  put_number(payload, rings[cpu].mapping->capacity());
  put_text(payload, "error");
  put_text(payload, error.message);
  EventStamp stamp;
  stamp.origin_class = KMES_ORIGIN_KMES;
  const EmitEntry entry{"kmes.swap_failed", as_bytes(std::string_view(payload))};
  // Not at the cost of an event that is still to be drained. Where nothing is drained any more, the
  // caller's Status is all there is.
  for (int attempt = 0; attempt < kReportAttempts; ++attempt) {
    uint64_t timestamp_ns = 0;
    if (stopped.load(std::memory_order_acquire)) return;
    if (write_lossless(rings[cpu], {&entry, 1}, stamp, timestamp_ns) != 0) return;
    sleep_for(kPollInterval);
  }
}

}  // namespace eventd::kmes
