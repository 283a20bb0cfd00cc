// Reading hours of a tail: what is found, and how little of the table is walked for it.
#include "engine/storage/time_blocks.h"

#include <algorithm>
#include <random>

#include "engine/limits.h"
#include "engine/storage/event_scan.h"
#include "storage_fixture.h"

namespace eventd::engine {
namespace {

using Op = ScanPredicate::Op;

class TimeBlocksTest : public StorageTest {
 protected:
  /// `count` events a second apart, from the second `first`.
  static std::vector<TestEvent> seconds(int64_t first, int count) {
    std::vector<TestEvent> events(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) {
      events[static_cast<size_t>(i)].timestamp_ns = (first + i) * 1'000'000'000;
      events[static_cast<size_t>(i)].sequence = static_cast<uint64_t>(first + i);
    }
    return events;
  }
  void write(const std::vector<TestEvent>& events) {
    append(set_->shard(0), events);
    events_.insert(events_.end(), events.begin(), events.end());
  }
  ScanRequest between(int64_t first, int64_t last) {
    std::vector<ScanPredicate> predicates(2);
    for (ScanPredicate& p : predicates) p.column = column(EventColumn::kTimestampNs);
    predicates[0].op = Op::kGreaterEq;
    predicates[0].values = {Datum::int8(first * 1'000'000'000)};
    predicates[1].op = Op::kLessEq;
    predicates[1].values = {Datum::int8(last * 1'000'000'000)};
    return request({column(EventColumn::kSequence)}, std::move(predicates));
  }
  /// Rows of the table that a scan has to look at; -1 = it asks the index.
  int64_t walked(int64_t first, int64_t last) {
    const ScanRequest wanted = between(first, last);
    auto state = plan_event_scan(wanted, std::dynamic_pointer_cast<const EventSnapshot>(wanted.snapshot),
                                 nullptr);
    if (!state.ok()) throw std::runtime_error(state.error().message);
    int64_t rows = 0;
    for (const EventMorsel& morsel : (*state)->morsels) {
      if (morsel.range.order != TailRange::Order::kRowid) return -1;
      rows += morsel.range.last_rowid - morsel.range.first_rowid + 1;
    }
    return rows;
  }
  void check(int64_t first, int64_t last) {
    std::vector<int64_t> expected, read;
    for (const TestEvent& event : events_) {
      const int64_t second = event.timestamp_ns / 1'000'000'000;
      if (second >= first && second <= last) expected.push_back(static_cast<int64_t>(*event.sequence));
    }
    for (const auto& row : rows(between(first, last))) read.push_back(row[0].as<int64_t>());
    std::sort(expected.begin(), expected.end());
    std::sort(read.begin(), read.end());
    EXPECT_EQ(read, expected) << first << "-" << last;
  }
  void check_all(int64_t highest, uint32_t seed) {
    std::mt19937 random(seed);
    for (int i = 0; i < 12; ++i) {
      const auto first = static_cast<int64_t>(random() % static_cast<uint64_t>(highest));
      check(first, first + static_cast<int64_t>(random() % static_cast<uint64_t>(highest)));
    }
    check(0, highest);
  }

  std::vector<TestEvent> events_;
};

constexpr int kSeconds = 60'000;
constexpr int64_t kAround = 2 * TimeBlocks::kBlockRows;

TEST_F(TimeBlocksTest, AnHourIsWalkedWithoutTheRestOfTheTail) {
  open();
  write(seconds(0, kSeconds));
  for (const int64_t wanted : {int64_t{100}, int64_t{3600}, int64_t{30'000}}) {
    EXPECT_GE(walked(20'000, 20'000 + wanted - 1), wanted);
    EXPECT_LE(walked(20'000, 20'000 + wanted - 1), wanted + kAround);
  }
  check_all(kSeconds, 1);
}

TEST_F(TimeBlocksTest, RowsInNoOrderAreFound) {
  open();
  auto events = seconds(0, kSeconds);
  std::shuffle(events.begin(), events.end(), std::mt19937(2));
  write(events);
  EXPECT_EQ(walked(20'000, 20'100), -1);
  check_all(kSeconds, 3);
}

TEST_F(TimeBlocksTest, LateRowsWidenOnlyTheirBlocks) {
  open();
  auto events = seconds(0, kSeconds);
  std::swap(events[10'000].timestamp_ns, events[50'000].timestamp_ns);
  write(events);
  EXPECT_LE(walked(20'000, 25'000), 5001 + 2 * kAround);
  check(9'990, 10'010);
  check(49'990, 50'010);
  check_all(kSeconds, 4);
}

TEST_F(TimeBlocksTest, ReadersLearnWhatWasWrittenBefore) {
  open();
  write(seconds(0, kSeconds));
  open();
  write(seconds(kSeconds, 3000));
  // The rows of this run are known at once; where nothing is, the index is asked.
  EXPECT_EQ(walked(1000, 1100), -1);
  check(0, 2 * kSeconds);
  EXPECT_LE(walked(1000, 1100), 101 + kAround);
  check_all(kSeconds + 3000, 5);
}

TEST_F(TimeBlocksTest, AReaderThatStopsEarlyHasLearntWhatItRead) {
  open();
  write(seconds(0, kSeconds));
  open();
  ScanRequest some = between(30'000, 2 * kSeconds);
  some.partition_limit = 10;
  EXPECT_EQ(rows(some).size(), 10u);
  EXPECT_LE(walked(1000, 1100), 101 + kAround);
  EXPECT_EQ(walked(50'000, 50'100), -1);
  check_all(kSeconds, 6);
}

TEST_F(TimeBlocksTest, RolledBackRowsDoNoHarm) {
  open();
  write(seconds(0, 10'000));
  ASSERT_TRUE(set_->shard(0).begin().ok());
  for (const TestEvent& event : seconds(500'000, 3000)) {
    ASSERT_TRUE(set_->shard(0).append(event.row()).ok());
  }
  set_->shard(0).rollback();
  write(seconds(10'000, 10'000));
  check(400'000, 600'000);
  check_all(20'000, 7);
}

}  // namespace
}  // namespace eventd::engine
