#include <gtest/gtest.h>

#include <optional>

#include "join_support.h"
#include "spill_support.h"

namespace eventd::engine::testing {
namespace {

std::optional<int64_t> integer(const Datum& value) {
  if (const auto* small = std::get_if<int32_t>(&value.value())) return *small;
  if (const auto* big = std::get_if<int64_t>(&value.value())) return *big;
  return std::nullopt;
}

const std::vector<Oid> kLeftTypes{oid::kInt4, oid::kText, oid::kInt8}, kRightTypes{oid::kInt8, oid::kText, oid::kInt8};

/// Keys of a small range, NULLs among them; the last column is the row's number.
std::vector<Row> random_rows(size_t count, int keys, bool narrow, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Row> rows;
  for (size_t i = 0; i < count; ++i) {
    const auto key = static_cast<int32_t>(random() % static_cast<uint64_t>(keys));
    Row row;
    if (random() % 10 == 0) {
      row.push_back(Datum::null(narrow ? oid::kInt4 : oid::kInt8));
    } else {
      row.push_back(narrow ? Datum::int4(key) : Datum::int8(key));
    }
    row.push_back(random() % 12 == 0 ? Datum::null(oid::kText) : Datum::text("key " + std::to_string(random() % 3)));
    row.push_back(Datum::int8(static_cast<int64_t>(i)));
    rows.push_back(std::move(row));
  }
  return rows;
}

/// What a join is over: int4 = int8, text = text, and a number below another.
struct Condition {
  bool integers = false, texts = false, below = false;

  ExprPtr expression() const {
    std::vector<ExprPtr> terms;
    if (integers) terms.push_back(operation("=", column(0, oid::kInt4), column(3, oid::kInt8)));
    if (texts) terms.push_back(operation("=", column(4, oid::kText), column(1, oid::kText)));
    if (below) terms.push_back(operation("<", column(2), column(5)));
    if (terms.empty()) return nullptr;
    if (terms.size() == 1) return std::move(terms[0]);
    return node_of(Expr::Kind::kAnd, oid::kBool, std::move(terms));
  }
  bool matches(const Row& a, const Row& b) const {
    if (integers && (!integer(a[0]) || !integer(b[0]) || *integer(a[0]) != *integer(b[0]))) return false;
    if (texts && (a[1].is_null() || b[1].is_null() || a[1] != b[1])) return false;
    return !below || *integer(a[2]) < *integer(b[2]);
  }
};

constexpr Condition kConditions[] = {{true, false, false}, {false, true, false}, {true, true, false}, {true, false, true},
                                     {true, true, true},   {false, false, true}, {false, false, false}};

struct Sizes {
  size_t left, right;
};

void check_join(JoinType type, const Condition& condition, Sizes sizes, ExecutionContext context, double time_us,
                uint64_t seed) {
  const std::vector<Row> left = random_rows(sizes.left, 40, true, seed);
  const std::vector<Row> right = random_rows(sizes.right, 40, false, seed + 1);
  const auto a = rows_relation(kLeftTypes, left, 25), b = rows_relation(kRightTypes, right, 17);
  a->time_us = b->time_us = time_us;
  const Rows got = run(join_of(type, scan_of(*a), scan_of(*b), condition.expression()), context);
  ASSERT_TRUE(got.status.ok()) << got.status.error().message;
  const auto want = plain_join(type, left, right, kLeftTypes, kRightTypes,
                               [&](const Row& x, const Row& y) { return condition.matches(x, y); });
  ASSERT_EQ(sorted_text(got.rows), sorted_text(want))
      << "join " << static_cast<int>(type) << " seed " << seed << " sizes " << sizes.left << ", " << sizes.right;
}

TEST(Join, EveryKindMatchesThePlainWay) {
  uint64_t seed = 1;
  for (const Sizes sizes : {Sizes{0, 0}, {0, 20}, {20, 0}, {1, 1}, {110, 9}, {9, 110}, {12, 300}, {60, 40}}) {
    for (const JoinType type : kJoinTypes) {
      for (const Condition& condition : kConditions) {
        check_join(type, condition, sizes, {}, 10, seed);
        seed += 2;
      }
    }
  }
}

TEST(Join, TheSameOnSeveralThreads) {
  ScanPool pool(3);
  ExecutionContext context;
  context.pool = &pool;
  uint64_t seed = 1000;
  for (const JoinType type : kJoinTypes) {
    for (const Condition& condition : kConditions) {
      check_join(type, condition, {90, 60}, context, 1e6, seed);
      seed += 2;
    }
  }
}

TEST(Join, MoreMatchesThanABatchHolds) {
  // 3000 × 20 rows of one key: what is given out is never more than a batch.
  std::vector<Row> left, right;
  for (int i = 0; i < 3000; ++i) left.push_back({Datum::int8(1)});
  for (int i = 0; i < 20; ++i) right.push_back({Datum::int8(1)});
  const auto a = rows_relation({oid::kInt8}, left, 1000), b = rows_relation({oid::kInt8}, right);
  for (const bool hashed : {true, false}) {
    ExprPtr condition = hashed ? operation("=", column(0), column(1)) : operation("<=", column(0), column(1));
    auto execution = start_execution(join_of(JoinType::kInner, scan_of(*a), scan_of(*b), std::move(condition)), {});
    ASSERT_TRUE(execution.ok());
    size_t rows = 0;
    Batch batch;
    for (;;) {
      const auto more = (*execution)->next(batch);
      ASSERT_TRUE(more.ok());
      if (!*more) break;
      ASSERT_GT(batch.size, 0U);
      ASSERT_LE(batch.size, kBatchRows);
      rows += batch.size;
    }
    EXPECT_EQ(rows, 60'000U);
  }
}

TEST(Join, NullsMeetOnlyWhereTheyAreNotDistinct) {
  const std::vector<Row> rows{{Datum::null(oid::kInt8)}, {Datum::int8(1)}};
  const auto a = rows_relation({oid::kInt8}, rows), b = rows_relation({oid::kInt8}, rows);
  const auto joined = [&](ExprPtr condition) {
    return run(join_of(JoinType::kInner, scan_of(*a), scan_of(*b), std::move(condition))).rows.size();
  };
  EXPECT_EQ(joined(operation("=", column(0), column(1))), 1U);
  EXPECT_EQ(joined(node_of(Expr::Kind::kIsNotDistinct, oid::kBool, list(column(0), column(1)))), 2U);
}

/// Three relations joined and grouped, all of it by workers.
TEST(Join, ProbesInsideOfFragments) {
  std::vector<int64_t> keys(60'000), users(60'000), ids(500), names(500);
  for (size_t i = 0; i < keys.size(); ++i) {
    keys[i] = static_cast<int64_t>(i % 500);
    users[i] = static_cast<int64_t>(i % 7);
  }
  for (size_t i = 0; i < ids.size(); ++i) {
    ids[i] = static_cast<int64_t>(i);
    names[i] = static_cast<int64_t>(i % 10);
  }
  const auto facts = int8_relation({keys, users}, 500), first = int8_relation({ids, names}), second = int8_relation({ids});
  facts->time_us = 1e6;
  for (const size_t threads : {size_t{0}, size_t{4}}) {
    std::unique_ptr<ScanPool> pool = threads > 0 ? std::make_unique<ScanPool>(threads) : nullptr;
    ExecutionContext context;
    context.pool = pool.get();
    PlanPtr join = join_of(JoinType::kInner, scan_of(*facts), scan_of(*first), operation("=", column(0), column(2)));
    join = join_of(JoinType::kLeft, std::move(join), scan_of(*second), operation("=", column(1), column(4)));
    const Rows got = run(group(std::move(join), list(column(3)), aggregate(sum(), column(4))), context);
    ASSERT_TRUE(got.status.ok()) << got.status.error().message;
    ASSERT_EQ(got.rows.size(), 10U);
    int64_t total = 0;
    for (const auto& row : got.rows) total += row[1].as<int64_t>();
    int64_t want = 0;
    for (const int64_t user : users) want += user;
    EXPECT_EQ(total, want);
  }
}

TEST(Join, CrossJoinOfEverythingIsCancelledInTime) {
  std::vector<int64_t> many(200'000, 1);
  const auto a = int8_relation({many}, kBatchRows), b = int8_relation({many}, kBatchRows);
  MemoryPool memory_pool(256 << 20);
  MemoryAccount memory(memory_pool, 64 << 20);
  CancelToken cancel;
  ExecutionContext context;
  context.cancel = &cancel;
  context.memory = &memory;
  auto execution = start_execution(join_of(JoinType::kInner, scan_of(*a), scan_of(*b), nullptr), context);
  ASSERT_TRUE(execution.ok());
  Batch batch;
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE((*execution)->next(batch).ok());
  cancel.cancel(CancelToken::Reason::kUserRequest);
  const auto more = (*execution)->next(batch);
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.error().code, sqlstate::kQueryCanceled);
  EXPECT_LT(memory.peak_bytes(), size_t{16} << 20);
}

TEST(Join, ALoopWithoutAMatchCanBeCancelled) {
  std::vector<int64_t> many(100'000, 1);
  const auto a = int8_relation({many}, kBatchRows), b = int8_relation({many}, kBatchRows);
  CancelToken cancel;
  const auto make = a->make;
  std::atomic<int> batches{0};
  a->make = [&, make](size_t morsel) {
    // The second batch of the outer side is there: a first one has met 100,000 rows 2048 times.
    if (++batches == 2) cancel.cancel(CancelToken::Reason::kUserRequest);
    return make(morsel);
  };
  ExecutionContext context;
  context.cancel = &cancel;
  const Rows got = run(join_of(JoinType::kSemi, scan_of(*a), scan_of(*b), operation("<", column(0), column(1))), context);
  ASSERT_FALSE(got.status.ok());
  EXPECT_EQ(got.status.error().code, sqlstate::kQueryCanceled);
}

TEST(Join, PastItsMemoryTheSameFromDisk) {
  std::vector<Row> left, right;
  for (int64_t i = 0; i < 9'000; ++i) {
    left.push_back({i % 50 == 0 ? Datum::null(oid::kInt8) : Datum::int8(i % 7000), Datum::text("left " + std::to_string(i))});
  }
  for (int64_t i = 0; i < 10'000; ++i) {
    right.push_back({i % 60 == 0 ? Datum::null(oid::kInt8) : Datum::int8(i * 7 % 8'000), Datum::text(std::string(40, 'r') + std::to_string(i))});
  }
  const std::vector<Oid> types{oid::kInt8, oid::kText};
  for (const size_t threads : {size_t{0}, size_t{3}}) {
    for (const JoinType type : kJoinTypes) {
      const auto a = rows_relation(types, left, 1000), b = rows_relation(types, right, 1000);
      a->time_us = b->time_us = 1e6;
      const auto plan = [&] {
        return join_of(type, scan_of(*a), scan_of(*b),
                       both(operation("=", column(0), column(2)), operation("<>", column(1, oid::kText), column(3, oid::kText))));
      };
      const Rows want = run(plan());
      ASSERT_TRUE(want.status.ok());
      std::unique_ptr<ScanPool> pool = threads > 0 ? std::make_unique<ScanPool>(threads) : nullptr;
      // One partition of sixteen doesn't fit either: it is divided again.
      SmallMemory small(size_t{384} << 10);
      small.context.pool = pool.get();
      const Rows got = run(plan(), small.context);
      ASSERT_TRUE(got.status.ok()) << got.status.error().message;
      EXPECT_GT(small.temp.written_bytes(), 0U);
      ASSERT_EQ(sorted_text(got.rows), sorted_text(want.rows)) << static_cast<int>(type);
      EXPECT_EQ(small.account.used_bytes(), 0U);
      EXPECT_EQ(small.temp.used_bytes(), 0U);
    }
  }
}

TEST(Join, WithoutATemporaryDirectoryMemoryEnds) {
  std::vector<int64_t> many(200'000);
  for (size_t i = 0; i < many.size(); ++i) many[i] = static_cast<int64_t>(i);
  const auto a = int8_relation({many}, kBatchRows), b = int8_relation({many}, kBatchRows);
  MemoryPool memory_pool(256 << 20);
  MemoryAccount memory(memory_pool, 1 << 20);
  ExecutionContext context;
  context.memory = &memory;
  const Rows got = run(join_of(JoinType::kInner, scan_of(*a), scan_of(*b), operation("=", column(0), column(1))), context);
  ASSERT_FALSE(got.status.ok());
  EXPECT_EQ(got.status.error().code, sqlstate::kOutOfMemory);
  EXPECT_EQ(memory.used_bytes(), 0U);
}

}  // namespace
}  // namespace eventd::engine::testing
