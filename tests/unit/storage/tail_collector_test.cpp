#include <algorithm>
#include <random>

#include "storage_fixture.h"

namespace eventd::engine {
namespace {

class TailCollectorTest : public StorageTest {};

// A shard's rows arrived in order (the table is walked), in none (the index finds them), or at few
// moments; a small or a large share is wanted. Rows committed while the scan runs are never seen.
TEST_F(TailCollectorTest, TimeRangesHoldWhateverTheOrderOfArrival) {
  constexpr int64_t kCount = 3 * static_cast<int64_t>(kBatchRows) + 100;
  open(3);
  std::vector<TestEvent> all;
  for (uint32_t arrival = 0; arrival < 3; ++arrival) {
    std::vector<TestEvent> events;
    for (int64_t i = 0; i < kCount; ++i) {
      const int64_t time = arrival == 0 ? i : arrival == 1 ? i * 7919 % kCount : i % 3 * 2000;
      events.push_back({.timestamp_ns = time, .sequence = static_cast<uint64_t>(i)});
    }
    append(set_->shard(arrival), events);
    all.insert(all.end(), events.begin(), events.end());
  }
  const auto append_more = [&] {
    for (uint32_t s = 0; s < 3; ++s) {
      append(set_->shard(s), {{.timestamp_ns = 299, .sequence = 1'000'000}});
    }
  };
  for (const int64_t last : {int64_t{300}, int64_t{2500}, int64_t{5000}, INT64_MAX}) {
    for (const EventColumn which : {EventColumn::kTimestampNs, EventColumn::kSequence}) {
      std::vector<int64_t> wanted, seen;
      for (const TestEvent& e : all) {
        if (e.timestamp_ns > last) continue;
        wanted.push_back(which == EventColumn::kSequence ? static_cast<int64_t>(*e.sequence)
                                                         : e.timestamp_ns);
      }
      ScanPredicate until;
      until.column = column(EventColumn::kTimestampNs);
      until.op = ScanPredicate::Op::kLessEq;
      until.values = {Datum::int8(last)};
      auto scan = set_->events_relation().scan(request({column(which)}, {until}));
      ASSERT_TRUE(scan.ok());
      append_more();
      auto cursor = (*scan)->open_worker();
      ASSERT_TRUE(cursor.ok());
      Batch batch;
      while (*(*cursor)->next(batch)) {
        for (uint32_t r = 0; r < batch.size; ++r) seen.push_back(batch.columns[0].datum(r).as<int64_t>());
        append_more();
      }
      // The next scan's snapshot has what came during this one.
      const size_t known = all.size();
      const size_t extra = count() - known;
      all.insert(all.end(), extra, TestEvent{.timestamp_ns = 299, .sequence = 1'000'000});
      std::sort(wanted.begin(), wanted.end());
      std::sort(seen.begin(), seen.end());
      EXPECT_TRUE(seen == wanted) << "until " << last << ": " << seen.size() << " rows, not "
                                  << wanted.size();
    }
  }
}

TEST_F(TailCollectorTest, TypesOfEveryLengthAreToldApart) {
  Shard& shard = open().shard(0);
  std::vector<std::string> wanted;
  // Equal but for one character, wherever it is.
  for (const size_t length : {1, 7, 8, 15, 16, 17, 24, 31, 32, 33, 40}) {
    for (size_t at = 0; at < length; ++at) {
      std::string type(length, 'a');
      type[at] = 'b';
      wanted.insert(wanted.end(), 3, type);
    }
  }
  std::shuffle(wanted.begin(), wanted.end(), std::mt19937(5));
  std::vector<TestEvent> events;
  for (const std::string& type : wanted) events.push_back({.timestamp_ns = 1, .type = type});
  append(shard, events);
  std::vector<std::string> seen;
  for (const auto& row : rows(request({column(EventColumn::kEventType)}))) {
    seen.emplace_back(row[0].bytes());
  }
  EXPECT_EQ(seen, wanted);
}

}  // namespace
}  // namespace eventd::engine
