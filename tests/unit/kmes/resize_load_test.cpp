// Rings of two CPUs replaced again and again while emitters write as fast as they can. Under
// EVENTD_LONG_TESTS=1 for a minute each.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "kmes/ring_reader.h"
#include "kmes/user_rings.h"

namespace eventd::kmes {
namespace {

constexpr uint16_t kCpus = 2;
constexpr uint32_t kEmitters = 3;
constexpr uint64_t kSmall = KMES_CAPACITY_MIN;
constexpr uint64_t kLarge = 16 << 20;
constexpr uint64_t kResizesMin = 4;
constexpr size_t kEventMax = 8 << 10;

std::chrono::milliseconds duration() {
  const char* long_tests = getenv("EVENTD_LONG_TESTS");
  return long_tests != nullptr && std::string_view(long_tests) == "1" ? std::chrono::seconds(60)
                                                                     : std::chrono::milliseconds(1500);
}

/// {emitter, count} and bytes that follow from them, so that a mixed up event is noticed.
std::string make_payload(uint32_t emitter, uint64_t count) {
  std::string payload(16 + count * 37 % 600, static_cast<char>('a' + (emitter + count) % 26));
  store_le(payload.data(), uint64_t{emitter});
  store_le(payload.data() + 8, count);
  return payload;
}

void emit_until(UserRings& rings, bool lossless, uint32_t emitter, const std::atomic<bool>& end,
                uint64_t& emitted) {
  std::mt19937 random(emitter);
  uint64_t count = 0;
  while (!end.load(std::memory_order_relaxed)) {
    std::vector<std::string> payloads;
    for (auto n = 1 + random() % 20; n != 0; --n) payloads.push_back(make_payload(emitter, ++count));
    std::vector<EmitEntry> batch;
    for (const std::string& payload : payloads) batch.push_back({"load", as_bytes(std::string_view(payload))});
    if (!lossless) {
      rings.emit(batch, {});
      if (random() % 256 == 0) std::this_thread::yield();
    } else {
      ASSERT_TRUE(rings.emit_lossless(batch, {})) << "stopped";
    }
  }
  emitted = count;
}

/// What one reader of one CPU saw.
struct Seen {
  uint64_t events = 0, missing = 0, last_sequence = 0, generations = 1;
  uint64_t last_count[kEmitters] = {};  // of each emitter

  void take(const EventView& event, bool lossless) {
    ASSERT_GT(event.sequence(), last_sequence) << "twice, or out of order";
    missing += event.sequence() - last_sequence - 1;
    if (lossless) { ASSERT_EQ(event.sequence(), last_sequence + 1); }
    last_sequence = event.sequence();
    ++events;
    const ByteSpan payload = event.payload();
    ASSERT_GE(payload.size(), 16U);
    const auto emitter = load_le<uint64_t>(payload.data());
    const auto count = load_le<uint64_t>(payload.data() + 8);
    ASSERT_LT(emitter, kEmitters);
    ASSERT_EQ(as_text(payload), make_payload(static_cast<uint32_t>(emitter), count));
    ASSERT_GT(count, last_count[emitter]);
    last_count[emitter] = count;
  }
};

/// Reads until `end` is set and the ring empty. `drain`: says so to lossless emitters.
void read_all(UserRings& rings, uint16_t cpu, std::shared_ptr<RingMapping> ring, bool lossless,
                bool drain, const std::atomic<bool>& end, Seen& seen) {
  RingReader reader(std::move(ring));
  std::vector<uint8_t> buffer(kEventMax);
  uint32_t since_note = 0;
  for (;;) {
    const bool last_round = end.load();
    const RingReader::Next next = reader.next(buffer);
    if (next == RingReader::Next::kEvent) {
      ASSERT_NO_FATAL_FAILURE(seen.take(EventView(buffer.data()), lossless));
      if (drain && ++since_note % 64 == 0) rings.note_drained(cpu, reader.stream_pos());
      continue;
    }
    ASSERT_EQ(next, RingReader::Next::kEmpty);
    if (reader.finished()) {
      ASSERT_TRUE(reader.follow(seen.last_sequence));
      ++seen.generations;
      continue;
    }
    if (drain) rings.note_drained(cpu, reader.stream_pos());
    if (last_round) break;
    reader.wait(20'000'000);
  }
  EXPECT_EQ(reader.corrupt_count(), 0U);
}

/// A reader that has found a fault ends the emitters too.
void read_until(UserRings& rings, uint16_t cpu, std::shared_ptr<RingMapping> ring, bool lossless,
                bool drain, const std::atomic<bool>& end, Seen& seen) {
  read_all(rings, cpu, std::move(ring), lossless, drain, end, seen);
  if (testing::Test::HasFailure()) rings.stop();
}

struct Totals {
  uint64_t events = 0, missing = 0, resizes = 0;
};

Totals run(bool lossless) {
  auto created = UserRings::create(kCpus, kLarge);
  EXPECT_TRUE(created.ok());
  UserRings& rings = **created;
  std::atomic<bool> end{false}, drained{false};
  uint64_t emitted[kEmitters] = {};
  // Of each CPU the drain, and a second reader with a view of its own that is nobody's concern.
  Seen seen[kCpus], seen_beside[kCpus];
  std::vector<std::thread> readers, emitters;
  for (uint16_t cpu = 0; cpu < kCpus; ++cpu) {
    readers.emplace_back([&, cpu, ring = rings.ring(cpu)]() mutable {
      read_until(rings, cpu, std::move(ring), lossless, true, drained, seen[cpu]);
    });
    auto view = rings.ring(cpu)->attach();
    EXPECT_TRUE(view.ok());
    readers.emplace_back([&, cpu, shared = std::shared_ptr<RingMapping>(std::move(*view))]() mutable {
      read_until(rings, cpu, std::move(shared), false, false, drained, seen_beside[cpu]);
    });
  }
  for (uint32_t i = 0; i < kEmitters; ++i)
    emitters.emplace_back([&, i] { emit_until(rings, lossless, i, end, emitted[i]); });

  Totals totals;
  std::mt19937 random(std::random_device{}());
  const auto ends_at = std::chrono::steady_clock::now() + duration();
  while ((std::chrono::steady_clock::now() < ends_at || totals.resizes < kResizesMin) &&
         !testing::Test::HasFailure()) {
    const uint64_t other = random() % 4 == 0 ? uint64_t{1} << (16 + random() % 9)
                           : rings.capacity() == kSmall ? kLarge : kSmall;
    const Status status = rings.resize(other, 20'000'000'000);
    EXPECT_TRUE(status.ok()) << status.error().message;
    ++totals.resizes;
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
  }
  end = true;
  for (std::thread& emitter : emitters) emitter.join();
  drained = true;
  for (std::thread& reader : readers) reader.join();

  uint64_t emitted_sum = 0;
  for (const uint64_t count : emitted) emitted_sum += count;
  for (uint16_t cpu = 0; cpu < kCpus; ++cpu) {
    totals.events += seen[cpu].events;
    totals.missing += seen[cpu].missing;
    // The newest event is never overwritten, so nothing can be missing after it.
    EXPECT_EQ(seen[cpu].last_sequence, rings.last_sequence(cpu));
    EXPECT_EQ(seen_beside[cpu].last_sequence, rings.last_sequence(cpu));
    EXPECT_EQ(seen[cpu].events + seen[cpu].missing, rings.last_sequence(cpu));
    EXPECT_GT(seen[cpu].generations, 1U);
  }
  EXPECT_EQ(totals.events + totals.missing, emitted_sum);
  EXPECT_EQ(rings.dropped_count(), 0U);
  return totals;
}

TEST(ResizeUnderLoad, LosslessEmittersLoseNothing) {
  const Totals totals = run(true);
  EXPECT_EQ(totals.missing, 0U);
  RecordProperty("resizes", std::to_string(totals.resizes));
  RecordProperty("events", std::to_string(totals.events));
}

TEST(ResizeUnderLoad, WhatOthersOverwriteIsMissingOnce) {
  const Totals totals = run(false);
  EXPECT_GT(totals.events, 0U);
  RecordProperty("resizes", std::to_string(totals.resizes));
  RecordProperty("events", std::to_string(totals.events));
  RecordProperty("missing", std::to_string(totals.missing));
}

}  // namespace
}  // namespace eventd::kmes
