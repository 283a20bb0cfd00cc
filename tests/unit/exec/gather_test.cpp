#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <thread>

#include "exec_fakes.h"

namespace eventd::engine::testing {
namespace {

std::unique_ptr<FakeRelation> long_relation(size_t rows) {
  std::vector<int64_t> keys(rows), values(rows);
  for (size_t i = 0; i < rows; ++i) {
    keys[i] = static_cast<int64_t>(i * 7919 % 1000);
    values[i] = static_cast<int64_t>(i);
  }
  auto relation = int8_relation({keys, values}, 512);
  relation->time_us = 1e6;
  return relation;
}

TEST(Gather, AggregatesAsOneThreadDoes) {
  const auto relation = long_relation(200'000);
  ScanPool pool(4);
  ExecutionContext context;
  context.pool = &pool;
  std::map<int64_t, int64_t> alone, together;
  for (const auto& row : run(group(scan_of(*relation), list(column(0)), aggregate(sum(), column(1)))).rows) {
    alone[row[0].as<int64_t>()] = row[1].as<int64_t>();
  }
  for (int round = 0; round < 5; ++round) {
    together.clear();
    const Rows got = run(group(scan_of(*relation), list(column(0)), aggregate(sum(), column(1))), context);
    ASSERT_TRUE(got.status.ok());
    for (const auto& row : got.rows) together[row[0].as<int64_t>()] = row[1].as<int64_t>();
    ASSERT_EQ(together, alone);
  }
  const Rows total = run(group(scan_of(*relation), {}, aggregate(count())), context);
  ASSERT_EQ(total.rows.size(), 1U);
  EXPECT_EQ(total.rows[0][0], Datum::int8(200'000));
}

TEST(Gather, TopKAsOneThreadDoes) {
  const auto relation = long_relation(100'000);
  ScanPool pool(3);
  ExecutionContext context;
  context.pool = &pool;
  auto sort = over(PlanNode::Kind::kSort, scan_of(*relation));
  sort->sort_keys.push_back(key_of(column(1), true));
  const Rows got = run(limit_of(std::move(sort), Datum::int8(50), Datum::int8(0)), context);
  ASSERT_EQ(got.rows.size(), 50U);
  for (size_t i = 0; i < 50; ++i) EXPECT_EQ(got.rows[i][1], Datum::int8(99'999 - static_cast<int64_t>(i)));
}

TEST(Gather, EveryRowOfAFilterComesOnce) {
  constexpr int64_t kRows = 40'000;
  const auto relation = long_relation(kRows);
  for (const size_t threads : {1u, 4u}) {
    ScanPool pool(threads);
    ExecutionContext context;
    context.pool = &pool;
    for (int round = 0; round < 3; ++round) {
      const Rows got = run(scan_of(*relation), context);
      ASSERT_TRUE(got.status.ok());
      std::vector<bool> seen(kRows);
      ASSERT_EQ(got.rows.size(), seen.size());
      for (const auto& row : got.rows) seen[static_cast<size_t>(row[1].as<int64_t>())] = true;
      EXPECT_EQ(std::count(seen.begin(), seen.end(), false), 0);
    }
  }
}

TEST(Gather, ReadersGoNoFurtherAheadThanTheyMay) {
  // Rows nobody asks for: what is read of them is some batches a worker.
  const auto relation = long_relation(100'000);
  const auto make = relation->make;
  relation->morsels = 1'000'000'000;
  std::atomic<size_t> made{0};
  relation->make = [make, &made](size_t morsel) -> Result<Batch> {
    ++made;
    return make(morsel % 190);
  };
  ScanPool pool(4);
  ExecutionContext context;
  context.pool = &pool;
  const Rows got = run(limit_of(scan_of(*relation), Datum::int8(150'000), Datum::int8(0)), context);
  ASSERT_TRUE(got.status.ok());
  EXPECT_EQ(got.rows.size(), 150'000U);
  EXPECT_GE(made, 150'000U / 512);
  EXPECT_LE(made, 150'000U / 512 + 100);
}

TEST(Gather, NeedsNoPoolThread) {
  // The pool's only thread waits for the query: the consumer must do all the work.
  const auto relation = long_relation(50'000);
  ScanPool pool(1);
  std::atomic<bool> done{false};
  pool.submit([&] {
    while (!done) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  });
  ExecutionContext context;
  context.pool = &pool;
  const Rows got = run(group(scan_of(*relation), {}, aggregate(count())), context);
  done = true;
  ASSERT_EQ(got.rows.size(), 1U);
  EXPECT_EQ(got.rows[0][0], Datum::int8(50'000));
}

TEST(Gather, AnErrorStopsEveryWorker) {
  const auto relation = long_relation(10'000'0);
  const auto make = relation->make;
  relation->morsels = 1'000'000'000;
  relation->make = [make](size_t morsel) -> Result<Batch> {
    if (morsel == 100) return Status(sqlstate::kIoError, "could not read");
    return make(morsel % 190);
  };
  ScanPool pool(4);
  ExecutionContext context;
  context.pool = &pool;
  const Rows aggregated = run(group(scan_of(*relation), list(column(0)), aggregate(count())), context);
  ASSERT_FALSE(aggregated.status.ok());
  EXPECT_EQ(aggregated.status.error().code, sqlstate::kIoError);
  const Rows handed_on = run(scan_of(*relation), context);
  ASSERT_FALSE(handed_on.status.ok());
  EXPECT_EQ(handed_on.status.error().code, sqlstate::kIoError);
}

TEST(Gather, CancelStopsEveryWorker) {
  const auto relation = long_relation(100'000);
  const auto make = relation->make;
  relation->morsels = 1'000'000'000;
  CancelToken cancel;
  relation->make = [make, &cancel](size_t morsel) -> Result<Batch> {
    if (morsel == 1000) cancel.cancel(CancelToken::Reason::kUserRequest);
    return make(morsel % 190);
  };
  ScanPool pool(4);
  ExecutionContext context;
  context.pool = &pool;
  context.cancel = &cancel;
  const Rows got = run(group(scan_of(*relation), list(column(0)), aggregate(count())), context);
  ASSERT_FALSE(got.status.ok());
  EXPECT_EQ(got.status.error().code, sqlstate::kQueryCanceled);
}

TEST(ScanPool, StandsInForBlockedThreads) {
  ScanPool pool(1);
  std::atomic<int> waiting{0}, finished{0};
  std::atomic<bool> release{false};
  for (int i = 0; i < 3; ++i) {
    pool.submit([&] {
      const ScanPool::BlockingScope blocking;
      ++waiting;
      while (!release) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      ++finished;
    });
  }
  // With one thread only, the second and third would never start.
  for (int i = 0; i < 20'000 && waiting < 3; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(waiting, 3);
  release = true;
  for (int i = 0; i < 20'000 && finished < 3; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(finished, 3);
}

TEST(Explain, TextAndJson) {
  const auto relation = long_relation(1000);
  ScanPool pool(2);
  ExecutionContext context;
  context.pool = &pool;
  auto plan = group(scan_of(*relation), list(column(0)), aggregate(count()));
  ExplainOptions options;
  options.analyze = true;
  const auto lines = explain(std::move(plan), context, options);
  ASSERT_TRUE(lines.ok()) << lines.error().message;
  EXPECT_NE((*lines)[0].find("HashAggregate"), std::string::npos) << (*lines)[0];
  std::string all;
  for (const std::string& line : *lines) all += line + "\n";
  EXPECT_NE(all.find("Group Key: c0"), std::string::npos) << all;
  EXPECT_NE(all.find("->  Seq Scan on fake  (cost="), std::string::npos) << all;
  EXPECT_NE(all.find("Execution Time: "), std::string::npos) << all;
  options.json = true;
  const auto document = explain(scan_of(*relation), context, options);
  ASSERT_EQ(document->size(), 1U);
  EXPECT_NE((*document)[0].find("\"Node Type\": \"Seq Scan\""), std::string::npos) << (*document)[0];
}

}  // namespace
}  // namespace eventd::engine::testing
