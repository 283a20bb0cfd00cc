// One ring: what the writer writes is what readers get, whatever is overwritten in between.
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "kmes/ring_reader.h"
#include "kmes/ring_writer.h"

namespace eventd::kmes {
namespace {

constexpr uint64_t kCapacity = KMES_CAPACITY_MIN;
const uint8_t kZeroGuid[16] = {};

struct Ring {
  explicit Ring(uint64_t capacity = kCapacity) {
    auto created = RingMapping::create(3, capacity);
    EXPECT_TRUE(created.ok());
    mapping = std::move(created).value();
    kmes_ring_writer_init(&writer, &mapping->producer(), mapping->data());
    kmes_ring_stamp(&writer, 1234, KMES_ORIGIN_KACS, kZeroGuid, kZeroGuid, kZeroGuid);
  }
  bool stage(std::string_view type, std::string_view payload) {
    return kmes_ring_write(&writer, type.data(), type.size(), payload.data(), payload.size());
  }
  bool write(std::string_view type, std::string_view payload) {
    const bool written = stage(type, payload);
    kmes_ring_publish(&writer);
    return written;
  }
  std::unique_ptr<RingMapping> mapping;
  kmes_ring_writer writer{};
};

struct Drain {
  explicit Drain(RingMapping& mapping) : reader(mapping), buffer(mapping.capacity() / 2) {}
  RingReader::Next next() { return reader.next(buffer); }
  EventView event() const { return EventView(buffer.data()); }
  RingReader reader;
  std::vector<uint8_t> buffer;
};

TEST(Ring, RoundTripCarriesEveryField) {
  Ring ring;
  uint8_t effective[16], true_token[16], process[16];
  std::fill_n(effective, 16, 0xaa);
  std::fill_n(true_token, 16, 0xbb);
  std::fill_n(process, 16, 0xcc);
  kmes_ring_stamp(&ring.writer, 77, KMES_ORIGIN_LCS, effective, true_token, process);
  ASSERT_TRUE(ring.write("a.type", "\xc0"));

  Drain drain(*ring.mapping);
  ASSERT_EQ(drain.next(), RingReader::Next::kEvent);
  const EventView event = drain.event();
  EXPECT_EQ(event.type(), "a.type");
  EXPECT_EQ(as_text(event.payload()), "\xc0");
  EXPECT_EQ(event.header_size(), 77U + 6);
  EXPECT_EQ(event.event_size(), 77U + 6 + 1);
  EXPECT_EQ(drain.reader.event_size(), event.event_size());
  EXPECT_EQ(event.timestamp_ns(), 77);
  EXPECT_EQ(event.sequence(), 1U);
  EXPECT_EQ(event.cpu_id(), 3);
  EXPECT_EQ(event.origin_class(), KMES_ORIGIN_LCS);
  EXPECT_EQ(event.effective_token_guid()[15], 0xaa);
  EXPECT_EQ(event.true_token_guid()[0], 0xbb);
  EXPECT_EQ(event.process_guid()[0], 0xcc);
  EXPECT_EQ(drain.next(), RingReader::Next::kEmpty);
}

TEST(Ring, ProducerPageIsAsSpecified) {
  Ring ring;
  const auto* page = reinterpret_cast<const uint8_t*>(&ring.mapping->producer());
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(page), 8), "KMESRING");
  EXPECT_EQ(load_le<uint32_t>(page + 8), 1U);
  EXPECT_EQ(load_le<uint16_t>(page + 12), 3);
  EXPECT_EQ(load_le<uint64_t>(page + 16), kCapacity);
  EXPECT_EQ(load_le<uint64_t>(page + 24), 8192U);
  EXPECT_EQ(load_le<uint64_t>(page + 32), 1U);
  ring.write("x", "\xc0");
  EXPECT_EQ(load_le<uint64_t>(page + 64), 79U);
  EXPECT_EQ(load_le<uint64_t>(page + 72), 0U);
}

TEST(Ring, CapacityMustBeAPowerOfTwoInRange) {
  for (const uint64_t bad : {uint64_t{0}, kCapacity - 1, kCapacity / 2, kCapacity * 3,
                             uint64_t{KMES_CAPACITY_MAX} * 2}) {
    auto created = RingMapping::create(0, bad);
    ASSERT_FALSE(created.ok()) << bad;
    EXPECT_EQ(created.error().code, sqlstate::kInvalidParameterValue);
  }
}

TEST(Ring, AttachedViewIsReadOnlyButItsConsumerPage) {
  Ring ring;
  auto view = ring.mapping->attach();
  ASSERT_TRUE(view.ok());
  (*view)->consumer().need_wake = 1;
  EXPECT_EQ(ring.mapping->consumer().need_wake, 0) << "consumer pages are not shared";
  EXPECT_DEATH((*view)->data()[0] = 1, "");
  EXPECT_DEATH((*view)->producer().write_pos = 1, "");
}

TEST(Ring, AttachmentsAreBoundedAndGivenBack) {
  Ring ring;
  std::vector<std::unique_ptr<RingMapping>> views;
  for (uint32_t i = 0; i < kAttachmentsMax; ++i) {
    auto view = ring.mapping->attach();
    ASSERT_TRUE(view.ok());
    views.push_back(std::move(view).value());
  }
  auto one_more = ring.mapping->attach();
  ASSERT_FALSE(one_more.ok());
  EXPECT_EQ(one_more.error().code, sqlstate::kConfigurationLimitExceeded);
  views.pop_back();
  EXPECT_TRUE(ring.mapping->attach().ok());
}

TEST(Ring, WrapsAroundWithoutSplittingEvents) {
  Ring ring;
  auto view = ring.mapping->attach();
  ASSERT_TRUE(view.ok());
  Drain drain(**view);
  std::mt19937 random(7);
  for (uint64_t i = 1; i <= 2000; ++i) {  // many times round 64 kB
    const std::string payload(random() % 700, static_cast<char>('a' + i % 26));
    ASSERT_TRUE(ring.write("wrap", payload));
    ASSERT_EQ(drain.next(), RingReader::Next::kEvent);
    ASSERT_EQ(drain.event().sequence(), i);
    ASSERT_EQ(as_text(drain.event().payload()), payload);
  }
  EXPECT_GT(ring.mapping->producer().write_pos, 5 * kCapacity);
  EXPECT_EQ(drain.reader.lapped_count(), 0U);
}

TEST(Ring, OverwritingLapsTheReaderAndShowsAsGap) {
  Ring ring;
  Drain drain(*ring.mapping);
  ASSERT_TRUE(ring.write("first", "\xc0"));
  ASSERT_EQ(drain.next(), RingReader::Next::kEvent);
  const std::string payload(1000, 'p');
  for (int i = 0; i < 200; ++i) ring.write("more", payload);

  ASSERT_EQ(drain.next(), RingReader::Next::kEvent);
  EXPECT_EQ(drain.reader.lapped_count(), 1U);
  const uint64_t resumed = drain.event().sequence();
  EXPECT_GT(resumed, 2U);
  uint64_t last = resumed;
  while (drain.next() == RingReader::Next::kEvent) ASSERT_EQ(drain.event().sequence(), ++last);
  EXPECT_EQ(last, 201U);
  // The ring was used: as many whole events as fit are still there.
  EXPECT_EQ(last - resumed + 1, kCapacity / (77 + 4 + 1000));
}

TEST(Ring, TooLargeIsDroppedWithItsSequenceSpent) {
  Ring ring;
  const size_t header = 77 + 1;
  EXPECT_TRUE(ring.write("a", std::string(kCapacity / 2 - header, 'x')));
  EXPECT_FALSE(ring.write("a", std::string(kCapacity / 2 - header + 1, 'x')));
  EXPECT_FALSE(ring.write("", "\xc0"));
  EXPECT_TRUE(ring.write("a", "\xc0"));
  EXPECT_EQ(ring.writer.dropped, 2U);
  Drain drain(*ring.mapping);
  ASSERT_EQ(drain.next(), RingReader::Next::kEvent);
  EXPECT_EQ(drain.event().sequence(), 1U);
  ASSERT_EQ(drain.next(), RingReader::Next::kEvent);
  EXPECT_EQ(drain.event().sequence(), 4U);
}

TEST(Ring, BatchIsSeenWhenPublishedAndMayOvertakeItself) {
  Ring ring;
  Drain drain(*ring.mapping);
  ring.stage("a", "\xc0");
  EXPECT_EQ(drain.next(), RingReader::Next::kEmpty);
  // One batch of several times the ring: it publishes before it walks over its own events.
  for (int i = 0; i < 300; ++i) {
    ring.stage("b", std::string(1000, 'y'));
    const kmes_producer_page& page = ring.mapping->producer();
    ASSERT_LE(page.tail_pos, page.write_pos);
    ASSERT_LE(ring.writer.frontier - page.tail_pos, kCapacity);
  }
  kmes_ring_publish(&ring.writer);
  uint64_t last = 0;
  while (drain.next() == RingReader::Next::kEvent) last = drain.event().sequence();
  EXPECT_EQ(last, 301U);
}

TEST(Ring, SmallBufferSaysWhatItNeeds) {
  Ring ring;
  ring.write("type", std::string(100, 'z'));
  RingReader reader(*ring.mapping);
  std::vector<uint8_t> buffer(100);
  ASSERT_EQ(reader.next(buffer), RingReader::Next::kTooSmall);
  ASSERT_EQ(reader.next_size(), 77U + 4 + 100);
  buffer.resize(reader.next_size());
  EXPECT_EQ(reader.next(buffer), RingReader::Next::kEvent);
}

TEST(Ring, CorruptHeadersAreSkippedAndCounted) {
  struct Damage {
    size_t offset;
    uint32_t value;
  };
  for (const Damage damage : {Damage{KMES_EVENT_SIZE_OFFSET, 0}, Damage{KMES_EVENT_SIZE_OFFSET, 76},
                              Damage{KMES_EVENT_SIZE_OFFSET, 0xffffffff},
                              Damage{KMES_EVENT_SIZE_OFFSET, kCapacity / 2 + 1},
                              Damage{KMES_EVENT_SIZE_OFFSET, 1000},
                              Damage{KMES_HEADER_SIZE_OFFSET, 0}, Damage{KMES_HEADER_SIZE_OFFSET, 80},
                              Damage{KMES_HEADER_SIZE_OFFSET, 0xffffffff}}) {
    Ring ring;
    ring.write("type", "\xc0");
    store_le(ring.mapping->data() + damage.offset, damage.value);
    Drain drain(*ring.mapping);
    ASSERT_EQ(drain.next(), RingReader::Next::kCorrupt) << damage.offset << ' ' << damage.value;
    EXPECT_EQ(drain.reader.corrupt_count(), 1U);
    EXPECT_EQ(drain.next(), RingReader::Next::kEmpty);
    ring.write("good", "\xc0");
    ASSERT_EQ(drain.next(), RingReader::Next::kEvent);
    EXPECT_EQ(drain.event().sequence(), 2U);
  }
}

TEST(Ring, ImpossiblePositionsAreCorruptionToo) {
  Ring ring;
  ring.write("type", "\xc0");
  Drain drain(*ring.mapping);
  ring.mapping->producer().write_pos = 10 * kCapacity;
  EXPECT_EQ(drain.next(), RingReader::Next::kCorrupt);
  ring.mapping->producer().write_pos = 5;  // behind
  EXPECT_EQ(drain.next(), RingReader::Next::kCorrupt);
  EXPECT_EQ(drain.next(), RingReader::Next::kEmpty);
}

// A payload that shows whether it is of one event: length and bytes follow from the sequence.
std::string payload_of(uint64_t sequence) {
  return std::string(50 + sequence * 7919 % 3000, static_cast<char>(sequence % 251));
}

TEST(Ring, TornReadsAreNeverDelivered) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Ring ring;
  auto view = ring.mapping->attach();
  ASSERT_TRUE(view.ok());
  Drain drain(**view);
  constexpr uint64_t kEvents = 60'000;
  std::jthread producer([&] {
    std::mt19937 random(seed);
    for (uint64_t sequence = 1; sequence <= kEvents; ++sequence) {
      ring.stage("torn", payload_of(sequence));
      const unsigned dice = random() % 64;
      if (dice > 2 || sequence == kEvents) kmes_ring_publish(&ring.writer);
      if (dice == 0) std::this_thread::yield();
    }
  });
  uint64_t last = 0;
  while (last < kEvents) {
    const RingReader::Next next = drain.next();
    if (next == RingReader::Next::kEmpty) continue;
    ASSERT_EQ(next, RingReader::Next::kEvent);
    const EventView event = drain.event();
    ASSERT_GT(event.sequence(), last);
    last = event.sequence();
    ASSERT_EQ(as_text(event.payload()), payload_of(last)) << "torn at " << last;
  }
  producer.join();
  EXPECT_EQ(drain.reader.corrupt_count(), 0U);
}

TEST(Ring, EveryAttachmentIsWoken) {
  Ring ring;
  std::vector<std::thread> readers;
  std::atomic<int> woken{0};
  std::vector<std::unique_ptr<RingMapping>> views;
  for (int i = 0; i < 4; ++i) {
    auto view = ring.mapping->attach();
    ASSERT_TRUE(view.ok());
    views.push_back(std::move(view).value());
    readers.emplace_back([&woken, mapping = views.back().get()] {
      Drain drain(*mapping);
      for (int n = 0; n < 50;) {
        if (drain.next() == RingReader::Next::kEvent) ++n;
        else drain.reader.wait(1'000'000'000);
      }
      ++woken;
    });
  }
  for (int i = 0; i < 50; ++i) {
    ring.write("all", "\xc0");
    ring.mapping->wake_if_needed();
    std::this_thread::yield();
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(woken, 4);
}

TEST(Ring, WakeEndsAWaitEvenBeforeItBegins) {
  Ring ring;
  auto view = ring.mapping->attach();
  ASSERT_TRUE(view.ok());
  RingReader reader(**view);
  reader.wake();
  EXPECT_TRUE(reader.wait(1'000'000'000));
  EXPECT_FALSE(reader.wait(1)) << "one wake, one return";
  std::thread waker([&] { reader.wake(); });
  bool woken = false;
  for (int i = 0; i < 10 && !woken; ++i) woken = reader.wait(1'000'000'000);
  EXPECT_TRUE(woken);
  waker.join();
}

}  // namespace
}  // namespace eventd::kmes
