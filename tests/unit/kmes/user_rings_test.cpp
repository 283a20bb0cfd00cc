// The server's rings: many emitters, lossless and not.
#include "kmes/user_rings.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "kmes/ring_reader.h"

namespace eventd::kmes {
namespace {

constexpr uint64_t kCapacity = KMES_CAPACITY_MIN;

std::unique_ptr<UserRings> make_rings(uint16_t cpus) {
  auto rings = UserRings::create(cpus, kCapacity);
  EXPECT_TRUE(rings.ok());
  return std::move(rings).value();
}

EmitEntry entry(std::string_view payload) { return {"test", as_bytes(payload)}; }

TEST(UserRings, ABatchSharesTimestampAndStamp) {
  auto rings = make_rings(1);
  EventStamp stamp;
  stamp.process_guid.bytes[0] = 9;
  stamp.origin_class = KMES_ORIGIN_KMES;
  const EmitEntry entries[] = {entry("\x01"), entry("\x02"), entry("\x03")};
  rings->emit(entries, stamp);
  RingReader reader(rings->ring(0));
  std::vector<uint8_t> buffer(kCapacity / 2);
  int64_t timestamp_ns = 0;
  for (uint64_t i = 1; i <= 3; ++i) {
    ASSERT_EQ(reader.next(buffer), RingReader::Next::kEvent);
    const EventView event(buffer.data());
    EXPECT_EQ(event.sequence(), i);
    EXPECT_EQ(event.payload()[0], i);
    EXPECT_EQ(event.process_guid()[0], 9);
    EXPECT_EQ(event.origin_class(), KMES_ORIGIN_KMES);
    if (i == 1) timestamp_ns = event.timestamp_ns();
    EXPECT_EQ(event.timestamp_ns(), timestamp_ns);
  }
  EXPECT_GT(timestamp_ns, 1'600'000'000'000'000'000);
  EXPECT_EQ(rings->emitted_count(), 3U);
}

TEST(UserRings, SequencesResume) {
  auto rings = make_rings(1);
  rings->resume_sequence(0, 41);
  const EmitEntry one = entry("\x01");
  rings->emit({&one, 1}, {});
  EXPECT_EQ(rings->last_sequence(0), 42U);
  std::vector<uint8_t> buffer(kCapacity / 2);
  RingReader reader(rings->ring(0));
  ASSERT_EQ(reader.next(buffer), RingReader::Next::kEvent);
  EXPECT_EQ(EventView(buffer.data()).sequence(), 42U);
}

TEST(UserRings, TryLosslessStopsWhereUndrainedEventsBegin) {
  auto rings = make_rings(1);
  const std::string payload(1000, 'x');
  const std::vector<EmitEntry> batch(256, entry(payload));
  const size_t fits = kCapacity / (77 + 4 + 1000);
  EXPECT_EQ(rings->try_emit_lossless(batch, {}), fits);
  EXPECT_EQ(rings->try_emit_lossless(batch, {}), 0U);
  // Read alone is not enough, the drain position counts.
  RingReader reader(rings->ring(0));
  std::vector<uint8_t> buffer(kCapacity / 2);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(reader.next(buffer), RingReader::Next::kEvent);
  EXPECT_EQ(rings->try_emit_lossless(batch, {}), 0U);
  rings->note_drained(0, reader.read_pos());
  EXPECT_EQ(rings->try_emit_lossless(batch, {}), 3U);
  EXPECT_EQ(reader.lapped_count(), 0U);
}

TEST(UserRings, TooLargeForTheRingIsDroppedByLosslessToo) {
  auto rings = make_rings(1);
  const std::string huge(kCapacity / 2, 'x');
  const EmitEntry entries[] = {entry("\x01"), entry(huge), entry("\x02")};
  EXPECT_TRUE(rings->emit_lossless(entries, {}));
  EXPECT_EQ(rings->dropped_count(), 1U);
  EXPECT_EQ(rings->emitted_count(), 2U);
  EXPECT_EQ(rings->last_sequence(0), 3U);
}

uint32_t wake_ups(UserRings& rings) { return rings.ring(0)->producer().futex_counter; }

TEST(UserRings, ABatchIsAnnouncedOnce) {
  auto rings = make_rings(1);
  auto view = rings->ring(0)->attach();
  ASSERT_TRUE(view.ok());
  const std::string payload(1000, 'x');
  for (const size_t count : {1, 10, 256}) {  // the last one is four times the ring
    const std::vector<EmitEntry> batch(count, entry(payload));
    const uint32_t before = wake_ups(*rings);
    (*view)->consumer().need_wake = 1;
    rings->emit(batch, {});
    EXPECT_EQ(wake_ups(*rings), before + 1) << count;
    EXPECT_EQ((*view)->consumer().need_wake, 0);
    rings->emit(batch, {});
    EXPECT_EQ(wake_ups(*rings), before + 1) << "nobody asked";
  }
}

TEST(UserRings, ABatchLargerThanTheFreeSpaceOverwritesTheOldest) {
  auto rings = make_rings(1);
  const std::string payload(1000, 'x');
  const std::vector<EmitEntry> some(40, entry(payload)), more(50, entry(payload));
  rings->emit(some, {});
  rings->emit(more, {});
  RingReader reader(rings->ring(0));
  std::vector<uint8_t> buffer(kCapacity / 2);
  const size_t fits = kCapacity / (77 + 4 + 1000);
  for (uint64_t sequence = 90 - fits + 1; sequence <= 90; ++sequence) {
    ASSERT_EQ(reader.next(buffer), RingReader::Next::kEvent);
    ASSERT_EQ(EventView(buffer.data()).sequence(), sequence);
  }
  EXPECT_EQ(reader.next(buffer), RingReader::Next::kEmpty);
}

TEST(UserRings, ABatchLargerThanTheRingOvertakesItself) {
  auto rings = make_rings(1);
  const std::string payload(1000, 'x');
  std::vector<EmitEntry> batch(250, entry(payload));
  const std::string newest(1, '\x05'), too_large(kCapacity / 2, 'x');
  batch.insert(batch.begin() + 100, entry(too_large));  // dropped in passing
  batch.push_back(entry(newest));
  rings->emit(batch, {});
  EXPECT_EQ(rings->dropped_count(), 1U);
  RingReader reader(rings->ring(0));
  std::vector<uint8_t> buffer(kCapacity / 2);
  uint64_t last = 0, events = 0;
  while (reader.next(buffer) == RingReader::Next::kEvent) {
    const EventView event(buffer.data());
    if (last != 0) { ASSERT_EQ(event.sequence(), last + 1); }
    last = event.sequence();
    ++events;
  }
  EXPECT_EQ(last, 252U);
  EXPECT_EQ(EventView(buffer.data()).payload()[0], 5) << "the newest";
  EXPECT_EQ(events, 1 + (kCapacity - 82) / (77 + 4 + 1000));
}

TEST(UserRings, ALosslessBatchLargerThanTheRingWaitsForItsOwnEvents) {
  auto rings = make_rings(1);
  const std::string payload(1000, 'x');
  const std::vector<EmitEntry> batch(256, entry(payload));
  std::thread emitter([&] { EXPECT_TRUE(rings->emit_lossless(batch, {})); });
  RingReader reader(rings->ring(0));
  std::vector<uint8_t> buffer(kCapacity / 2);
  int64_t timestamp_ns = 0;
  for (uint64_t sequence = 1; sequence <= batch.size();) {
    if (reader.next(buffer) != RingReader::Next::kEvent) {
      reader.wait(1'000'000'000);
      continue;
    }
    const EventView event(buffer.data());
    ASSERT_EQ(event.sequence(), sequence++);
    // However long it took, it is one batch.
    if (timestamp_ns == 0) timestamp_ns = event.timestamp_ns();
    ASSERT_EQ(event.timestamp_ns(), timestamp_ns);
    rings->note_drained(0, reader.stream_pos());
  }
  emitter.join();
  EXPECT_EQ(reader.lapped_count() + reader.torn_count(), 0U);
}

TEST(UserRings, StopEndsWaitingEmitters) {
  auto rings = make_rings(1);
  const std::string payload(1000, 'x');
  const std::vector<EmitEntry> batch(200, entry(payload));
  std::atomic<int> refused{0};
  std::vector<std::thread> emitters;
  for (int i = 0; i < 3; ++i) {
    emitters.emplace_back([&] { refused += rings->emit_lossless(batch, {}) ? 0 : 1; });
  }
  while (rings->emitted_count() < kCapacity / (77 + 4 + 1000)) std::this_thread::yield();
  rings->stop();
  for (std::thread& emitter : emitters) emitter.join();
  EXPECT_EQ(refused, 3);
}

TEST(UserRings, LosslessNeverLosesWithManyThreads) {
  constexpr uint16_t kCpus = 2;
  constexpr int kEmitters = 4;
  constexpr uint32_t kEventsEach = 8'000;
  auto rings = make_rings(kCpus);
  std::vector<std::thread> emitters;
  for (uint32_t id = 0; id < kEmitters; ++id) {
    emitters.emplace_back([&rings, id] {
      EventStamp stamp;
      for (uint32_t i = 0; i < kEventsEach;) {
        std::string payloads[5];
        std::vector<EmitEntry> batch;
        for (uint32_t n = 0; n < 1 + i % 5 && i < kEventsEach; ++n, ++i) {
          payloads[n].resize(8 + i % 300);
          store_le(payloads[n].data(), id);
          store_le(payloads[n].data() + 4, i);
          batch.push_back(entry(payloads[n]));
        }
        ASSERT_TRUE(rings->emit_lossless(batch, stamp));
      }
    });
  }
  std::atomic<bool> done{false};
  std::vector<std::set<std::pair<uint32_t, uint32_t>>> got(kCpus);
  std::vector<std::thread> drains;
  for (uint16_t cpu = 0; cpu < kCpus; ++cpu) {
    drains.emplace_back([&, cpu] {
      auto view = rings->ring(cpu)->attach();
      ASSERT_TRUE(view.ok());
      RingReader reader(**view);
      std::vector<uint8_t> buffer(kCapacity / 2);
      uint64_t last = 0;
      for (;;) {
        const bool finish = done.load();
        const RingReader::Next next = reader.next(buffer);
        if (next == RingReader::Next::kEvent) {
          const EventView event(buffer.data());
          ASSERT_EQ(event.sequence(), ++last);
          ASSERT_EQ(event.cpu_id(), cpu);
          ASSERT_TRUE(got[cpu].emplace(load_le<uint32_t>(event.payload().data()),
                                       load_le<uint32_t>(event.payload().data() + 4)).second);
          rings->note_drained(cpu, reader.read_pos());
          continue;
        }
        ASSERT_EQ(next, RingReader::Next::kEmpty);
        if (finish) break;
        reader.wait(50'000'000);
      }
      EXPECT_EQ(reader.lapped_count() + reader.torn_count(), 0U);
    });
  }
  for (std::thread& emitter : emitters) emitter.join();
  done = true;
  for (std::thread& drain : drains) drain.join();
  EXPECT_EQ(got[0].size() + got[1].size(), size_t{kEmitters} * kEventsEach);
}

}  // namespace
}  // namespace eventd::kmes
