#include <gtest/gtest.h>

#include <cerrno>

#include "spill_support.h"

namespace eventd::engine::testing {
namespace {

/// Rows (text key, int8 key, number of the row): keys repeat, every 11th text and 7th int8 is NULL.
std::unique_ptr<FakeRelation> text_relation(size_t rows, uint32_t per_morsel = 500) {
  auto relation = std::make_unique<FakeRelation>();
  relation->columns_ = {{"t", {oid::kText, -1}, false}, {"k", {oid::kInt8, -1}, false},
                        {"n", {oid::kInt8, -1}, false}};
  relation->morsels = (rows + per_morsel - 1) / per_morsel;
  relation->rows = static_cast<double>(rows);
  relation->make = [rows, per_morsel](size_t morsel) -> Result<Batch> {
    BatchBuilder builder({oid::kText, oid::kInt8, oid::kInt8});
    const size_t first = morsel * per_morsel;
    for (size_t i = first; i < std::min(first + per_morsel, rows); ++i) {
      const uint32_t row = builder.add_row();
      const size_t mixed = i * 7919 % 10'007;
      builder.column(0).set_string(row, "a common beginning " + std::to_string(mixed % 499));
      if (mixed % 11 == 0) builder.column(0).set_null(row);
      builder.column(1).data<int64_t>()[row] = static_cast<int64_t>(mixed % 53);
      if (mixed % 7 == 0) builder.column(1).set_null(row);
      builder.column(2).data<int64_t>()[row] = static_cast<int64_t>(i);
    }
    return builder.take();
  };
  return relation;
}

PlanPtr sort_of(const FakeRelation& relation, bool by_expression = false) {
  auto sort = over(PlanNode::Kind::kSort, scan_of(relation));
  sort->sort_keys.push_back(key_of(column(0, oid::kText), true));
  sort->sort_keys.push_back(
      key_of(by_expression ? call(divide(), column(1), constant(Datum::int8(2))) : column(1)));
  sort->sort_keys.push_back(key_of(column(2)));
  return sort;
}

TEST(ExternalSort, GivesTheOrderThatMemoryGives) {
  const auto relation = text_relation(60'000);
  for (const bool by_expression : {false, true}) {
    const Rows wanted = run(sort_of(*relation, by_expression));
    ASSERT_EQ(wanted.rows.size(), 60'000U);
    SmallMemory memory(size_t{1} << 20);
    const Rows got = run(sort_of(*relation, by_expression), memory.context);
    ASSERT_TRUE(got.status.ok()) << got.status.error().message;
    EXPECT_TRUE(got.rows == wanted.rows);
    EXPECT_GT(memory.temp.written_bytes(), size_t{2} << 20);
    EXPECT_EQ(memory.temp.used_bytes(), 0U);
    EXPECT_EQ(memory.account.used_bytes(), 0U);
    EXPECT_EQ(memory.directory.file_count(), 0U);
  }
}

TEST(ExternalSort, MergesMoreRunsThanAtOnce) {
  // Rows of 1 kB: a run of a quarter of a megabyte holds few of them.
  const size_t rows = 20'000;
  auto relation = text_relation(rows, 100);
  const auto make = relation->make;
  relation->make = [make](size_t morsel) -> Result<Batch> {
    ASSIGN_OR_RETURN(Batch batch, make(morsel));
    Vector wide = Vector::flat(oid::kText, batch.size);
    for (uint32_t i = 0; i < batch.size; ++i) wide.set_string(i, std::string(1000, 'w'));
    batch.columns[0] = wide;
    return batch;
  };
  SmallMemory memory(size_t{1} << 20);
  const Rows got = run(sort_of(*relation), memory.context);
  ASSERT_TRUE(got.status.ok()) << got.status.error().message;
  EXPECT_GT(memory.temp.written_bytes(), size_t{2} * rows * 1000) << "two passes";
  const Rows wanted = run(sort_of(*relation));
  EXPECT_TRUE(got.rows == wanted.rows);
}

TEST(ExternalSort, TiesStayInTheOrderTheyCame) {
  const auto relation = text_relation(60'000);
  auto sort = over(PlanNode::Kind::kSort, scan_of(*relation));
  sort->sort_keys.push_back(key_of(column(1)));
  SmallMemory memory(size_t{1} << 20);
  const Rows got = run(std::move(sort), memory.context);
  ASSERT_EQ(got.rows.size(), 60'000U);
  EXPECT_GT(memory.temp.written_bytes(), 0U);
  for (size_t i = 1; i < got.rows.size(); ++i) {
    if (got.rows[i - 1][1] == got.rows[i][1]) {
      ASSERT_LT(got.rows[i - 1][2].as<int64_t>(), got.rows[i][2].as<int64_t>());
    }
  }
}

TEST(ExternalSort, TopKSpillsOnlyWhenItsRowsDoNotFit) {
  const auto relation = text_relation(60'000);
  const Rows all = run(sort_of(*relation));
  for (const int64_t keep : {100, 20'000}) {
    SmallMemory memory(size_t{1} << 20);
    const Rows got = run(limit_of(sort_of(*relation), Datum::int8(keep), Datum::int8(0)), memory.context);
    ASSERT_TRUE(got.status.ok()) << got.status.error().message;
    ASSERT_EQ(got.rows.size(), static_cast<size_t>(keep));
    for (size_t i = 0; i < got.rows.size(); ++i) ASSERT_EQ(got.rows[i], all.rows[i]) << i;
    EXPECT_EQ(memory.temp.written_bytes() > 0, keep == 20'000);
  }
}

TEST(ExternalSort, WorkersRunsAreMerged) {
  const auto relation = text_relation(100'000);
  relation->time_us = 1e6;
  const Rows wanted = run(sort_of(*relation));
  ScanPool pool(3);
  for (const size_t limit : {size_t{1} << 20, size_t{64} << 20}) {
    SmallMemory memory(limit);
    memory.context.pool = &pool;
    const Rows got = run(sort_of(*relation), memory.context);
    ASSERT_TRUE(got.status.ok()) << got.status.error().message;
    EXPECT_TRUE(got.rows == wanted.rows);
    EXPECT_EQ(memory.temp.written_bytes() > 0, limit == size_t{1} << 20);
    EXPECT_EQ(memory.account.used_bytes(), 0U);
  }
}

TEST(ExternalSort, FailuresAreReported) {
  const auto relation = text_relation(60'000);
  SmallMemory limited(size_t{1} << 20);
  limited.temp.set_limit(500'000);
  EXPECT_EQ(run(sort_of(*relation), limited.context).status.error().code,
            sqlstate::kConfigurationLimitExceeded);
  EXPECT_EQ(limited.temp.used_bytes(), 0U);
  SmallMemory full(size_t{1} << 20, {.write_at = [](int, const void*, size_t, off_t) -> ssize_t {
                     errno = ENOSPC;
                     return -1;
                   }});
  EXPECT_EQ(run(sort_of(*relation), full.context).status.error().code, sqlstate::kDiskFull);
  SmallMemory nowhere(size_t{1} << 20);
  nowhere.context.temp = nullptr;
  EXPECT_EQ(run(sort_of(*relation), nowhere.context).status.error().code, sqlstate::kOutOfMemory);
}

TEST(ExternalSort, CancelStopsTheMerge) {
  const auto relation = text_relation(60'000);
  SmallMemory memory(size_t{1} << 20);
  auto execution = start_execution(sort_of(*relation), memory.context);
  ASSERT_TRUE(execution.ok());
  Batch batch;
  ASSERT_TRUE(*(*execution)->next(batch));
  memory.cancel.cancel(CancelToken::Reason::kUserRequest);
  const auto more = (*execution)->next(batch);
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.error().code, sqlstate::kQueryCanceled);
  EXPECT_EQ(memory.temp.used_bytes(), 0U) << "everything goes at once";
}

}  // namespace
}  // namespace eventd::engine::testing
