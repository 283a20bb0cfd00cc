// Looking events up by their sequence: what is found, and how little is read for it.
#include "engine/storage/sequence_zones.h"

#include <algorithm>
#include <random>

#include "engine/limits.h"
#include "storage_fixture.h"

namespace eventd::engine {
namespace {

using Op = ScanPredicate::Op;
using Rows = std::vector<std::pair<int32_t, int64_t>>;  // (cpu, sequence), -1 = NULL

constexpr int32_t kCpus = 3;

class SequenceZonesTest : public StorageTest {
 protected:
  static ScanPredicate number(EventColumn which, Op op, std::vector<int64_t> values) {
    ScanPredicate predicate;
    predicate.column = column(which);
    predicate.op = op;
    for (const int64_t value : values) predicate.values.push_back(Datum::int8(value));
    return predicate;
  }
  static ScanPredicate sequence(Op op, std::vector<int64_t> values) {
    return number(EventColumn::kSequence, op, std::move(values));
  }
  static ScanPredicate cpu(int64_t value) { return number(EventColumn::kCpuId, Op::kEq, {value}); }

  /// `count` events whose sequences ascend for each CPU, as an emitter's do, after `first`.
  static std::vector<TestEvent> ascending(int count, uint64_t first, uint32_t seed) {
    std::mt19937 random(seed);
    std::vector<TestEvent> events(static_cast<size_t>(count));
    uint64_t next[kCpus] = {first, first, first};
    for (int i = 0; i < count; ++i) {
      TestEvent& event = events[static_cast<size_t>(i)];
      event.timestamp_ns = i;
      event.cpu_id = static_cast<uint16_t>(random() % kCpus);
      event.sequence = next[*event.cpu_id]++;
    }
    return events;
  }

  void write(const std::vector<TestEvent>& events, uint32_t shard = 0) {
    append(set_->shard(shard), events);
    events_.insert(events_.end(), events.begin(), events.end());
  }

  Rows found(std::vector<ScanPredicate> predicates, ScanCounters* counters = nullptr,
             bool ordered = false) {
    ScanRequest wanted = request({column(EventColumn::kCpuId), column(EventColumn::kSequence)},
                                 std::move(predicates));
    std::vector<std::vector<Datum>> read;
    if (ordered) {
      wanted.order = ScanOrder{0, true};
      for (auto& partition : partitions(wanted, counters)) {
        read.insert(read.end(), partition.begin(), partition.end());
      }
    } else {
      read = rows(wanted, counters);
    }
    Rows out;
    for (const auto& row : read) {
      out.emplace_back(row[0].is_null() ? -1 : row[0].as<int32_t>(),
                       row[1].is_null() ? -1 : row[1].as<int64_t>());
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  template <class Matches>
  Rows expected(Matches matches) const {
    Rows out;
    for (const TestEvent& event : events_) {
      const int32_t cpu_id = event.cpu_id ? int32_t{*event.cpu_id} : -1;
      if (event.sequence && matches(cpu_id, static_cast<int64_t>(*event.sequence))) {
        out.emplace_back(cpu_id, static_cast<int64_t>(*event.sequence));
      }
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  /// Queries of every form, against what was written.
  void check_all(int64_t highest, uint32_t seed) {
    std::mt19937 random(seed);
    for (int i = 0; i < 6; ++i) {
      const auto a = static_cast<int64_t>(random() % static_cast<uint64_t>(highest + 2));
      const int64_t b = a + static_cast<int64_t>(random() % 50);
      const auto c = static_cast<int32_t>(random() % (kCpus + 1));
      const bool ordered = i % 2 == 1;
      EXPECT_EQ(found({cpu(c), sequence(Op::kEq, {a})}, nullptr, ordered),
                expected([&](int32_t id, int64_t s) { return id == c && s == a; }));
      EXPECT_EQ(found({sequence(Op::kEq, {a})}, nullptr, ordered),
                expected([&](int32_t, int64_t s) { return s == a; }));
      EXPECT_EQ(found({cpu(c), sequence(Op::kGreaterEq, {a}), sequence(Op::kLess, {b})}, nullptr, ordered),
                expected([&](int32_t id, int64_t s) { return id == c && s >= a && s < b; }));
      EXPECT_EQ(found({sequence(Op::kIn, {b, a, 3}), cpu(c)}, nullptr, ordered),
                expected([&](int32_t id, int64_t s) { return id == c && (s == a || s == b || s == 3); }));
      EXPECT_EQ(found({sequence(Op::kGreater, {a})}, nullptr, ordered),
                expected([&](int32_t, int64_t s) { return s > a; }));
    }
  }

  std::vector<TestEvent> events_;
};

TEST_F(SequenceZonesTest, OneRowIsFoundWithoutReadingTheTail) {
  open(2);
  write(ascending(20'000, 0, 1), 0);
  write(ascending(20'000, 20'000, 2), 1);
  ScanCounters counters;
  EXPECT_EQ(found({cpu(1), sequence(Op::kEq, {3000})}, &counters), (Rows{{1, 3000}}));
  EXPECT_LE(counters.rows_read, 3 * SequenceZones::kBlockRows);
  EXPECT_EQ(found({cpu(1), sequence(Op::kEq, {1'000'000})}, &counters), Rows{});
  EXPECT_EQ(counters.rows_read, 0u);
  check_all(27'000, 3);
}

TEST_F(SequenceZonesTest, OutOfOrderRowsAreFound) {
  open();
  auto events = ascending(3000, 0, 4);
  std::shuffle(events.begin(), events.end(), std::mt19937(5));
  // Other boots count from the beginning again; SQL rows may lack both numbers.
  for (size_t i = 0; i < events.size(); i += 7) {
    events[i].boot = Guid{{1, 2, 3}};
    if (i % 2) events[i].cpu_id.reset();
    if (i % 3 == 0) events[i].sequence.reset();
  }
  write(events);
  write(ascending(3000, 0, 6));
  write(ascending(500, 900, 7));
  check_all(1100, 8);
}

TEST_F(SequenceZonesTest, ReadersLearnWhatWasWrittenBefore) {
  open();
  write(ascending(int{kTailRowsMax} + 5000, 0, 9));
  open();
  // Rows of this run follow in the same block as unknown ones.
  write(ascending(300, 100'000, 10));
  ScanCounters counters;
  const auto lookup = [&](int64_t s) { return found({cpu(2), sequence(Op::kEq, {s})}, &counters); };
  EXPECT_EQ(lookup(7000), (Rows{{2, 7000}}));
  EXPECT_GT(counters.rows_read, uint64_t{kTailRowsMax});
  EXPECT_EQ(lookup(7001), (Rows{{2, 7001}}));
  EXPECT_LE(counters.rows_read, 3 * SequenceZones::kBlockRows);
  EXPECT_EQ(lookup(100'050), (Rows{{2, 100'050}}));
  EXPECT_LE(counters.rows_read, 3 * SequenceZones::kBlockRows);
  check_all(25'000, 11);
  check_all(100'100, 12);
}

TEST_F(SequenceZonesTest, SnapshotsSeeTheirRowsOnly) {
  open();
  write(ascending(200, 0, 13));
  ScanRequest old = request({column(EventColumn::kSequence)}, {sequence(Op::kGreaterEq, {0})});
  write(ascending(200, 0, 14));
  EXPECT_EQ(rows(old).size(), 200u);
  ASSERT_TRUE(set_->shard(0).begin().ok());
  for (const TestEvent& event : ascending(200, 5000, 15)) {
    ASSERT_TRUE(set_->shard(0).append(event.row()).ok());
  }
  EXPECT_EQ(found({sequence(Op::kGreaterEq, {5000})}), Rows{});
  set_->shard(0).rollback();
  EXPECT_EQ(found({sequence(Op::kGreaterEq, {5000})}), Rows{});
  // The ids of the rolled-back rows are given to others.
  write(ascending(200, 7000, 16));
  check_all(7100, 17);
}

TEST_F(SequenceZonesTest, PublishedStagesAreFound) {
  open();
  Shard& shard = set_->shard(0);
  auto stage = shard.stage_create();
  ASSERT_TRUE(stage.ok());
  const auto events = ascending(2000, 0, 18);
  std::vector<EventRow> staged;
  for (const TestEvent& event : events) staged.push_back(event.row());
  ASSERT_TRUE(shard.stage_append(*stage, staged).ok());
  write(ascending(100, 3000, 19));
  EXPECT_EQ(found({sequence(Op::kLess, {3000})}), Rows{});
  ASSERT_TRUE(shard.begin().ok());
  ASSERT_TRUE(shard.stage_publish(*stage).ok());
  ASSERT_TRUE(shard.commit().ok());
  events_.insert(events_.end(), events.begin(), events.end());
  ScanCounters counters;
  EXPECT_EQ(found({cpu(0), sequence(Op::kEq, {100})}, &counters), (Rows{{0, 100}}));
  EXPECT_LE(counters.rows_read, 3 * SequenceZones::kBlockRows);
  check_all(700, 20);
}

TEST_F(SequenceZonesTest, ExpiredTailsBeginAnew) {
  open();
  write(ascending(1000, 0, 21));
  while (true) {
    auto step = set_->shard(0).expire(10'000);
    ASSERT_TRUE(step.ok());
    if (!step->more) break;
  }
  events_.clear();
  auto later = ascending(1000, 50, 22);
  for (TestEvent& event : later) event.timestamp_ns += 20'000;
  write(later);
  check_all(450, 23);
}

TEST(SequenceZones, ManyCpusShareOneZone) {
  SequenceZones zones;
  std::vector<SequenceSample> rows;
  for (int i = 0; i < 100; ++i) rows.push_back({i, 1000 + i, i});
  zones.add(rows);
  SequenceQuery query;
  query.first = query.last = 1007;
  query.cpus = {7};
  EXPECT_EQ(zones.find(query, 0, 99), (std::vector<RowidSpan>{{0, 99, false}}));
  query.first = query.last = 999;
  EXPECT_TRUE(zones.find(query, 0, 99).empty());
}

TEST(SequenceZones, UnknownRowidsAreAlwaysFound) {
  SequenceZones zones(10, 300);
  const std::vector<SequenceSample> row{{301, 5, 0}};
  zones.add(row);
  SequenceQuery query;
  query.first = query.last = 5;
  EXPECT_EQ(zones.find(query, 1, 1000),
            (std::vector<RowidSpan>{{10, 300, true}, {301, 383, false}}));
  zones.set_known(100, 200);
  query.first = query.last = 6;
  EXPECT_EQ(zones.find(query, 1, 1000),
            (std::vector<RowidSpan>{{10, 99, true}, {201, 300, true}}));
  EXPECT_EQ(zones.find(query, 50, 250), (std::vector<RowidSpan>{{50, 99, true}, {201, 250, true}}));
}

}  // namespace
}  // namespace eventd::engine
