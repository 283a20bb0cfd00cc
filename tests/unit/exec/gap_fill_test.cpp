// The GapFill operator against its definition, over random series.
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>

#include "engine/exec/gap_buckets.h"
#include "exec_fakes.h"

namespace eventd::engine::testing {
namespace {

using OptionalValue = std::optional<int64_t>;
struct GapRow {
  int64_t key, bucket;
  OptionalValue value;
};
using Series = std::map<int64_t, OptionalValue>;  // by bucket
using SeriesByKey = std::map<int64_t, Series>;

Datum datum_of(const OptionalValue& value) {
  return value ? Datum::int8(*value) : Datum::null(oid::kInt8);
}

OptionalValue value_of(const Datum& datum) {
  return datum.is_null() ? OptionalValue() : OptionalValue(datum.as<int64_t>());
}

/// Columns key, bucket, value.
std::unique_ptr<FakeRelation> gap_relation(std::vector<GapRow> rows, size_t per_morsel) {
  auto relation = std::make_unique<FakeRelation>();
  for (const char* name : {"key", "bucket", "value"}) {
    relation->columns_.push_back({name, {oid::kInt8, -1}, false});
  }
  relation->morsels = (rows.size() + per_morsel - 1) / per_morsel;
  relation->make = [rows = std::move(rows), per_morsel](size_t morsel) -> Result<Batch> {
    BatchBuilder builder({oid::kInt8, oid::kInt8, oid::kInt8});
    const size_t end = std::min(rows.size(), (morsel + 1) * per_morsel);
    for (size_t i = morsel * per_morsel; i < end; ++i) {
      const uint32_t at = builder.add_row();
      builder.column(0).set_datum(at, Datum::int8(rows[i].key));
      builder.column(1).set_datum(at, Datum::int8(rows[i].bucket));
      builder.column(2).set_datum(at, datum_of(rows[i].value));
    }
    return builder.take();
  };
  return relation;
}

void add_gap_call(PlanNode& plan, GapCall::Kind kind, bool skip_nulls, ExprPtr before = nullptr) {
  GapCall call;
  call.kind = kind;
  call.skip_nulls = skip_nulls;
  call.value = column(2);
  call.before = std::move(before);
  call.type = {oid::kInt8, -1};
  plan.columns.push_back({"call", call.type});
  plan.gap_fill.calls.push_back(std::move(call));
}

struct Range {
  int64_t start, width, finish;
};

PlanPtr gap_fill_over(PlanPtr child, const Range& range, bool keyed) {
  PlanPtr plan = over(PlanNode::Kind::kGapFill, std::move(child));
  if (keyed) plan->group_by.push_back(column(0));
  plan->gap_fill.bucket = column(1);
  plan->gap_fill.width = constant(Datum::int8(range.width));
  plan->gap_fill.start = constant(Datum::int8(range.start));
  plan->gap_fill.finish = constant(Datum::int8(range.finish));
  return plan;
}

/// Columns key, bucket, value, locf, locf without NULLs and the key before, interpolate.
std::vector<std::vector<OptionalValue>> wanted_rows(const SeriesByKey& all, const Range& range) {
  std::vector<std::vector<OptionalValue>> out;
  for (const auto& [key, have] : all) {
    Series rows = have;
    for (int64_t at = range.start; at < range.finish; at += range.width) rows.try_emplace(at);
    OptionalValue carried, kept;
    for (const auto& [at, value] : rows) {
      const bool real = have.contains(at);
      if (real) carried = value;
      if (value) kept = value;
      if (!kept && at == range.start) kept = key;
      OptionalValue line = value;
      const auto next = have.upper_bound(at);
      if (!real && next != have.end() && next != have.begin() && next->second &&
          std::prev(next)->second) {
        const auto [t0, y0] = *std::prev(next);
        line = (*y0 * (next->first - at) + *next->second * (at - t0)) / (next->first - t0);
      }
      out.push_back({key, at, value, carried, kept, line});
    }
  }
  return out;
}

void check_series(const SeriesByKey& all, const Range& range, size_t per_morsel, uint64_t seed) {
  std::vector<GapRow> rows;
  for (const auto& [key, series] : all) {
    for (const auto& [bucket, value] : series) rows.push_back({key, bucket, value});
  }
  std::shuffle(rows.begin(), rows.end(), std::mt19937_64(seed));
  const auto relation = gap_relation(std::move(rows), per_morsel);
  PlanPtr plan = gap_fill_over(scan_of(*relation), range, true);
  add_gap_call(*plan, GapCall::Kind::kLocf, false);
  add_gap_call(*plan, GapCall::Kind::kLocf, true, column(0));
  add_gap_call(*plan, GapCall::Kind::kInterpolate, false);
  const Rows got = run(std::move(plan));
  ASSERT_TRUE(got.status.ok()) << got.status.error().message;
  const auto wanted = wanted_rows(all, range);
  ASSERT_EQ(got.rows.size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    for (size_t c = 0; c < wanted[i].size(); ++c) {
      ASSERT_EQ(value_of(got.rows[i][c]), wanted[i][c])
          << "row " << i << " column " << c << " seed " << seed;
    }
  }
}

TEST(GapFillTest, RandomSeriesAreFilledByTheDefinition) {
  std::mt19937_64 random(20240229);
  const auto below = [&](int64_t n) { return static_cast<int64_t>(random() % static_cast<uint64_t>(n)); };
  for (uint64_t turn = 0; turn < 60; ++turn) {
    const int64_t width = below(4) + 1, buckets = below(40) + 1;
    const Range range{(below(20) - 10) * width, width, (below(20) - 10) * width};
    const Range valid{range.start, width, range.start + buckets * width - below(width)};
    SeriesByKey all;
    const int64_t keys = below(5) + 1;
    for (int64_t key = 0; key < keys; ++key) {
      const int64_t rows = below(30) + 1;
      for (int64_t i = 0; i < rows; ++i) {
        const int64_t at = valid.start + (below(buckets + 6) - 3) * width;
        all[key][at] = below(4) == 0 ? OptionalValue() : OptionalValue(below(1000) - 500);
      }
    }
    ASSERT_NO_FATAL_FAILURE(check_series(all, valid, static_cast<size_t>(below(20) + 1), turn));
  }
}

TEST(GapFillTest, SeriesLongerThanABlockAndManyShortOnes) {
  SeriesByKey all;
  for (int64_t at = 0; at < 30'000; at += 7) all[1][at] = at % 5 == 0 ? OptionalValue() : at;
  for (int64_t key = 2; key < 3000; ++key) all[key][key % 100] = key;
  check_series({{1, all[1]}}, {0, 1, 30'000}, 1000, 1);
  check_series(all, {0, 10, 100}, 500, 2);
}

TEST(GapFillTest, NothingComesOfNothingButOneSeriesWithoutKeys) {
  const auto relation = gap_relation({}, 10);
  const Rows keyed = run(gap_fill_over(scan_of(*relation), {0, 1, 3}, true));
  ASSERT_TRUE(keyed.status.ok());
  EXPECT_TRUE(keyed.rows.empty());
  const Rows plain = run(gap_fill_over(scan_of(*relation), {0, 1, 3}, false));
  ASSERT_TRUE(plain.status.ok());
  ASSERT_EQ(plain.rows.size(), 3u);
  EXPECT_EQ(plain.rows[2][1].as<int64_t>(), 2);
  EXPECT_TRUE(plain.rows[2][0].is_null());
}

TEST(GapFillTest, RangesAreChecked) {
  const auto relation = gap_relation({{1, 1, 1}}, 10);
  const auto code = [&](const Range& range) {
    const Rows got = run(gap_fill_over(scan_of(*relation), range, true));
    return got.status.ok() ? std::string("ok") : got.status.error().message;
  };
  EXPECT_EQ(code({0, 0, 3}), "invalid time_bucket_gapfill argument: bucket_width must be greater than 0");
  EXPECT_EQ(code({4, 1, 3}), "invalid time_bucket_gapfill argument: start must be before finish");
  EXPECT_EQ(code({0, 1, static_cast<int64_t>(kGapBucketsMax) + 1}),
            "invalid time_bucket_gapfill argument: more than 4000000 buckets between start and finish");
  EXPECT_EQ(code({INT64_MAX - 3, 2, INT64_MAX}), "ok");  // the width leads past the last number
}

TEST(GapFillTest, SeriesThatDoNotFitAreRefused) {
  const auto relation = gap_relation({{1, 1, 1}}, 10);
  MemoryPool pool(uint64_t{1} << 30);
  MemoryAccount account(pool, 1 << 20);
  ExecutionContext context;
  context.memory = &account;
  const Rows got = run(gap_fill_over(scan_of(*relation), {0, 1, 1'000'000}, true), std::move(context));
  ASSERT_FALSE(got.status.ok());
  EXPECT_EQ(got.status.error().code, sqlstate::kOutOfMemory);
}

}  // namespace
}  // namespace eventd::engine::testing
