#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "window_oracle.h"

namespace eventd::engine::testing {
namespace {

WindowFrame frame_of(Mode mode, Bound start, int64_t start_offset, Bound end, int64_t end_offset,
                     Exclusion exclusion = Exclusion::kNone) {
  WindowFrame frame;
  frame.mode = mode;
  frame.start = start;
  frame.end = end;
  frame.exclusion = exclusion;
  const auto has_offset = [](Bound b) { return b == Bound::kOffsetPreceding || b == Bound::kOffsetFollowing; };
  if (has_offset(start)) frame.start_offset = constant(Datum::int8(start_offset));
  if (has_offset(end)) frame.end_offset = constant(Datum::int8(end_offset));
  return frame;
}

/// Every kind of call over one frame, against the definition.
void check_frame(const std::vector<WindowRow>& data, const WindowSpec& spec, const WindowFrame& frame, int64_t start,
                 int64_t end, uint32_t per_morsel) {
  const auto rows = std::make_shared<const std::vector<WindowRow>>(data);
  const auto relation = relation_of(rows, per_morsel);
  PlanPtr plan = window_over(scan_of(*relation), spec);
  const auto add = [&](WindowCall call) {
    call.frame = frame.clone();
    add_call(*plan, std::move(call));
  };
  add(call_of(aggregate_named("count", {}), {}, oid::kInt8));
  add(call_of(aggregate_named("sum", {oid::kInt8}), list(column(kValue)), oid::kNumeric));
  add(call_of(aggregate_named("sum", {oid::kFloat8}), list(column(kReal, oid::kFloat8)), oid::kFloat8));
  add(call_of(aggregate_named("stddev", {oid::kFloat8}), list(column(kReal, oid::kFloat8)), oid::kFloat8));
  WindowCall kept = call_of(aggregate_named("count", {}), {}, oid::kInt8);
  kept.filter = column(kKeep, oid::kBool);
  add(std::move(kept));
  for (const char* name : {"min", "max"}) {
    WindowCall call = call_of(aggregate_named(name, {oid::kInt8}), list(column(kValue)), oid::kInt8);
    call.filter = column(kKeep, oid::kBool);
    add(std::move(call));
  }
  add(call_of(window_named("first_value", 1), list(column(kValue)), oid::kInt8));
  add(call_of(window_named("last_value", 1), list(column(kValue)), oid::kInt8));
  add(call_of(window_named("nth_value", 2), list(column(kValue), constant(Datum::int4(3))), oid::kInt8));

  const FrameOracle oracle(data, spec);
  const Rows got = run(std::move(plan));
  ASSERT_TRUE(got.status.ok()) << got.status.error().message;
  ASSERT_EQ(got.rows.size(), data.size());
  for (size_t i = 0; i < data.size(); ++i) {
    const std::vector<Datum>& row = got.rows[i];
    ASSERT_EQ(row[kId].as<int64_t>(), oracle.rows()[i].id) << "order of row " << i;
    // The oracle looks at the whole partition: of many rows some, and those where batches meet.
    if (data.size() > 500 && i % 61 != 0 && i % kBatchRows > 1) continue;
    const WantedValues want = wanted_of(oracle.rows(), oracle.frame(i, frame, start, end));
    SCOPED_TRACE("row " + std::to_string(i) + " of frame " + want.ids);
    expect_integer(row[6], want.count);
    expect_integer(row[7], want.sum);
    expect_real(row[8], want.real_sum);
    expect_real(row[9], want.deviation);
    expect_integer(row[10], want.kept);
    expect_integer(row[11], want.min);
    expect_integer(row[12], want.max);
    expect_integer(row[13], want.first);
    expect_integer(row[14], want.last);
    expect_integer(row[15], want.third);
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(Window, EveryFrameOverRandomRowsIsTheDefinition) {
  std::mt19937_64 random(20'261'120);
  const auto below = [&](int64_t n) { return static_cast<int64_t>(random() % static_cast<uint64_t>(n)); };
  for (int round = 0; round < 250 && !HasFailure(); ++round) {
    const std::vector<WindowRow> rows = random_rows(random, 1 + static_cast<size_t>(below(60)), 1 + below(4), 1 + below(12));
    WindowSpec spec;
    spec.partitioned = below(4) > 0;
    spec.descending = below(2) == 0;
    spec.nulls_first = below(2) == 0;
    const Mode mode = static_cast<Mode>(below(3));
    spec.ordered = mode == Mode::kGroups || below(5) > 0;
    Bound start = static_cast<Bound>(below(4)), end = static_cast<Bound>(1 + below(4));
    if (mode == Mode::kRange && !spec.ordered) {
      start = Bound::kUnboundedPreceding;
      end = below(2) == 0 ? Bound::kCurrentRow : Bound::kUnboundedFollowing;
    }
    const int64_t first = below(4), last = below(4);
    const WindowFrame frame = frame_of(mode, start, first, end, last, static_cast<Exclusion>(below(4)));
    SCOPED_TRACE("round " + std::to_string(round) + " mode " + std::to_string(static_cast<int>(mode)) + " from " +
                 std::to_string(static_cast<int>(start)) + " " + std::to_string(first) + " to " +
                 std::to_string(static_cast<int>(end)) + " " + std::to_string(last) + " exclude " +
                 std::to_string(static_cast<int>(frame.exclusion)));
    check_frame(rows, spec, frame, first, last, 1 + static_cast<uint32_t>(below(20)));
  }
}

TEST(Window, LongFramesSlideAcrossBatches) {
  std::mt19937_64 random(7);
  const std::vector<WindowRow> rows = random_rows(random, 4500, 2, 700);
  for (const Exclusion exclusion : {Exclusion::kNone, Exclusion::kTies}) {
    check_frame(rows, {}, frame_of(Mode::kRows, Bound::kOffsetPreceding, 40, Bound::kOffsetFollowing, 25, exclusion),
                40, 25, 1000);
    check_frame(rows, {}, frame_of(Mode::kRange, Bound::kOffsetPreceding, 9, Bound::kOffsetFollowing, 3, exclusion), 9,
                3, 2048);
  }
  // Long enough for floats to be put together from partials.
  check_frame(random_rows(random, 3000, 1, 100), {},
              frame_of(Mode::kRows, Bound::kOffsetPreceding, 1500, Bound::kOffsetFollowing, 1, Exclusion::kCurrentRow),
              1500, 1, 2048);
}

TEST(Window, RankingFunctions) {
  // One partition of keys 1 1 2 5 5 5, another of one row.
  std::vector<WindowRow> data;
  for (const int64_t key : {5, 1, 5, 2, 1, 5}) data.push_back({1, key, key, 0, true, static_cast<int64_t>(data.size())});
  data.push_back({2, 9, 9, 0, true, 6});
  const auto relation = relation_of(std::make_shared<const std::vector<WindowRow>>(data), 3);
  PlanPtr plan = window_over(scan_of(*relation), {});
  for (const char* name : {"row_number", "rank", "dense_rank"}) add_call(*plan, call_of(window_named(name, 0), {}, oid::kInt8));
  for (const char* name : {"percent_rank", "cume_dist"}) add_call(*plan, call_of(window_named(name, 0), {}, oid::kFloat8));
  add_call(*plan, call_of(window_named("ntile", 1), list(constant(Datum::int4(4))), oid::kInt4));
  add_call(*plan, call_of(window_named("lag", 1), list(column(kValue)), oid::kInt8));
  add_call(*plan, call_of(window_named("lead", 3), list(column(kValue), constant(Datum::int4(2)), constant(Datum::int8(-1))), oid::kInt8));
  const Rows got = run(std::move(plan));
  ASSERT_TRUE(got.status.ok()) << got.status.error().message;
  ASSERT_EQ(got.rows.size(), 7U);
  const int64_t ranks[] = {1, 1, 3, 4, 4, 4, 1}, dense[] = {1, 1, 2, 3, 3, 3, 1}, buckets[] = {1, 1, 2, 2, 3, 4, 1};
  const double percent[] = {0, 0, 0.4, 0.6, 0.6, 0.6, 0}, cumulative[] = {2 / 6.0, 2 / 6.0, 3 / 6.0, 1, 1, 1, 1};
  const int64_t lags[] = {-9, 1, 1, 2, 5, 5, -9}, leads[] = {2, 5, 5, 5, -1, -1, -1};
  for (size_t i = 0; i < 7; ++i) {
    const auto& row = got.rows[i];
    EXPECT_EQ(row[6].as<int64_t>(), i < 6 ? static_cast<int64_t>(i) + 1 : 1);
    EXPECT_EQ(row[7].as<int64_t>(), ranks[i]);
    EXPECT_EQ(row[8].as<int64_t>(), dense[i]);
    EXPECT_DOUBLE_EQ(row[9].as<double>(), percent[i]);
    EXPECT_DOUBLE_EQ(row[10].as<double>(), cumulative[i]);
    EXPECT_EQ(row[11].as<int32_t>(), buckets[i]);
    if (lags[i] == -9) {
      EXPECT_TRUE(row[12].is_null());
    } else {
      EXPECT_EQ(row[12].as<int64_t>(), lags[i]);
    }
    EXPECT_EQ(row[13].as<int64_t>(), leads[i]);
  }
}

std::string error_of(WindowCall call, const WindowSpec& spec) {
  std::mt19937_64 random(3);
  const auto relation = relation_of(std::make_shared<const std::vector<WindowRow>>(random_rows(random, 20, 2, 5)), 7);
  PlanPtr plan = window_over(scan_of(*relation), spec);
  add_call(*plan, std::move(call));
  const Rows got = run(std::move(plan));
  return got.status.ok() ? "" : std::string(got.status.error().code.text()) + " " + got.status.error().message;
}

TEST(Window, BadArgumentsAndOffsets) {
  EXPECT_EQ(error_of(call_of(window_named("ntile", 1), list(constant(Datum::int4(0))), oid::kInt4), {}),
            "22014 argument of ntile must be greater than zero");
  EXPECT_EQ(error_of(call_of(window_named("nth_value", 2), list(column(kValue), constant(Datum::int4(0))), oid::kInt8), {}),
            "22016 argument of nth_value must be greater than zero");
  const auto with_frame = [](WindowFrame frame) {
    WindowCall call = call_of(aggregate_named("count", {}), {}, oid::kInt8);
    call.frame = std::move(frame);
    return call;
  };
  const auto preceding = Bound::kOffsetPreceding;
  EXPECT_EQ(error_of(with_frame(frame_of(Mode::kRows, preceding, -1, Bound::kCurrentRow, 0)), {}),
            "22013 frame starting offset must not be negative");
  EXPECT_EQ(error_of(with_frame(frame_of(Mode::kGroups, preceding, 1, Bound::kOffsetFollowing, -1)), {}),
            "22013 frame ending offset must not be negative");
  EXPECT_EQ(error_of(with_frame(frame_of(Mode::kRange, preceding, -1, Bound::kCurrentRow, 0)), {}),
            "22013 invalid preceding or following size in window function");
  WindowFrame null_offset = frame_of(Mode::kRows, preceding, 1, Bound::kCurrentRow, 0);
  null_offset.start_offset = constant(Datum::null(oid::kInt8));
  EXPECT_EQ(error_of(with_frame(std::move(null_offset)), {}), "22004 frame starting offset must not be null");
}

TEST(Window, RangeOffsetsDontOverflow) {
  std::vector<WindowRow> data;
  const int64_t keys[] = {INT64_MIN, -1, 0, INT64_MAX - 1, INT64_MAX};
  for (const int64_t key : keys) data.push_back({0, key, key, 0, true, static_cast<int64_t>(data.size())});
  const auto relation = relation_of(std::make_shared<const std::vector<WindowRow>>(data), 10);
  PlanPtr plan = window_over(scan_of(*relation), {});
  WindowCall call = call_of(aggregate_named("count", {}), {}, oid::kInt8);
  call.frame = frame_of(Mode::kRange, Bound::kOffsetPreceding, 2, Bound::kOffsetFollowing, INT64_MAX);
  add_call(*plan, std::move(call));
  const Rows got = run(std::move(plan));
  ASSERT_TRUE(got.status.ok()) << got.status.error().message;
  const int64_t counts[] = {2, 3, 4, 2, 2};
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(got.rows[i][6].as<int64_t>(), counts[i]) << i;
}

TEST(Window, SecondWindowOfTheSameOrderSeesTheFirst) {
  std::mt19937_64 random(5);
  const auto rows = std::make_shared<const std::vector<WindowRow>>(random_rows(random, 5000, 700, 20));
  const auto relation = relation_of(rows, 512);
  PlanPtr inner = window_over(scan_of(*relation), {});
  add_call(*inner, call_of(window_named("row_number", 0), {}, oid::kInt8));
  PlanPtr outer = window_over(std::move(inner), {.ordered = false});
  WindowCall total = call_of(aggregate_named("max", {oid::kInt8}), list(column(6)), oid::kInt8);
  total.frame.end = Bound::kUnboundedFollowing;
  add_call(*outer, std::move(total));
  std::map<int64_t, int64_t> sizes;
  for (const WindowRow& row : *rows) ++sizes[row.partition];
  const Rows got = run(std::move(outer));
  ASSERT_TRUE(got.status.ok()) << got.status.error().message;
  ASSERT_EQ(got.rows.size(), rows->size());
  for (const auto& row : got.rows) ASSERT_EQ(row[7].as<int64_t>(), sizes[row[kPartition].as<int64_t>()]);
}

TEST(Window, MemoryIsAccounted) {
  std::mt19937_64 random(9);
  const auto relation = relation_of(std::make_shared<const std::vector<WindowRow>>(random_rows(random, 200'000, 1, 100)), 2048);
  PlanPtr plan = window_over(scan_of(*relation), {.partitioned = false, .ordered = false});
  add_call(*plan, call_of(window_named("row_number", 0), {}, oid::kInt8));
  MemoryPool pool(4 << 20);
  MemoryAccount account(pool, 4 << 20);
  ExecutionContext context;
  context.memory = &account;
  const Rows got = run(std::move(plan), std::move(context));
  ASSERT_FALSE(got.status.ok());
  EXPECT_EQ(got.status.error().code.text(), "53200");
  EXPECT_EQ(account.used_bytes(), 0U);
}

TEST(GroupingSets, EachSetHasItsGroups) {
  const auto relation = int8_relation({{1, 1, 2, 2, 2}, {7, 8, 7, 7, 8}, {1, 2, 3, 4, 5}}, 2);
  const auto plan_over = [&](FakeRelation& source) {
    PlanPtr plan = group(scan_of(source), list(column(0), column(1)), aggregate(sum(), column(2)));
    plan->grouping_sets = {{0, 1}, {0}, {1}, {}};
    plan->columns.push_back({"set", {oid::kInt4, -1}});
    return plan;
  };
  std::map<std::vector<int64_t>, int64_t> sums;
  const Rows got = run(plan_over(*relation));
  ASSERT_TRUE(got.status.ok()) << got.status.error().message;
  for (const auto& row : got.rows) {
    const auto key = [&](size_t c) { return row[c].is_null() ? -1 : row[c].as<int64_t>(); };
    sums[{row[3].as<int32_t>(), key(0), key(1)}] = row[2].as<int64_t>();
  }
  const std::map<std::vector<int64_t>, int64_t> want{
      {{0, 1, 7}, 1}, {{0, 1, 8}, 2}, {{0, 2, 7}, 7}, {{0, 2, 8}, 5}, {{1, 1, -1}, 3},
      {{1, 2, -1}, 12}, {{2, -1, 7}, 8}, {{2, -1, 8}, 7}, {{3, -1, -1}, 15}};
  EXPECT_EQ(sums, want);
  relation->morsels = 0;
  const Rows empty = run(plan_over(*relation));
  ASSERT_EQ(empty.rows.size(), 1U);
  EXPECT_TRUE(empty.rows[0][2].is_null());
  EXPECT_EQ(empty.rows[0][3].as<int32_t>(), 3);
}

TEST(DistinctOn, KeepsTheFirstRowOfEachKeyInOrder) {
  std::mt19937_64 random(11);
  const auto rows = std::make_shared<const std::vector<WindowRow>>(random_rows(random, 30'000, 900, 5000));
  {
    const auto relation = relation_of(rows, 2048);
    PlanPtr plan = over(PlanNode::Kind::kDistinctOn, scan_of(*relation));
    plan->group_by.push_back(column(kPartition));
    plan->sort_keys.push_back(key_of(column(kPartition), true));
    plan->sort_keys.push_back(key_of(column(kKey), true));
    plan->sort_keys.push_back(key_of(column(kReal, oid::kFloat8)));
    std::vector<WindowRow> sorted = *rows;
    std::stable_sort(sorted.begin(), sorted.end(), [](const WindowRow& a, const WindowRow& b) {
      if (a.partition != b.partition) return a.partition > b.partition;
      if (a.key != b.key) return !a.key || (b.key && *a.key > *b.key);
      return a.real < b.real;
    });
    std::vector<int64_t> want;
    for (size_t i = 0; i < sorted.size(); ++i) {
      if (i == 0 || sorted[i].partition != sorted[i - 1].partition) want.push_back(sorted[i].id);
    }
    MemoryPool pool(64 << 20);
    MemoryAccount account(pool, 64 << 20);
    ExecutionContext context;
    context.memory = &account;
    const Rows got = run(std::move(plan), std::move(context));
    ASSERT_TRUE(got.status.ok()) << got.status.error().message;
    std::vector<int64_t> ids;
    for (const auto& row : got.rows) ids.push_back(row[kId].as<int64_t>());
    EXPECT_EQ(ids, want);
  }
}

}  // namespace
}  // namespace eventd::engine::testing
