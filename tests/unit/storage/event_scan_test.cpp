#include <algorithm>
#include <atomic>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "engine/payload/msgpack_path.h"
#include "engine/storage/pending_events.h"
#include "storage_fixture.h"

namespace eventd::engine {
namespace {

using Op = ScanPredicate::Op;

std::string map_payload(const std::string& name, int number) {
  std::string out = "\x82\xa4name";
  out += static_cast<char>(0xa0 | name.size());
  out += name;
  out += "\xa1n";
  out += static_cast<char>(number);
  return out;
}

ScanPredicate predicate(ScanColumn column, Op op, std::vector<Datum> values = {},
                        bool ignore_case = false) {
  ScanPredicate p;
  p.column = std::move(column);
  p.op = op;
  p.values = std::move(values);
  p.ignore_case = ignore_case;
  return p;
}

class EventScanTest : public StorageTest {
 protected:
  /// Random events over `shards`, in several commits; sequence is unique over all.
  void fill(uint32_t shards, int count, uint32_t seed) {
    open(shards);
    std::mt19937 random(seed);
    std::vector<std::vector<TestEvent>> batches(shards);
    static const char* const kTypes[] = {"kacs.file.open", "kacs.file.close", "net.accept",
                                         "NET.Accept", "x", "kacs"};
    for (int i = 0; i < count; ++i) {
      TestEvent event;
      event.timestamp_ns = static_cast<int64_t>(random() % 50'000);  // many ties
      event.type = kTypes[random() % 6];
      event.sequence = static_cast<uint64_t>(i);
      if (random() % 4) event.cpu_id = static_cast<uint16_t>(random() % 3);
      if (random() % 4) event.origin_class = static_cast<uint8_t>(random() % 4);
      if (random() % 3) event.process = Guid{{static_cast<uint8_t>(random() % 5), 7}};
      if (random() % 5) {
        event.payload = map_payload("n" + std::to_string(random() % 7), static_cast<int>(random() % 100));
      }
      events_.push_back(event);
      batches[random() % shards].push_back(event);
    }
    for (uint32_t s = 0; s < shards; ++s) {
      for (size_t at = 0; at < batches[s].size(); at += 5000) {
        append(set_->shard(s),
               {batches[s].begin() + static_cast<ptrdiff_t>(at),
                batches[s].begin() + static_cast<ptrdiff_t>(std::min(at + 5000, batches[s].size()))});
      }
    }
  }

  std::set<int64_t> sequences(std::vector<ScanPredicate> predicates) {
    for (const ScanPredicate& p : predicates) {
      EXPECT_EQ(set_->events_relation().support(p), PredicateSupport::kExact);
    }
    std::set<int64_t> out;
    for (const auto& row : rows(request({column(EventColumn::kSequence)}, std::move(predicates)))) {
      EXPECT_TRUE(out.insert(row[0].as<int64_t>()).second) << "row came twice";
    }
    return out;
  }

  template <class Matches>
  std::set<int64_t> expected(Matches matches) {
    std::set<int64_t> out;
    for (const TestEvent& event : events_) {
      if (matches(event)) out.insert(static_cast<int64_t>(*event.sequence));
    }
    return out;
  }

  std::vector<TestEvent> events_;
};

int64_t micros(const TestEvent& e) { return timestamptz_from_unix_ns(e.timestamp_ns); }

TEST_F(EventScanTest, PredicatesMatchBruteForce) {
  fill(2, 20'000, 1);
  const auto timestamp = column(EventColumn::kTimestamp);
  const int64_t base = -946'684'800'000'000;
  const auto ts = [&](int64_t us) { return Datum(oid::kTimestamptz, base + us); };
  for (const int64_t us : {0, 1, 25, 49, 50}) {
    const int64_t v = base + us;
    EXPECT_EQ(sequences({predicate(timestamp, Op::kEq, {ts(us)})}),
              expected([&](const TestEvent& e) { return micros(e) == v; }));
    EXPECT_EQ(sequences({predicate(timestamp, Op::kLess, {ts(us)})}),
              expected([&](const TestEvent& e) { return micros(e) < v; }));
    EXPECT_EQ(sequences({predicate(timestamp, Op::kLessEq, {ts(us)})}),
              expected([&](const TestEvent& e) { return micros(e) <= v; }));
    EXPECT_EQ(sequences({predicate(timestamp, Op::kGreater, {ts(us)})}),
              expected([&](const TestEvent& e) { return micros(e) > v; }));
    EXPECT_EQ(sequences({predicate(timestamp, Op::kGreaterEq, {ts(us)}),
                         predicate(timestamp, Op::kLess, {ts(us + 3)})}),
              expected([&](const TestEvent& e) { return micros(e) >= v && micros(e) < v + 3; }));
    EXPECT_EQ(sequences({predicate(timestamp, Op::kNotEq, {ts(us)})}),
              expected([&](const TestEvent& e) { return micros(e) != v; }));
  }
  EXPECT_EQ(sequences({predicate(timestamp, Op::kIn, {ts(40), ts(3), ts(99)})}),
            expected([&](const TestEvent& e) {
              return micros(e) == base + 40 || micros(e) == base + 3;
            }));
  const Datum infinity(oid::kTimestamptz, INT64_MAX), minus_infinity(oid::kTimestamptz, INT64_MIN);
  EXPECT_EQ(sequences({predicate(timestamp, Op::kLess, {infinity})}).size(), events_.size());
  EXPECT_EQ(sequences({predicate(timestamp, Op::kGreater, {minus_infinity})}).size(), events_.size());
  EXPECT_TRUE(sequences({predicate(timestamp, Op::kEq, {infinity})}).empty());
  EXPECT_TRUE(sequences({predicate(timestamp, Op::kLess, {minus_infinity})}).empty());
  EXPECT_EQ(sequences({predicate(column(EventColumn::kTimestampNs), Op::kEq, {Datum::int8(777)})}),
            expected([&](const TestEvent& e) { return e.timestamp_ns == 777; }));

  const auto type = column(EventColumn::kEventType);
  EXPECT_EQ(sequences({predicate(type, Op::kEq, {Datum::text("net.accept")})}),
            expected([](const TestEvent& e) { return e.type == "net.accept"; }));
  EXPECT_EQ(sequences({predicate(type, Op::kEq, {Datum::text("net.ACCEPT")}, true)}),
            expected([](const TestEvent& e) { return e.type == "net.accept" || e.type == "NET.Accept"; }));
  EXPECT_EQ(sequences({predicate(type, Op::kIn, {Datum::text("x"), Datum::text("kacs")})}),
            expected([](const TestEvent& e) { return e.type == "x" || e.type == "kacs"; }));
  EXPECT_EQ(sequences({predicate(type, Op::kStartsWith, {Datum::text("kacs.")})}),
            expected([](const TestEvent& e) { return e.type.starts_with("kacs."); }));
  EXPECT_EQ(sequences({predicate(type, Op::kGlob, {Datum::text("*.file.*o*e*")})}),
            expected([](const TestEvent& e) { return e.type.starts_with("kacs.file"); }));
  EXPECT_EQ(sequences({predicate(type, Op::kLess, {Datum::text("kacs.file.open")})}),
            expected([](const TestEvent& e) { return e.type < "kacs.file.open"; }));
  EXPECT_TRUE(sequences({predicate(type, Op::kIsNull)}).empty());

  EXPECT_EQ(sequences({predicate(column(EventColumn::kCpuId), Op::kGreaterEq, {Datum::int4(1)})}),
            expected([](const TestEvent& e) { return e.cpu_id && *e.cpu_id >= 1; }));
  EXPECT_EQ(sequences({predicate(column(EventColumn::kCpuId), Op::kNotEq, {Datum::int4(1)})}),
            expected([](const TestEvent& e) { return e.cpu_id && *e.cpu_id != 1; }));
  EXPECT_EQ(sequences({predicate(column(EventColumn::kOriginClass), Op::kIsNull)}),
            expected([](const TestEvent& e) { return !e.origin_class; }));
  EXPECT_EQ(sequences({predicate(column(EventColumn::kSequence), Op::kIn,
                                 {Datum::int8(19'999), Datum::int8(5), Datum::int8(-3)})}),
            (std::set<int64_t>{5, 19'999}));

  UuidValue uuid;
  const auto rfc = Guid{{3, 7}}.rfc_bytes();
  std::copy(rfc.begin(), rfc.end(), uuid.bytes);
  const auto process = column(EventColumn::kProcessGuid);
  EXPECT_EQ(sequences({predicate(process, Op::kEq, {Datum(oid::kUuid, uuid)})}),
            expected([](const TestEvent& e) { return e.process && e.process->bytes[0] == 3; }));
  EXPECT_EQ(sequences({predicate(process, Op::kGreater, {Datum(oid::kUuid, uuid)})}),
            expected([](const TestEvent& e) { return e.process && e.process->bytes[0] > 3; }));
  EXPECT_EQ(sequences({predicate(process, Op::kIsNotNull)}),
            expected([](const TestEvent& e) { return e.process.has_value(); }));

  EXPECT_EQ(sequences({predicate(column(EventColumn::kPayload), Op::kIsNull)}),
            expected([](const TestEvent& e) { return e.payload.empty(); }));
  const auto name_is = [](const TestEvent& e, const char* name) {
    return !e.payload.empty() && e.payload.find(std::string("\xa2") + name) != std::string::npos;
  };
  EXPECT_EQ(sequences({predicate(path({"name"}), Op::kEq, {Datum::text("n3")})}),
            expected([&](const TestEvent& e) { return name_is(e, "n3"); }));
  EXPECT_EQ(sequences({predicate(path({"name"}), Op::kIn, {Datum::text("n3"), Datum::text("n5")}),
                       predicate(type, Op::kEq, {Datum::text("x")})}),
            expected([&](const TestEvent& e) {
              return e.type == "x" && (name_is(e, "n3") || name_is(e, "n5"));
            }));
  EXPECT_EQ(sequences({predicate(path({"none"}), Op::kIsNull)}).size(), events_.size());
}

TEST_F(EventScanTest, UnsupportedPredicatesAreSaidToBe) {
  open();
  const Relation& events = set_->events_relation();
  EXPECT_EQ(events.support(predicate(column(EventColumn::kPayload), Op::kEq, {Datum::text("x")})),
            PredicateSupport::kNone);
  EXPECT_EQ(events.support(predicate(path({"a"}, ScanColumn::Extract::kJson), Op::kEq,
                                     {Datum::text("x")})),
            PredicateSupport::kNone);
  EXPECT_EQ(events.support(predicate(column(EventColumn::kEventType), Op::kLess,
                                     {Datum::text("x")}, true)),
            PredicateSupport::kNone);
  EXPECT_EQ(events.support(predicate(column(EventColumn::kCpuId), Op::kEq, {Datum::float8(1)})),
            PredicateSupport::kNone);
  EXPECT_FALSE(events.scan(request({}, {predicate(column(EventColumn::kPayload), Op::kEq,
                                                  {Datum::text("x")})})).ok());
}

TEST_F(EventScanTest, PartitionsComeInOrderWithTiesInCommitOrder) {
  fill(2, 30'000, 2);
  for (const bool descending : {false, true}) {
    ScanRequest wanted = request({column(EventColumn::kTimestampNs), column(EventColumn::kSequence)});
    wanted.order = ScanOrder{0, descending};
    const auto parts = partitions(wanted);
    ASSERT_EQ(parts.size(), 2u);
    size_t total = 0;
    for (const auto& part : parts) {
      total += part.size();
      for (size_t i = 1; i < part.size(); ++i) {
        // Within a shard sequence grows with the id.
        const auto a = std::make_pair(part[i - 1][0].as<int64_t>(), part[i - 1][1].as<int64_t>());
        const auto b = std::make_pair(part[i][0].as<int64_t>(), part[i][1].as<int64_t>());
        ASSERT_TRUE(descending ? a > b : a < b) << i;
      }
    }
    EXPECT_EQ(total, events_.size());
  }
}

TEST_F(EventScanTest, ManyTiesResumeExactly) {
  Shard& shard = open().shard(0);
  std::vector<TestEvent> events;
  for (uint64_t i = 0; i < 3 * kBatchRows + 17; ++i) {
    events.push_back({.timestamp_ns = 5, .sequence = i});
  }
  events.push_back({.timestamp_ns = INT64_MAX, .sequence = 100'000});
  events.push_back({.timestamp_ns = INT64_MIN, .sequence = 100'001});
  append(shard, events);
  for (const bool descending : {false, true}) {
    ScanRequest wanted = request({column(EventColumn::kSequence)});
    wanted.order = ScanOrder{0, descending};
    const auto parts = partitions(wanted);
    ASSERT_EQ(parts.at(0).size(), events.size());
    std::set<int64_t> seen;
    for (const auto& row : parts[0]) seen.insert(row[0].as<int64_t>());
    EXPECT_EQ(seen.size(), events.size());
    EXPECT_EQ(parts[0].front()[0].as<int64_t>(), descending ? 100'000 : 100'001);
    EXPECT_EQ(parts[0][1][0].as<int64_t>(), descending ? 3 * kBatchRows + 16 : 0);
  }
}

TEST_F(EventScanTest, LastRowsTouchTheNewestTailOnly) {
  Shard& shard = open().shard(0);
  const int64_t total = 3 * int64_t{kTailRowsMax};
  for (int64_t first = 0; first < total; first += kTailRowsMax) {
    std::vector<TestEvent> events;
    for (int64_t i = first; i < first + kTailRowsMax; ++i) {
      events.push_back({.timestamp_ns = i * 1000, .sequence = static_cast<uint64_t>(i)});
    }
    append(shard, events);
  }
  ScanRequest wanted = request({column(EventColumn::kSequence)});
  wanted.order = ScanOrder{0, true};
  wanted.partition_limit = 100;
  ScanCounters counters;
  const auto parts = partitions(wanted, &counters);
  ASSERT_EQ(parts.at(0).size(), 100u);
  EXPECT_EQ(parts[0][0][0].as<int64_t>(), total - 1);
  EXPECT_EQ(parts[0][99][0].as<int64_t>(), total - 100);
  EXPECT_EQ(counters.rows_read, 100u);
  EXPECT_EQ(counters.statements_prepared, 1u);
  partitions(wanted, &counters);
  EXPECT_EQ(counters.statements_prepared, 0u);
  EXPECT_EQ(counters.statements_reused, 1u);

  // A range of time within one tail skips the others, and is read through the index.
  const auto in_us = [](int64_t us) {
    return Datum(oid::kTimestamptz, us - 946'684'800'000'000);
  };
  const auto got = rows(
      request({column(EventColumn::kSequence)},
              {predicate(column(EventColumn::kTimestamp), Op::kGreaterEq, {in_us(70'000)}),
               predicate(column(EventColumn::kTimestamp), Op::kLess, {in_us(70'500)})}),
      &counters);
  EXPECT_EQ(got.size(), 500u);
  EXPECT_EQ(counters.tails_read, 1u);
  EXPECT_EQ(counters.tails_skipped, 2u);
  EXPECT_EQ(counters.rows_read, 500u);
  const ScanEstimate estimate = set_->events_relation().estimate(wanted);
  EXPECT_EQ(estimate.rows, 100);
  EXPECT_NEAR(set_->events_relation().estimate(request({})).rows, static_cast<double>(total), 1);
}

TEST_F(EventScanTest, WorkersShareTheRowsWhileOthersAreWritten) {
  fill(2, 60'000, 3);
  const ScanRequest wanted = request({column(EventColumn::kSequence), column(EventColumn::kEventType)});
  auto scan = set_->events_relation().scan(wanted);
  ASSERT_TRUE(scan.ok());
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (uint64_t i = 0; !stop; ++i) {
      append(set_->shard(0), {{.timestamp_ns = 7, .sequence = 1'000'000 + i}});
      set_->shard(0).checkpoint_if_due();
    }
  });
  std::vector<std::vector<std::vector<Datum>>> results(3);
  std::vector<std::thread> workers;
  for (auto& result : results) {
    workers.emplace_back([&] {
      auto cursor = (*scan)->open_worker();
      ASSERT_TRUE(cursor.ok());
      drain(**cursor, result);
    });
  }
  for (auto& worker : workers) worker.join();
  stop = true;
  writer.join();
  std::map<int64_t, std::string> seen;
  for (const auto& result : results) {
    for (const auto& row : result) {
      EXPECT_TRUE(seen.emplace(row[0].as<int64_t>(), row[1].bytes()).second);
    }
  }
  ASSERT_EQ(seen.size(), events_.size());
  for (const TestEvent& e : events_) ASSERT_EQ(seen[static_cast<int64_t>(*e.sequence)], e.type);
  EXPECT_EQ((*scan)->counters().rows_returned, events_.size());
}

TEST_F(EventScanTest, ExtractsPathsAsColumns) {
  append(open().shard(0), {{.timestamp_ns = 1, .payload = map_payload("bob", 42)},
                           {.timestamp_ns = 2, .payload = "\x80"},
                           {.timestamp_ns = 3}});
  const auto got = rows(request({path({"name"}), path({"n"}),
                                 path({"n"}, ScanColumn::Extract::kJson), path({"gone"})}));
  ASSERT_EQ(got.size(), 3u);
  EXPECT_EQ(got[0][0].bytes(), "bob");
  EXPECT_EQ(got[0][1].bytes(), "42");
  EXPECT_EQ(got[0][2].bytes(), "\x2a");
  EXPECT_EQ(got[0][2].type(), oid::kJsonb);
  EXPECT_TRUE(got[0][3].is_null());
  for (size_t r = 1; r < 3; ++r) {
    for (size_t c = 0; c < 4; ++c) EXPECT_TRUE(got[r][c].is_null());
  }
}

TEST_F(EventScanTest, BatchesOfLargeRowsAreShort) {
  open();
  const std::string payload = "\xdb" + std::string("\x00\x08\x00\x00", 4) + std::string(512 << 10, 'x');
  std::vector<TestEvent> events(40);
  for (size_t i = 0; i < events.size(); ++i) {
    events[i].timestamp_ns = static_cast<int64_t>(i);
    events[i].payload = payload;
  }
  append(set_->shard(0), events);
  for (const bool ordered : {false, true}) {
    ScanRequest wanted = request({column(EventColumn::kPayload)});
    if (ordered) wanted.order = ScanOrder{0, false};
    auto scan = set_->events_relation().scan(wanted);
    ASSERT_TRUE(scan.ok());
    auto cursor = ordered ? (*scan)->open_partition(0) : (*scan)->open_worker();
    ASSERT_TRUE(cursor.ok());
    uint32_t rows = 0;
    Batch batch;
    while (true) {
      auto more = (*cursor)->next(batch);
      ASSERT_TRUE(more.ok());
      if (!*more) break;
      rows += batch.size;
      EXPECT_LE(batch.size, (kScanBatchBytes >> 19) + 1);
    }
    EXPECT_EQ(rows, events.size());
  }
}

TEST_F(EventScanTest, PendingRowsAreSeenByTheirOwnSnapshotOnly) {
  append(open().shard(0), {{.timestamp_ns = 100, .sequence = 1}});
  std::vector<PendingEvent> first(1), second(2);
  first[0].timestamp_ns = 300, first[0].event_type = "p";
  second[0].timestamp_ns = 200, second[0].event_type = "q";
  second[1].timestamp_ns = 300, second[1].event_type = "r";
  auto pending = std::make_shared<PendingEvents>(
      std::move(second), std::make_shared<PendingEvents>(std::move(first)));
  EXPECT_EQ(pending->size(), 3u);
  ScanRequest wanted = request({column(EventColumn::kEventType), column(EventColumn::kSequence)});
  wanted.snapshot = set_->snapshot(pending);
  EXPECT_EQ(rows(wanted).size(), 4u);
  EXPECT_EQ(count(), 1u);
  wanted.predicates = {predicate(column(EventColumn::kTimestampNs), Op::kGreater, {Datum::int8(250)})};
  EXPECT_EQ(rows(wanted).size(), 2u);
  wanted.predicates = {};
  wanted.order = ScanOrder{0, false};
  auto parts = partitions(wanted);
  ASSERT_EQ(parts.size(), 2u);
  ASSERT_EQ(parts[1].size(), 3u);
  EXPECT_EQ(parts[1][0][0].bytes(), "q");
  EXPECT_EQ(parts[1][1][0].bytes(), "p");
  EXPECT_EQ(parts[1][2][0].bytes(), "r");
  EXPECT_TRUE(parts[1][0][1].is_null());
  wanted.order = ScanOrder{0, true};
  wanted.partition_limit = 2;
  parts = partitions(wanted);
  ASSERT_EQ(parts[1].size(), 2u);
  EXPECT_EQ(parts[1][0][0].bytes(), "r");
}

TEST_F(EventScanTest, NoRightsNoRows) {
  append(open().shard(0), {{.timestamp_ns = 100}});
  ScanRequest wanted = request({});
  wanted.access = std::make_shared<AccessScope>();
  EXPECT_TRUE(rows(wanted).empty());
  wanted.access = nullptr;
  EXPECT_TRUE(rows(wanted).empty());
}

TEST_F(EventScanTest, CancelEndsAScan) {
  fill(1, 10'000, 4);
  CancelToken token;
  ScanRequest wanted = request({column(EventColumn::kSequence)});
  wanted.cancel = &token;
  auto scan = set_->events_relation().scan(wanted);
  auto cursor = (*scan)->open_worker();
  Batch batch;
  ASSERT_TRUE((*cursor)->next(batch).ok());
  token.cancel(CancelToken::Reason::kUserRequest);
  const auto more = (*cursor)->next(batch);
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.error().code, sqlstate::kQueryCanceled);
  token.reset();
  token.cancel(CancelToken::Reason::kStatementTimeout);
  scan = set_->events_relation().scan(wanted);
  cursor = (*scan)->open_worker();
  EXPECT_EQ((*cursor)->next(batch).error().message,
            "canceling statement due to statement timeout");
  // The connection goes back to the pool unharmed.
  token.reset();
  EXPECT_EQ(rows(wanted).size(), events_.size());
}

}  // namespace
}  // namespace eventd::engine
