// No wake-up is lost: the handshake of need_wake and write_pos, hit where its barriers matter.
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "kmes/ring_reader.h"
#include "kmes/ring_writer.h"
#include "kmes/user_rings.h"

namespace eventd::kmes {
namespace {

constexpr uint64_t kRoundsMax = 1'000'000;
constexpr std::chrono::seconds kTimeMax{2};

std::vector<int> own_cpus() {
  cpu_set_t set;
  std::vector<int> cpus;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  (void)pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

// The reader's head start given away, so that the writer can be there first.
constexpr int32_t kReaderSpins = 1'000;

void spin(int32_t count) {
  for (; count > 0; --count) std::atomic_signal_fence(std::memory_order_seq_cst);  // kept by it
}

// Strict ping-pong on two CPUs: one event is published only after the reader took the last one. The
// window in which a barrier matters is some tens of nanoseconds around the reader's request to be
// woken, so the moment of publishing is steered there: a little later when the reader had not asked
// yet, a little earlier when it had. A lost wake-up is a wait that runs into its timeout with an event
// there. `prepare` may write it, `publish` makes it visible and wakes.
void play(RingMapping& view, const std::function<void()>& prepare,
          const std::function<void()>& publish) {
  const std::vector<int> cpus = own_cpus();
  if (cpus.size() < 2) GTEST_SKIP() << "needs two CPUs";
  std::atomic<uint64_t> seen{0};
  std::atomic<bool> done{false}, lost{false};
  std::thread consumer([&] {
    pin(cpus[0]);
    RingReader reader(view);
    std::vector<uint8_t> buffer(view.capacity() / 2);
    uint64_t taken = 0;
    while (!done.load(std::memory_order_relaxed)) {
      if (reader.next(buffer) == RingReader::Next::kEvent) {
        seen.store(++taken, std::memory_order_release);
        spin(kReaderSpins);
        continue;
      }
      reader.wait(1'000'000'000);
      if (reader.late_wait_count() != 0) {
        lost = true;
        return;
      }
    }
  });
  std::thread producer([&] {
    pin(cpus[1]);
    const auto end = std::chrono::steady_clock::now() + kTimeMax;
    std::atomic_ref futex_counter(view.producer().futex_counter);
    uint32_t random = 1;
    int32_t delay = 0;
    uint64_t asked = 0;
    uint64_t round = 1;
    for (; round <= kRoundsMax && !lost; ++round) {
      prepare();
      while (seen.load(std::memory_order_acquire) != round - 1 && !lost) {
      }
      random = random * 1664525 + 1013904223;
      const int32_t jitter = static_cast<int32_t>(random >> 28);
      spin(delay + jitter);
      const uint32_t before = futex_counter.load(std::memory_order_relaxed);
      publish();
      const bool woke = futex_counter.load(std::memory_order_relaxed) != before;
      asked += woke;
      delay = std::clamp(delay + (woke ? -1 : 1), 0, 10'000);
      if (round % 64 == 0 && std::chrono::steady_clock::now() >= end) break;
    }
    testing::Test::RecordProperty("rounds", static_cast<int>(round));
    testing::Test::RecordProperty("asked", static_cast<int>(asked));
    while (seen.load(std::memory_order_acquire) < round && !lost && round <= kRoundsMax)
      std::this_thread::yield();
    done = true;
    prepare();
    publish();  // ends the reader's last wait
  });
  producer.join();
  consumer.join();
  EXPECT_FALSE(lost) << "after " << seen << " events";
}

TEST(WakeUp, IsNeverLostByAWriterWithoutLocks) {
  auto created = RingMapping::create(0, KMES_CAPACITY_MIN);
  ASSERT_TRUE(created.ok());
  RingMapping& mapping = **created;
  kmes_ring_writer writer{};
  kmes_ring_writer_init(&writer, &mapping.producer(), mapping.data());
  auto view = mapping.attach();
  ASSERT_TRUE(view.ok());
  play(**view, [&] { kmes_ring_write(&writer, "ping", 4, "\xc0", 1); },
       [&] {
         kmes_ring_publish(&writer);
         mapping.wake_if_needed();
       });
}

TEST(WakeUp, IsNeverLostByEmitters) {
  for (const bool lossless : {false, true}) {
    auto rings = UserRings::create(1, KMES_CAPACITY_MIN);
    ASSERT_TRUE(rings.ok());
    auto view = (*rings)->ring(0)->attach();
    ASSERT_TRUE(view.ok());
    const EmitEntry event{"ping", as_bytes(std::string_view("\xc0"))};
    play(**view, [] {},
         [&] {
           if (!lossless) {
             (*rings)->emit({&event, 1}, {});
             return;
           }
           // The reader of this test is not the ring's drain thread: told to it here.
           (*rings)->note_drained(0, (*rings)->ring(0)->producer().write_pos);
           EXPECT_EQ((*rings)->try_emit_lossless({&event, 1}, {}), 1U);
         });
  }
}

}  // namespace
}  // namespace eventd::kmes
