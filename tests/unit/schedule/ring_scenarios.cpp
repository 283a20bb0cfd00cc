#include "unit/schedule/ring_scenarios.h"

#include <cstdio>
#include <utility>

namespace eventd::schedule {
namespace {

constexpr uint16_t kCpu = 3;

uint32_t payload_size(uint64_t sequence) {
  return static_cast<uint32_t>(sequence * 7 % (kPayloadMax + 1));
}

uint8_t payload_byte(uint64_t sequence, uint32_t at) {
  return static_cast<uint8_t>(sequence * 31 + at);
}

}  // namespace

void RingCounts::print() const {
  const auto number = [](uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf("  %llu events, %llu missed, %llu times lapped, %llu torn, %llu generations followed\n",
              number(events), number(missed), number(lapped), number(torn), number(generations));
}

BareRing::BareRing(Simulation& simulation, uint64_t capacity_bytes)
    : simulation_(simulation),
      mapping_(std::move(kmes::RingMapping::create(kCpu, capacity_bytes)).value()) {
  kmes_ring_writer_init(&writer_, &mapping_->producer(), mapping_->data());
}

void BareRing::write(uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t sequence = writer_.sequence + 1;
    writer_.timestamp_ns = sequence * 1000;
    std::array<uint8_t, kPayloadMax> payload;
    const uint32_t size = payload_size(sequence);
    for (uint32_t at = 0; at < size; ++at) payload[at] = payload_byte(sequence, at);
    simulation_.check(kmes_ring_write(&writer_, "e", 1, payload.data(), size), "an event was dropped");
  }
  kmes_ring_publish(&writer_);
  mapping_->wake_if_needed();
}

bool BareRing::whole(const kmes::EventView& event) {
  const uint64_t sequence = event.sequence();
  bool whole = event.type() == "e" && event.payload().size() == payload_size(sequence) &&
               event.timestamp_ns() == static_cast<int64_t>(sequence * 1000) &&
               event.cpu_id() == kCpu;
  for (uint32_t at = 0; whole && at < event.payload().size(); ++at)
    whole = event.payload()[at] == payload_byte(sequence, at);
  return whole;
}

CheckingReader::CheckingReader(Simulation& simulation, const kmes::RingMapping& ring, Whole whole)
    : CheckingReader(simulation, std::shared_ptr(std::move(ring.attach()).value()), whole) {}

CheckingReader::CheckingReader(Simulation& simulation, std::shared_ptr<kmes::RingMapping> ring,
                               Whole whole)
    : simulation_(simulation), reader_(std::move(ring)), whole_(whole) {}

void CheckingReader::check() {
  const kmes::EventView event(buffer_.data());
  const uint64_t sequence = event.sequence();
  simulation_.check(sequence > last_sequence_, "a sequence came twice or out of order");
  fell_behind_ = fell_behind_ || reader_.lapped_count() + reader_.torn_count() != 0;
  simulation_.check(fell_behind_ || sequence == last_sequence_ + 1,
                    "an event is missing though the reader never fell behind");
  simulation_.check(whole_(event), "an event is a mixture of two");
  missed_ += sequence - last_sequence_ - 1;
  last_sequence_ = sequence;
  ++events_;
}

bool CheckingReader::next() {
  for (;;) {
    const kmes::RingReader::Next next = reader_.next(buffer_);
    if (next == kmes::RingReader::Next::kEvent) break;
    simulation_.check(next != kmes::RingReader::Next::kTooSmall, "a size that no event has");
    simulation_.check(next == kmes::RingReader::Next::kEmpty, "the ring looks corrupt");
    // As RingDrain: a ring that was replaced is read to its end, then the next one.
    if (!reader_.finished()) return false;
    const uint64_t position = reader_.stream_pos();
    if (!reader_.follow(last_sequence_)) return false;
    ++generations_;
    simulation_.check(reader_.stream_pos() >= position, "the next generation begins too early");
    // Events may have been overwritten in it while this one was read.
    fell_behind_ = fell_behind_ || reader_.stream_pos() != position;
  }
  check();
  return true;
}

void CheckingReader::read_through(uint64_t last) {
  for (;;) {
    drain();
    if (last_sequence_ >= last) return;
    reader_.wait(1'000'000'000);
  }
}

void CheckingReader::count(RingCounts& counts) const {
  counts.events += events_;
  counts.missed += missed_;
  counts.lapped += reader_.lapped_count();
  counts.torn += reader_.torn_count();
  counts.generations += generations_;
}

}  // namespace eventd::schedule
