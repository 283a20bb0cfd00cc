#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "exec_fakes.h"

namespace eventd::engine::testing {
namespace {

std::vector<int64_t> random_values(size_t count, int64_t below, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<int64_t> values(count);
  for (int64_t& value : values) value = static_cast<int64_t>(random() % static_cast<uint64_t>(below));
  return values;
}

TEST(Aggregate, UngroupedGivesOneRowEvenWithoutInput) {
  const auto relation = int8_relation({{1, 2, 3}});
  relation->morsels = 0;
  const Rows counted = run(group(scan_of(*relation), {}, aggregate(count())));
  ASSERT_TRUE(counted.status.ok());
  ASSERT_EQ(counted.rows.size(), 1U);
  EXPECT_EQ(counted.rows[0][0], Datum::int8(0));
  const Rows summed = run(group(scan_of(*relation), {}, aggregate(sum(), column(0))));
  EXPECT_TRUE(summed.rows[0][0].is_null());
  const Rows grouped = run(group(scan_of(*relation), list(column(0)), aggregate(count())));
  EXPECT_TRUE(grouped.rows.empty());
}

TEST(Aggregate, ManyGroupsMatchAMap) {
  const size_t rows = 1'200'000;
  const std::vector<int64_t> keys = random_values(rows, 1'000'000, 1), values = random_values(rows, 1000, 2);
  const auto relation = int8_relation({keys, values}, kBatchRows);
  std::map<int64_t, int64_t> want;
  for (size_t i = 0; i < rows; ++i) want[keys[i]] += values[i];
  const Rows got = run(group(scan_of(*relation), list(column(0)), aggregate(sum(), column(1))));
  ASSERT_TRUE(got.status.ok()) << got.status.error().message;
  ASSERT_EQ(got.rows.size(), want.size());
  for (const auto& row : got.rows) ASSERT_EQ(want.at(row[0].as<int64_t>()), row[1].as<int64_t>());
}

TEST(Aggregate, SeveralKeysAndNullsAreGroups) {
  auto relation = std::make_unique<FakeRelation>();
  relation->columns_ = {{"a", {oid::kText, -1}, false}, {"b", {oid::kInt4, -1}, false}};
  relation->morsels = 3;
  relation->make = [](size_t) -> Result<Batch> {
    BatchBuilder builder({oid::kText, oid::kInt4});
    for (uint32_t i = 0; i < 12; ++i) {
      const uint32_t row = builder.add_row();
      builder.column(0).set_datum(row, i % 3 == 0 ? Datum::null(oid::kText) : Datum::text(std::to_string(i % 3)));
      builder.column(1).set_datum(row, i % 2 == 0 ? Datum::null(oid::kInt4) : Datum::int4(7));
    }
    return builder.take();
  };
  const Rows got = run(group(scan_of(*relation), list(column(0, oid::kText), column(1, oid::kInt4)), aggregate(count())));
  ASSERT_TRUE(got.status.ok()) << got.status.error().message;
  ASSERT_EQ(got.rows.size(), 6U);
  for (const auto& row : got.rows) EXPECT_EQ(row[2], Datum::int8(6));
}

TEST(Aggregate, DictionariesOfDifferentBatchesMeet) {
  auto relation = std::make_unique<FakeRelation>();
  relation->columns_ = {{"a", {oid::kText, -1}, false}};
  relation->morsels = 10;
  relation->make = [](size_t morsel) -> Result<Batch> {
    Vector values = Vector::flat(oid::kText, 3);
    values.set_string(0, morsel % 2 == 0 ? "x" : "y");
    values.set_string(1, morsel % 2 == 0 ? "y" : "x");
    values.set_null(2);
    std::shared_ptr<uint32_t[]> ids(new uint32_t[9]);
    for (uint32_t i = 0; i < 9; ++i) ids[i] = i < 2 ? 0 : i < 6 ? 1 : 2;
    Batch batch;
    batch.size = 9;
    batch.columns = {Vector::dictionary(values, ids, 9)};
    return batch;
  };
  const Rows got = run(group(scan_of(*relation), list(column(0, oid::kText)), aggregate(count())));
  ASSERT_TRUE(got.status.ok());
  std::map<std::string, int64_t> counts;
  for (const auto& row : got.rows) {
    counts[row[0].is_null() ? "NULL" : std::string(row[0].bytes())] = row[1].as<int64_t>();
  }
  EXPECT_EQ(counts, (std::map<std::string, int64_t>{{"x", 30}, {"y", 30}, {"NULL", 30}}));
}

TEST(Aggregate, DistinctFilterAndOrder) {
  const auto relation = int8_relation({{1, 1, 2, 2, 2}, {5, 5, 6, 7, 7}}, 2);
  AggregateCall distinct = aggregate(count(), column(1));
  distinct.distinct = true;
  const Rows got = run(group(scan_of(*relation), list(column(0)), std::move(distinct)));
  ASSERT_EQ(got.rows.size(), 2U);
  EXPECT_EQ(got.rows[0][1], Datum::int8(1));
  EXPECT_EQ(got.rows[1][1], Datum::int8(2));
  AggregateCall filtered = aggregate(count());
  filtered.filter = call(less(), column(1), constant(Datum::int8(7)));
  const Rows some = run(group(scan_of(*relation), list(column(0)), std::move(filtered)));
  EXPECT_EQ(some.rows[0][1], Datum::int8(2));
  EXPECT_EQ(some.rows[1][1], Datum::int8(1));
  AggregateCall ordered = aggregate(sum(), column(1));
  ordered.order.push_back(key_of(column(1), true));
  ordered.distinct = true;
  const Rows sums = run(group(scan_of(*relation), list(column(0)), std::move(ordered)));
  EXPECT_EQ(sums.rows[0][1], Datum::int8(5));
  EXPECT_EQ(sums.rows[1][1], Datum::int8(13));
}

TEST(Aggregate, MemoryIsBounded) {
  const auto relation = int8_relation({random_values(200'000, 1'000'000'000, 3)}, kBatchRows);
  MemoryPool pool(1 << 30);
  MemoryAccount account(pool, 1 << 20);
  ExecutionContext context;
  context.memory = &account;
  const Rows got = run(group(scan_of(*relation), list(column(0)), aggregate(count())), std::move(context));
  ASSERT_FALSE(got.status.ok());
  EXPECT_EQ(got.status.error().code, sqlstate::kOutOfMemory);
  EXPECT_EQ(account.used_bytes(), 0U) << "everything is given back";
}

PlanPtr sort_of(PlanPtr child, SortKey key) {
  auto plan = over(PlanNode::Kind::kSort, std::move(child));
  plan->sort_keys.push_back(std::move(key));
  return plan;
}

TEST(Sort, FullAndTopKMatchStableSort) {
  const size_t rows = 50'000;
  const std::vector<int64_t> keys = random_values(rows, 500, 4);
  std::vector<int64_t> numbers(rows);
  for (size_t i = 0; i < rows; ++i) numbers[i] = static_cast<int64_t>(i);
  const auto relation = int8_relation({keys, numbers}, 777);
  for (const bool descending : {false, true}) {
    std::vector<size_t> want(rows);
    for (size_t i = 0; i < rows; ++i) want[i] = i;
    std::stable_sort(want.begin(), want.end(), [&](size_t a, size_t b) {
      return descending ? keys[a] > keys[b] : keys[a] < keys[b];
    });
    const Rows all = run(sort_of(scan_of(*relation), key_of(column(0), descending)));
    ASSERT_EQ(all.rows.size(), rows);
    for (size_t i = 0; i < rows; ++i) ASSERT_EQ(all.rows[i][1].as<int64_t>(), static_cast<int64_t>(want[i]));
    for (const int64_t limit : {0, 1, 10, 5000}) {
      const Rows top = run(limit_of(sort_of(scan_of(*relation), key_of(column(0), descending)),
                                    Datum::int8(limit), Datum::int8(3)));
      ASSERT_TRUE(top.status.ok());
      ASSERT_EQ(top.rows.size(), static_cast<size_t>(limit));
      for (size_t i = 0; i < top.rows.size(); ++i) ASSERT_EQ(top.rows[i][1].as<int64_t>(), static_cast<int64_t>(want[i + 3]));
    }
  }
}

TEST(Sort, NanAndNullPlacement) {
  auto relation = std::make_unique<FakeRelation>();
  relation->columns_ = {{"f", {oid::kFloat8, -1}, false}};
  relation->morsels = 1;
  relation->make = [](size_t) -> Result<Batch> {
    BatchBuilder builder({oid::kFloat8});
    const double nan = std::numeric_limits<double>::quiet_NaN();
    for (const double value : {1.0, nan, -2.0, 0.0}) builder.column(0).data<double>()[builder.add_row()] = value;
    builder.column(0).set_null(builder.add_row());
    return builder.take();
  };
  const auto order = [&](bool descending, bool nulls_first, bool eql) {
    SortKey key = key_of(column(0, oid::kFloat8), descending);
    key.nulls_first = nulls_first;
    key.eql_order = eql;
    std::string text;
    for (const auto& row : run(sort_of(scan_of(*relation), std::move(key))).rows) {
      if (row[0].is_null()) {
        text += "null ";
      } else if (row[0].as<double>() != row[0].as<double>()) {
        text += "nan ";
      } else {
        text += std::to_string(static_cast<int>(row[0].as<double>())) + " ";
      }
    }
    return text;
  };
  EXPECT_EQ(order(false, false, false), "-2 0 1 nan null ");
  EXPECT_EQ(order(true, true, false), "null nan 1 0 -2 ");
  EXPECT_EQ(order(true, false, true), "1 0 -2 nan null ");
  EXPECT_EQ(order(false, false, true), "-2 0 1 nan null ");
}

TEST(Sort, JsonNullIsMissingInEql) {
  auto relation = std::make_unique<FakeRelation>();
  relation->columns_ = {{"j", {oid::kJsonb, -1}, false}};
  relation->morsels = 1;
  relation->make = [](size_t) -> Result<Batch> {
    BatchBuilder builder({oid::kJsonb});
    // null, 2, "a", 1
    for (const std::string_view value : {"\xc0", "\x02", "\xa1" "a", "\x01"}) {
      const uint32_t row = builder.add_row();
      builder.column(0).set_string(row, value);
    }
    return builder.take();
  };
  for (const bool descending : {false, true}) {
    SortKey key = key_of(column(0, oid::kJsonb), descending);
    key.eql_order = true;
    const auto rows = run(sort_of(scan_of(*relation), std::move(key))).rows;
    ASSERT_EQ(rows.size(), 4U);
    EXPECT_EQ(rows[3][0].bytes(), "\xc0") << descending;
  }
}

TEST(Limit, EdgesAndErrors) {
  const auto relation = int8_relation({{1, 2, 2, 2, 3, 4, 5}}, 3);
  const auto values = [&](Datum limit, Datum offset) {
    std::vector<int64_t> result;
    for (const auto& row : run(limit_of(scan_of(*relation), std::move(limit), std::move(offset))).rows) {
      result.push_back(row[0].as<int64_t>());
    }
    return result;
  };
  const Datum null = Datum::null(oid::kInt8);
  EXPECT_EQ(values(Datum::int8(2), Datum::int8(2)), (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(values(null, Datum::int8(5)), (std::vector<int64_t>{4, 5}));
  EXPECT_EQ(values(null, null).size(), 7U);
  EXPECT_TRUE(values(Datum::int8(0), null).empty());
  EXPECT_TRUE(values(Datum::int8(9), Datum::int8(100)).empty());
  EXPECT_EQ(values(Datum::int8(std::numeric_limits<int64_t>::max()), Datum::int8(6)).size(), 1U);
  const Rows negative = run(limit_of(scan_of(*relation), Datum::int8(-1), null));
  EXPECT_EQ(negative.status.error().code, sqlstate::kInvalidRowCountInLimit);
  const Rows negative_offset = run(limit_of(scan_of(*relation), null, Datum::int8(-1)));
  EXPECT_EQ(negative_offset.status.error().code, sqlstate::kInvalidRowCountInOffset);
  auto ties = limit_of(sort_of(scan_of(*relation), key_of(column(0))), Datum::int8(2), Datum::int8(0));
  ties->with_ties = true;
  EXPECT_EQ(run(std::move(ties)).rows.size(), 4U);
}

TEST(Distinct, KeepsTheFirstOfEach) {
  const auto relation = int8_relation({{3, 1, 3, 2, 1, 1}, {0, 0, 0, 0, 1, 0}}, 2);
  const Rows got = run(over(PlanNode::Kind::kDistinct, scan_of(*relation)));
  ASSERT_EQ(got.rows.size(), 4U);
  EXPECT_EQ(got.rows[3][1], Datum::int8(1));
}

TEST(Merge, PartitionsComeInOrder) {
  auto relation = int8_relation({{1, 5, 9, 2, 3, 4, 10, 11, 12, 0}}, 3);
  relation->partitions = {{0, 2}, {1}, {3}};
  relation->order = 0;
  auto plan = scan_of(*relation);
  plan->scan_order = ScanOrder{0, false};
  const Rows got = run(sort_of(std::move(plan), key_of(column(0))));
  ASSERT_TRUE(got.status.ok());
  std::vector<int64_t> values;
  for (const auto& row : got.rows) values.push_back(row[0].as<int64_t>());
  EXPECT_EQ(values, (std::vector<int64_t>{0, 1, 2, 3, 4, 5, 9, 10, 11, 12}));
}

TEST(Execution, CancelStopsAFilterThatMatchesNothing) {
  CancelToken cancel;
  auto relation = int8_relation({{1}});
  relation->morsels = ~size_t{0} >> 1;
  relation->make = [&](size_t morsel) -> Result<Batch> {
    if (morsel == 10) cancel.cancel(CancelToken::Reason::kUserRequest);
    Batch batch;
    batch.size = 1;
    batch.columns = {int8s({1})};
    return batch;
  };
  auto plan = over(PlanNode::Kind::kFilter, scan_of(*relation));
  plan->condition = call(less(), column(0), constant(Datum::int8(0)));
  ExecutionContext context;
  context.cancel = &cancel;
  const Rows got = run(std::move(plan), std::move(context));
  ASSERT_FALSE(got.status.ok());
  EXPECT_EQ(got.status.error().code, sqlstate::kQueryCanceled);
}

TEST(Execution, ShortMeansShort) {
  auto relation = int8_relation({{1, 2, 3}});
  auto fast = start_execution(scan_of(*relation), {});
  ASSERT_TRUE(fast.ok());
  EXPECT_TRUE((*fast)->is_short());
  relation->time_us = 50'000;
  auto slow = start_execution(scan_of(*relation), {});
  EXPECT_FALSE((*slow)->is_short());
}

}  // namespace
}  // namespace eventd::engine::testing
