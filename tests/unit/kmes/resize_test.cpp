// Rings replaced while they are used: nothing lost where it fits, nothing twice.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "kmes/ring_reader.h"
#include "kmes/ring_resize.h"
#include "kmes/user_rings.h"

namespace eventd::kmes {
namespace {

constexpr uint64_t kSmall = KMES_CAPACITY_MIN;
constexpr uint64_t kLarge = 1 << 20;

std::unique_ptr<UserRings> make_rings(uint64_t capacity) {
  auto rings = UserRings::create(1, capacity);
  EXPECT_TRUE(rings.ok());
  return std::move(rings).value();
}

void emit(UserRings& rings, size_t count, size_t payload_size = 200) {
  const std::string payload(payload_size, 'p');
  const EmitEntry entry{"test", as_bytes(std::string_view(payload))};
  for (size_t i = 0; i < count; ++i) rings.emit({&entry, 1}, {});
}

/// A reader as a drain thread has it: every generation to its end, then the next.
struct Follower {
  explicit Follower(std::shared_ptr<RingMapping> ring)
      : reader(std::move(ring)), buffer(KMES_CAPACITY_MAX / 2) {}
  bool next() {
    for (;;) {
      switch (reader.next({buffer.get(), KMES_CAPACITY_MAX / 2})) {
        case RingReader::Next::kEvent:
          sequence = EventView(buffer.get()).sequence();
          return true;
        case RingReader::Next::kEmpty:
          if (!reader.finished() || !reader.follow(sequence)) return false;
          break;
        default:
          ADD_FAILURE() << "corrupt after " << sequence;
          return false;
      }
    }
  }
  RingReader reader;
  // Left as it is: most of it is never touched.
  struct Buffer {
    explicit Buffer(size_t size) : bytes(std::make_unique_for_overwrite<uint8_t[]>(size)) {}
    uint8_t* get() { return bytes.get(); }
    std::unique_ptr<uint8_t[]> bytes;
  } buffer;
  uint64_t sequence = 0;
};

void expect_through(Follower& follower, uint64_t last) {
  for (uint64_t sequence = follower.sequence + 1; sequence <= last; ++sequence) {
    ASSERT_TRUE(follower.next());
    ASSERT_EQ(follower.sequence, sequence);
  }
  EXPECT_FALSE(follower.next());
}

TEST(Resize, ALargerRingHasEverything) {
  auto rings = make_rings(kSmall);
  emit(*rings, 1000);  // overwritten several times
  const auto old = rings->ring(0);
  Follower before(old);
  ASSERT_TRUE(before.next());
  const uint64_t oldest = before.sequence;
  ASSERT_TRUE(rings->resize(kLarge).ok());
  EXPECT_EQ(rings->capacity(), kLarge);
  EXPECT_EQ(old->producer().generation, 2U) << "readers of the old ring see it";
  EXPECT_EQ(rings->ring(0)->producer().generation, 2U);
  EXPECT_EQ(rings->ring(0)->producer().tail_pos, 0U);
  Follower after(rings->ring(0));
  ASSERT_TRUE(after.next());
  EXPECT_EQ(after.sequence, oldest);
  emit(*rings, 10);
  expect_through(after, 1010);
  EXPECT_EQ(rings->emitted_count(), 1010U);
}

TEST(Resize, ASmallerRingHasTheNewestThatFit) {
  auto rings = make_rings(kLarge);
  emit(*rings, 2000);
  ASSERT_TRUE(rings->resize(kSmall).ok());
  const uint64_t fit = kSmall / (77 + 4 + 200);
  Follower follower(rings->ring(0));
  ASSERT_TRUE(follower.next());
  EXPECT_EQ(follower.sequence, 2000 - fit + 1);
  expect_through(follower, 2000);
}

TEST(Resize, AnEventTooLargeForTheNewRingEndsTheRun) {
  auto rings = make_rings(kLarge);
  emit(*rings, 3);
  emit(*rings, 1, kSmall / 2);
  emit(*rings, 3);
  Follower attached(rings->ring(0));
  ASSERT_TRUE(rings->resize(kSmall).ok());
  Follower late(rings->ring(0));
  ASSERT_TRUE(late.next());
  EXPECT_EQ(late.sequence, 5U);
  expect_through(late, 7);
  expect_through(attached, 7);  // the old ring still has it
}

TEST(Resize, DamagedBytesAreNotTakenAlong) {
  auto rings = make_rings(kLarge);
  emit(*rings, 3);
  store_le<uint32_t>(rings->ring(0)->data(), 0);
  ASSERT_TRUE(rings->resize(kSmall).ok());
  emit(*rings, 1);
  Follower late(rings->ring(0));
  ASSERT_TRUE(late.next());
  EXPECT_EQ(late.sequence, 4U);
}

TEST(Resize, AReaderFinishesTheOldRingAndSkipsWhatItHas) {
  auto rings = make_rings(kLarge);
  emit(*rings, 500);
  Follower follower(rings->ring(0));
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(follower.next());
  const uint64_t position = follower.reader.stream_pos();
  ASSERT_TRUE(rings->resize(kSmall).ok());
  EXPECT_FALSE(follower.reader.finished());
  EXPECT_TRUE(follower.reader.generation_changed());
  EXPECT_EQ(follower.reader.stream_pos(), position);
  emit(*rings, 20);
  expect_through(follower, 520);
  EXPECT_FALSE(follower.reader.generation_changed());
  // Positions in the stream don't depend on the way.
  EXPECT_EQ(follower.reader.stream_pos(), rings->write_position(0));
  EXPECT_EQ(follower.reader.stream_pos(), 520U * (77 + 4 + 200));
}

TEST(Resize, GenerationsThatCameAndWentAreReadToo) {
  auto rings = make_rings(kSmall);
  Follower follower(rings->ring(0));
  emit(*rings, 100);
  ASSERT_TRUE(rings->resize(kLarge).ok());
  emit(*rings, 3000);  // of which the next generation gets few
  ASSERT_TRUE(rings->resize(kSmall).ok());
  emit(*rings, 100);
  ASSERT_TRUE(rings->resize(kLarge).ok());
  emit(*rings, 1);
  expect_through(follower, 3201);
}

TEST(Resize, SequencesSpentOnDroppedEventsStaySpent) {
  auto rings = make_rings(kSmall);
  Follower follower(rings->ring(0));
  emit(*rings, 1);
  emit(*rings, 1, kSmall);  // dropped: the last sequence of the old ring has no event
  ASSERT_TRUE(rings->resize(kLarge).ok());
  emit(*rings, 1, kSmall);
  ASSERT_TRUE(follower.next());
  EXPECT_EQ(follower.sequence, 1U);
  ASSERT_TRUE(follower.next());
  EXPECT_EQ(follower.sequence, 3U);
  EXPECT_EQ(rings->dropped_count(), 1U);
}

TEST(Resize, AnAttachedViewFollowsWithAViewOfItsOwn) {
  auto rings = make_rings(kSmall);
  auto view = rings->ring(0)->attach();
  ASSERT_TRUE(view.ok());
  Follower follower(std::move(*view));
  emit(*rings, 2);
  ASSERT_TRUE(rings->resize(kLarge).ok());
  std::vector<std::unique_ptr<RingMapping>> others;
  for (uint32_t i = 0; i < kAttachmentsMax; ++i) {
    auto other = rings->ring(0)->attach();
    ASSERT_TRUE(other.ok());
    others.push_back(std::move(*other));
  }
  emit(*rings, 2);
  ASSERT_TRUE(follower.next());
  ASSERT_TRUE(follower.next());
  EXPECT_FALSE(follower.next()) << "no place is left";
  EXPECT_TRUE(follower.reader.finished());
  others.pop_back();
  expect_through(follower, 4);
}

TEST(Resize, EndsTheSleepOfReadersOfTheOldRing) {
  auto rings = make_rings(kSmall);
  std::atomic<bool> followed{false};
  Follower follower(rings->ring(0));
  std::thread sleeper([&] {
    while (!follower.next()) follower.reader.wait(1'000'000'000);
    followed = true;
  });
  ASSERT_TRUE(rings->resize(kLarge).ok());
  emit(*rings, 1);
  sleeper.join();
  EXPECT_TRUE(followed);
  // wake() reaches a reader wherever it is.
  follower.reader.wake();
  EXPECT_TRUE(follower.reader.wait(1'000'000'000));
}

TEST(Resize, RefusesCapacitiesThatAreNone) {
  auto rings = make_rings(kSmall);
  for (const uint64_t bad : {uint64_t{0}, kSmall / 2, kSmall * 3, uint64_t{KMES_CAPACITY_MAX} * 2}) {
    const Status status = rings->resize(bad);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, sqlstate::kInvalidParameterValue);
  }
  EXPECT_TRUE(rings->resize(kSmall).ok());
  EXPECT_EQ(rings->ring(0)->producer().generation, 1U) << "it has that capacity already";
  EXPECT_EQ(rings->last_sequence(0), 0U) << "and there is nothing to tell";
}

void expect_swap_failed(Follower& follower, uint64_t requested, uint64_t kept) {
  ASSERT_TRUE(follower.next());
  const EventView event(follower.buffer.get());
  EXPECT_EQ(event.type(), "kmes.swap_failed");
  EXPECT_EQ(event.origin_class(), KMES_ORIGIN_KMES);
  const std::string_view payload = as_text(event.payload());
  const auto number_after = [&](std::string_view key) {
    const size_t at = payload.find(key);
    if (at == std::string_view::npos || payload[at + key.size()] != '\xcf') return uint64_t{0};
    return load_be<uint64_t>(payload.data() + at + key.size() + 1);
  };
  EXPECT_EQ(number_after("requested_capacity"), requested);
  EXPECT_EQ(number_after("kept_capacity"), kept);
  EXPECT_NE(payload.find("error"), std::string_view::npos);
}

TEST(Resize, WithoutMemoryTheOldRingStaysAndSaysSo) {
  auto rings = make_rings(kSmall);
  emit(*rings, 10);
  Follower follower(rings->ring(0));
  // A ring's memory is a file: none can be made. Those that are open stay so.
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 0;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const Status status = rings->resize(kLarge);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, sqlstate::kOutOfMemory);
  EXPECT_EQ(rings->capacity(), kSmall);
  EXPECT_EQ(rings->ring(0)->producer().generation, 1U);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(follower.next());
  expect_swap_failed(follower, kLarge, kSmall);
}

TEST(Resize, GenerationsInMemoryAreBounded) {
  auto rings = make_rings(kSmall);
  auto slow = std::make_unique<Follower>(rings->ring(0));
  uint64_t capacity = kSmall;
  for (size_t i = 1; i < kGenerationsMax; ++i) {
    emit(*rings, 5);
    capacity *= 2;
    ASSERT_TRUE(rings->resize(capacity, 0).ok());
  }
  const Status status = rings->resize(kSmall, 0);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, sqlstate::kObjectInUse);
  EXPECT_EQ(rings->capacity(), capacity);
  const uint64_t emitted = 5 * (kGenerationsMax - 1);
  for (uint64_t i = 0; i < emitted; ++i) ASSERT_TRUE(slow->next());
  expect_swap_failed(*slow, kSmall, capacity);
  // The reader is in the newest generation now, so there is room again.
  EXPECT_TRUE(rings->resize(kSmall, 0).ok());
  EXPECT_FALSE(slow->next());
  // A reader that goes away lets go of all it kept.
  ASSERT_TRUE(rings->resize(kLarge, 0).ok());
  ASSERT_TRUE(rings->resize(kSmall, 0).ok());
  ASSERT_TRUE(rings->resize(kLarge, 0).ok());
  slow.reset();
  ASSERT_TRUE(rings->resize(kSmall, 0).ok());
}

size_t open_files() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

TEST(Resize, WhatIsReadNoMoreIsGivenBack) {
  auto rings = make_rings(kSmall);
  Follower follower(rings->ring(0));
  size_t files_after_two = 0;
  for (int i = 0; i < 50; ++i) {
    emit(*rings, 3);
    ASSERT_TRUE(rings->resize(i % 2 == 0 ? kLarge : kSmall, 0).ok());
    ASSERT_NO_FATAL_FAILURE(expect_through(follower, 3U * (static_cast<unsigned>(i) + 1)));
    if (i == 1) files_after_two = open_files();
  }
  EXPECT_EQ(open_files(), files_after_two);
}

TEST(Resize, GrowingLetsLosslessEmittersGoOn) {
  auto rings = make_rings(kSmall);
  const std::string payload(1000, 'x');
  const std::vector<EmitEntry> batch(100, EmitEntry{"test", as_bytes(std::string_view(payload))});
  std::atomic<bool> done{false};
  std::thread emitter([&] {
    EXPECT_TRUE(rings->emit_lossless(batch, {}));  // more than the ring holds, and nobody drains
    done = true;
  });
  while (rings->emitted_count() < kSmall / (77 + 4 + 1000)) std::this_thread::yield();
  EXPECT_FALSE(done);
  ASSERT_TRUE(rings->resize(kLarge).ok());
  emitter.join();
  Follower follower(rings->ring(0));
  expect_through(follower, 100);
}

TEST(Resize, ShrinkingKeepsWhatLosslessEmittersWrote) {
  auto rings = make_rings(kLarge);
  Follower follower(rings->ring(0));
  const std::string payload(200, 'x');
  const std::vector<EmitEntry> batch(256, EmitEntry{"test", as_bytes(std::string_view(payload))});
  uint64_t emitted = 0;
  while (const size_t done = rings->try_emit_lossless(batch, {})) emitted += done;
  ASSERT_TRUE(rings->resize(kSmall).ok());
  EXPECT_EQ(rings->try_emit_lossless(batch, {}), 0U) << "the new ring is full of undrained events";
  // Drained is what the reader says, in the old ring as well.
  while (follower.sequence < emitted - 10) ASSERT_TRUE(follower.next());
  rings->note_drained(0, follower.reader.stream_pos());
  const size_t more = rings->try_emit_lossless(batch, {});
  EXPECT_GT(more, 100U);
  EXPECT_LT(more, kSmall / (77 + 4 + 200) - 8);
  emitted += more;
  expect_through(follower, emitted);
  EXPECT_EQ(follower.reader.lapped_count(), 0U);
}

TEST(RingMove, CarriesTheWriterOver) {
  auto from = RingMapping::create(7, kSmall);
  auto to = RingMapping::create(7, kLarge);
  ASSERT_TRUE(from.ok() && to.ok());
  kmes_ring_writer writer{};
  kmes_ring_writer_init(&writer, &(*from)->producer(), (*from)->data());
  const uint8_t guid[16] = {1};
  kmes_ring_stamp(&writer, 5, KMES_ORIGIN_LCS, guid, guid, guid);
  ASSERT_TRUE(kmes_ring_write(&writer, "one", 3, "\xc0", 1));
  kmes_ring_publish(&writer);
  EXPECT_EQ(kmes_ring_move(&writer, &(*to)->producer(), (*to)->data()), 0U);
  EXPECT_EQ((*to)->producer().generation, 2U);
  EXPECT_EQ((*to)->producer().write_pos, 81U);
  EXPECT_EQ((*from)->producer().generation, 1U);
  kmes_ring_retire(&(*from)->producer());
  EXPECT_EQ((*from)->producer().generation, 2U);
  EXPECT_EQ((*from)->producer().write_pos, 81U) << "frozen";
  ASSERT_TRUE(kmes_ring_write(&writer, "two", 3, "\xc0", 1));
  kmes_ring_publish(&writer);
  EXPECT_EQ((*from)->producer().write_pos, 81U);
  RingReader reader(**to);
  std::vector<uint8_t> buffer(kLarge / 2);
  for (const uint64_t sequence : {1, 2}) {
    ASSERT_EQ(reader.next(buffer), RingReader::Next::kEvent);
    const EventView event(buffer.data());
    EXPECT_EQ(event.sequence(), sequence);
    EXPECT_EQ(event.cpu_id(), 7);
    EXPECT_EQ(event.origin_class(), KMES_ORIGIN_LCS);
    EXPECT_EQ(event.process_guid()[0], 1);
  }
}

}  // namespace
}  // namespace eventd::kmes
