#include <gtest/gtest.h>

#include <map>
#include <set>

#include "spill_support.h"

namespace eventd::engine::testing {
namespace {

constexpr size_t kRows = 60'000;

/// Rows (int8 key, int8 number, text key): 20,000 keys, each text NULL of a thousandth of them.
std::unique_ptr<FakeRelation> keyed_relation() {
  auto relation = std::make_unique<FakeRelation>();
  relation->columns_ = {{"k", {oid::kInt8, -1}, false}, {"n", {oid::kInt8, -1}, false},
                        {"t", {oid::kText, -1}, false}};
  relation->morsels = kRows / 500;
  relation->rows = kRows;
  relation->make = [](size_t morsel) -> Result<Batch> {
    BatchBuilder builder({oid::kInt8, oid::kInt8, oid::kText});
    for (size_t i = morsel * 500; i < (morsel + 1) * 500; ++i) {
      const uint32_t row = builder.add_row();
      const int64_t key = static_cast<int64_t>(i * 7919 % 100'003 % 20'000);
      builder.column(0).data<int64_t>()[row] = key;
      builder.column(1).data<int64_t>()[row] = static_cast<int64_t>(i);
      builder.column(2).set_string(row, "key number " + std::to_string(key));
      if (key % 1000 == 7) builder.column(2).set_null(row);
    }
    return builder.take();
  };
  return relation;
}

PlanPtr sums_of(const FakeRelation& relation, int key, Oid type) {
  return group(scan_of(relation), list(column(key, type)), aggregate(sum(), column(1)));
}

/// The rows as a multiset, however they are ordered.
std::multiset<std::string> in_any_order(const Rows& rows) {
  std::multiset<std::string> result;
  for (const auto& row : rows.rows) {
    std::string text;
    for (const Datum& value : row) text += value.is_null() ? "NULL|" : datum_to_text({}, value) + "|";
    result.insert(std::move(text));
  }
  return result;
}

TEST(ExternalAggregate, GivesTheGroupsThatMemoryGives) {
  const auto relation = keyed_relation();
  for (const auto& [key, type] : {std::pair{0, oid::kInt8}, std::pair{2, oid::kText}}) {
    const auto wanted = in_any_order(run(sums_of(*relation, key, type)));
    SmallMemory memory(size_t{1} << 20);
    const Rows got = run(sums_of(*relation, key, type), memory.context);
    ASSERT_TRUE(got.status.ok()) << got.status.error().message;
    EXPECT_TRUE(in_any_order(got) == wanted);
    EXPECT_GT(memory.temp.written_bytes(), 0U);
    EXPECT_EQ(memory.temp.used_bytes(), 0U);
    EXPECT_EQ(memory.account.used_bytes(), 0U);
  }
}

TEST(ExternalAggregate, WorkersRowsOnDiskMeetEveryWorkersGroups) {
  const auto relation = keyed_relation();
  const auto wanted = in_any_order(run(sums_of(*relation, 0, oid::kInt8)));
  relation->time_us = 1e6;
  ScanPool pool(3);
  for (int round = 0; round < 3; ++round) {
    SmallMemory memory(size_t{1} << 20);
    memory.context.pool = &pool;
    const Rows got = run(sums_of(*relation, 0, oid::kInt8), memory.context);
    ASSERT_TRUE(got.status.ok()) << got.status.error().message;
    EXPECT_TRUE(in_any_order(got) == wanted);
    EXPECT_GT(memory.temp.written_bytes(), 0U);
    EXPECT_EQ(memory.account.used_bytes(), 0U);
  }
}

TEST(ExternalAggregate, DistinctRowsAreThereOnce) {
  const auto relation = keyed_relation();
  const auto distinct = [&] {
    auto project = over(PlanNode::Kind::kProject, scan_of(*relation));
    project->columns = {project->columns[0], project->columns[2]};
    project->expressions = list(column(0), column(2, oid::kText));
    return over(PlanNode::Kind::kDistinct, std::move(project));
  };
  const auto wanted = in_any_order(run(distinct()));
  EXPECT_EQ(wanted.size(), 20'000U);
  ScanPool pool(3);
  for (const bool together : {false, true}) {
    relation->time_us = together ? 1e6 : 10;
    for (const size_t limit : {size_t{1} << 20, size_t{256} << 20}) {
      SmallMemory memory(limit);
      if (together) memory.context.pool = &pool;
      const Rows got = run(distinct(), memory.context);
      ASSERT_TRUE(got.status.ok()) << got.status.error().message;
      EXPECT_TRUE(in_any_order(got) == wanted);
      EXPECT_EQ(memory.temp.written_bytes() > 0, limit == size_t{1} << 20);
      EXPECT_EQ(memory.account.used_bytes(), 0U);
    }
  }
}

TEST(ExternalAggregate, FailuresAreReported) {
  const auto relation = keyed_relation();
  SmallMemory nowhere(size_t{1} << 20);
  nowhere.context.temp = nullptr;
  EXPECT_EQ(run(sums_of(*relation, 2, oid::kText), nowhere.context).status.error().code,
            sqlstate::kOutOfMemory);
  SmallMemory limited(size_t{1} << 20);
  limited.temp.set_limit(100'000);
  EXPECT_EQ(run(sums_of(*relation, 2, oid::kText), limited.context).status.error().code,
            sqlstate::kConfigurationLimitExceeded);
  EXPECT_EQ(limited.temp.used_bytes(), 0U);
}

}  // namespace
}  // namespace eventd::engine::testing
