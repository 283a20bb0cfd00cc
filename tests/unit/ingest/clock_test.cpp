// A realtime clock that steps back: order by sequence, batches by the monotonic clock.
#include <atomic>
#include <thread>

#include "engine/ingest/batch_writer.h"
#include "tests/unit/ingest/ingest_fixture.h"

namespace eventd::engine {
namespace {

/// Realtime as told, monotonic as it is.
class WallClock final : public Clock {
 public:
  int64_t realtime_ns() const override { return now_ns.load(); }
  int64_t monotonic_ns() const override { return Clock::system().monotonic_ns(); }
  std::atomic<int64_t> now_ns{1'700'000'000'000'000'000};
};

constexpr int64_t kHourNs = 3'600'000'000'000;

using SteppingBack = IngestTest;

TEST_F(SteppingBack, TimestampsStayAsGivenAndSequencesOrder) {
  WallClock clock;
  options_.clock = &clock;
  options_.epoch.bytes[0] = 1;  // the ring numbers its events itself
  open(1, 1);
  RingFeeder feeder(rings_->ring(0));
  const int64_t begin_ns = clock.now_ns;
  for (int i = 0; i < 500; ++i) feeder.write("test.clock", payload(), begin_ns + i);
  start();
  // The administrator sets the clock back by an hour, events keep coming.
  clock.now_ns -= kHourNs;
  for (int i = 500; i < 1'000; ++i) feeder.write("test.clock", payload(), begin_ns + i - kHourNs);
  feeder.skip(5);
  feeder.write("test.clock", payload(), begin_ns + 1'000 - kHourNs);
  ASSERT_OK(insert_row("test.sql"));
  while (shards_->shard(0).committed_rows() < 1'004) std::this_thread::yield();
  close();
  const auto rows = files_.rows("SELECT sequence,timestamp FROM events WHERE event_type='test.clock' ORDER BY id");
  ASSERT_EQ(rows.size(), 1'001u);
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i][0], std::to_string(i < 1'000 ? i + 1 : i + 6));
    EXPECT_EQ(rows[i][1], std::to_string(begin_ns + static_cast<int64_t>(i) - (i < 500 ? 0 : kHourNs)));
  }
  Accounts(files_).expect_complete(0, 1'006);
  // Records of the server itself have its clock's time.
  EXPECT_EQ(files_.sum("SELECT timestamp FROM events WHERE event_type='synthetic.gap'"), begin_ns - kHourNs);
  EXPECT_EQ(files_.sum("SELECT timestamp FROM events WHERE event_type='synthetic.startup'"), begin_ns);
}

TEST_F(SteppingBack, CommitsGoOnWhateverTheWallClockDoes) {
  WallClock clock;
  options_.clock = &clock;
  open(1, 1);
  start();
  for (int i = 0; i < 50; ++i) {
    clock.now_ns += (i % 3 == 0 ? -2 : 1) * kHourNs;
    const std::vector<kmes::EmitEntry> entries(10, {"test.clock", payload()});
    ASSERT_TRUE(rings_->emit_lossless(entries, {}));
    ASSERT_OK(insert_row("test.sql"));
  }
  close();
  Accounts accounts(files_);
  accounts.expect_complete(0, 500);
  accounts.expect_complete(32'768, 50);
}

}  // namespace
}  // namespace eventd::engine
