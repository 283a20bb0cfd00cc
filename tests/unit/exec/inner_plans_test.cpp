// Subqueries in expressions, LATERAL, WITH, recursion, set operations, set-returning calls.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "join_support.h"

namespace eventd::engine::testing {
namespace {

ExprPtr outer(int index, Oid type = oid::kInt8) { return Expr::outer(index, {type, -1}); }

PlanPtr filter_of(PlanPtr child, ExprPtr condition) {
  auto plan = over(PlanNode::Kind::kFilter, std::move(child));
  plan->condition = std::move(condition);
  return plan;
}

PlanPtr project_of(PlanPtr child, std::vector<ExprPtr> expressions) {
  auto plan = over(PlanNode::Kind::kProject, std::move(child));
  plan->columns.clear();
  for (const ExprPtr& expression : expressions) plan->columns.push_back({"x", expression->type});
  plan->expressions = std::move(expressions);
  return plan;
}

ExprPtr subquery(Subquery::Kind kind, PlanPtr plan, Oid type, std::vector<ExprPtr> arguments = {},
                 ExprPtr comparison = nullptr) {
  ExprPtr expr = node_of(Expr::Kind::kSubquery, type, std::move(arguments));
  expr->subquery = std::make_unique<Subquery>();
  expr->subquery->kind = kind;
  expr->subquery->plan = std::move(plan);
  expr->subquery->comparison = std::move(comparison);
  return expr;
}

std::vector<Row> numbers(std::vector<std::optional<int64_t>> values) {
  std::vector<Row> rows;
  for (const auto& value : values) rows.push_back({value ? Datum::int8(*value) : Datum::null(oid::kInt8)});
  return rows;
}

std::string column_text(const Rows& rows, size_t index) {
  std::string text;
  for (const Row& row : rows.rows) {
    text += row[index].is_null() ? "-" : datum_to_text({}, row[index]);
    text += ' ';
  }
  return text;
}

/// `expression` for each row of one int8 column.
Rows select(const std::vector<Row>& rows, ExprPtr expression, ExecutionContext context = {}) {
  const auto relation = rows_relation({oid::kInt8}, rows);
  return run(project_of(scan_of(*relation), list(std::move(expression))), context);
}

TEST(Subquery, InIsThreeValued) {
  const auto in = [](std::vector<std::optional<int64_t>> set, bool hashed) {
    const auto relation = rows_relation({oid::kInt8}, numbers(std::move(set)));
    ExprPtr comparison = hashed ? operation("=", outer(0), column(0))
                                : both(operation("<=", outer(0), column(0)), operation(">=", outer(0), column(0)));
    return column_text(select(numbers({1, 2, std::nullopt}),
                              subquery(Subquery::Kind::kAny, scan_of(*relation), oid::kBool, list(column(0)), std::move(comparison))),
                       0);
  };
  for (const bool hashed : {true, false}) {
    EXPECT_EQ(in({1, 3}, hashed), "t f - ");
    EXPECT_EQ(in({1, std::nullopt}, hashed), "t - - ");
    EXPECT_EQ(in({}, hashed), "f f f ");
    EXPECT_EQ(in({std::nullopt}, hashed), "- - - ");
  }
}

TEST(Subquery, InOfSeveralColumns) {
  // (x, 5) IN ((1, 5), (2, NULL), (NULL, 6)) for x = 1, 2, 3, NULL.
  const auto relation = rows_relation(
      {oid::kInt8, oid::kInt8}, {{Datum::int8(1), Datum::int8(5)}, {Datum::int8(2), Datum::null(oid::kInt8)}, {Datum::null(oid::kInt8), Datum::int8(6)}});
  const Rows got = select(numbers({1, 2, 3, std::nullopt}),
                          subquery(Subquery::Kind::kAny, scan_of(*relation), oid::kBool, list(column(0), constant(Datum::int8(5))),
                                   both(operation("=", outer(0), column(0)), operation("=", outer(1), column(1)))));
  ASSERT_TRUE(got.status.ok()) << got.status.error().message;
  EXPECT_EQ(column_text(got, 0), "t - f - ");
}

TEST(Subquery, AllStopsEarlyAndKnowsNulls) {
  const auto all = [](std::vector<std::optional<int64_t>> set) {
    const auto relation = rows_relation({oid::kInt8}, numbers(std::move(set)));
    return column_text(select(numbers({5, std::nullopt}), subquery(Subquery::Kind::kAll, scan_of(*relation), oid::kBool, list(column(0)),
                                                                  operation(">", outer(0), column(0)))),
                       0);
  };
  EXPECT_EQ(all({1, 2}), "t - ");
  EXPECT_EQ(all({1, 7, std::nullopt}), "f - ");
  EXPECT_EQ(all({1, std::nullopt}), "- - ");
  EXPECT_EQ(all({}), "t t ");
}

TEST(Subquery, ScalarGivesNullOneValueOrAnError) {
  const auto relation = int8_relation({{1, 2, 3, 3}});
  // The row equal to the outer one.
  const auto scalar = [&] {
    return subquery(Subquery::Kind::kScalar, filter_of(scan_of(*relation), operation("=", column(0), outer(0))), oid::kInt8, list(column(0)));
  };
  const Rows got = select(numbers({1, 2, 9, std::nullopt, 1}), scalar());
  ASSERT_TRUE(got.status.ok()) << got.status.error().message;
  EXPECT_EQ(column_text(got, 0), "1 2 - - 1 ");
  const Rows several = select(numbers({1, 3}), scalar());
  ASSERT_FALSE(several.status.ok());
  EXPECT_EQ(several.status.error().code, sqlstate::kCardinalityViolation);
  EXPECT_EQ(several.status.error().message, "more than one row returned by a subquery used as an expression");
}

TEST(Subquery, RunsOnceWithoutArgumentsAndOnlyWhenReached) {
  const auto inner = int8_relation({{7}});
  std::atomic<int> scans{0};
  const auto make = inner->make;
  inner->make = [&, make](size_t morsel) {
    ++scans;
    return make(morsel);
  };
  const auto once = [&] { return subquery(Subquery::Kind::kScalar, scan_of(*inner), oid::kInt8); };
  std::vector<Row> rows;
  for (int64_t i = 0; i < 5000; ++i) rows.push_back({Datum::int8(i)});
  EXPECT_EQ(select(rows, once()).rows.size(), 5000U);
  EXPECT_EQ(scans, 1);
  scans = 0;
  // CASE WHEN x < 0 THEN (subquery) ELSE x END
  const Rows got = select(rows, node_of(Expr::Kind::kCase, oid::kInt8,
                                        list(operation("<", column(0), constant(Datum::int8(0))), once(), column(0))));
  ASSERT_TRUE(got.status.ok()) << got.status.error().message;
  EXPECT_EQ(scans, 0);
}

TEST(Subquery, SeveralThreadsShareOneRun) {
  const auto inner = int8_relation({{1, 2, 3, 4, 5}});
  std::vector<int64_t> many(100'000);
  for (size_t i = 0; i < many.size(); ++i) many[i] = static_cast<int64_t>(i % 10);
  const auto relation = int8_relation({many}, 500);
  relation->time_us = 1e6;
  ScanPool pool(4);
  ExecutionContext context;
  context.pool = &pool;
  auto plan = group(filter_of(scan_of(*relation), subquery(Subquery::Kind::kAny, scan_of(*inner), oid::kBool, list(column(0)),
                                                           operation("=", outer(0), column(0)))),
                    {}, aggregate(count()));
  const Rows got = run(std::move(plan), context);
  ASSERT_TRUE(got.status.ok()) << got.status.error().message;
  EXPECT_EQ(got.rows[0][0], Datum::int8(50'000));
  // Correlated: its runs are remembered, whoever asks.
  auto exists = subquery(Subquery::Kind::kExists, filter_of(scan_of(*inner), operation("=", column(0), outer(0))), oid::kBool, list(column(0)));
  const Rows correlated = run(group(filter_of(scan_of(*relation), std::move(exists)), {}, aggregate(count())), context);
  ASSERT_TRUE(correlated.status.ok());
  EXPECT_EQ(correlated.rows[0][0], Datum::int8(50'000));
}

TEST(Subquery, ArraysKeepNullsAndNest) {
  const auto relation = rows_relation({oid::kInt8}, numbers({3, std::nullopt, 1}));
  const Rows got = select(numbers({0}), subquery(Subquery::Kind::kArray, scan_of(*relation), oid::kInt8Array));
  ASSERT_TRUE(got.status.ok()) << got.status.error().message;
  EXPECT_EQ(column_text(got, 0), "{3,NULL,1} ");
  const auto none = int8_relation({{1}});
  const Rows empty = select(numbers({0}), subquery(Subquery::Kind::kArray, filter_of(scan_of(*none), constant(Datum::boolean(false))), oid::kInt8Array));
  EXPECT_EQ(column_text(empty, 0), "{} ");
  const auto nested = project_of(scan_of(*relation), list(node_of(Expr::Kind::kArray, oid::kInt8Array, list(column(0), constant(Datum::int8(9))))));
  const Rows two = select(numbers({0}), subquery(Subquery::Kind::kArray, nested->clone(), oid::kInt8Array));
  ASSERT_TRUE(two.status.ok()) << two.status.error().message;
  EXPECT_EQ(column_text(two, 0), "{{3,9},{NULL,9},{1,9}} ");
}

/// Rows 1 … x of generate_series beside x, through kApply.
PlanPtr series_apply(PlanPtr child, JoinType type, ExprPtr condition = nullptr) {
  auto series = std::make_unique<PlanNode>(PlanNode::Kind::kTableFunction);
  series->table_function = FunctionCatalog::instance().table_functions("generate_series")[0];
  for (const TableFunction* function : FunctionCatalog::instance().table_functions("generate_series")) {
    if (function->arguments == std::vector<Oid>{oid::kInt8, oid::kInt8}) series->table_function = function;
  }
  series->expressions = list(constant(Datum::int8(1)), outer(0));
  series->columns = {{"n", {oid::kInt8, -1}}, {"ordinality", {oid::kInt8, -1}}};
  series->ordinality = true;
  auto apply = over(PlanNode::Kind::kApply, std::move(child));
  apply->columns.insert(apply->columns.end(), series->columns.begin(), series->columns.end());
  apply->children.push_back(std::move(series));
  apply->expressions = list(column(0));
  apply->join_type = type;
  apply->condition = std::move(condition);
  return apply;
}

TEST(Apply, RunsTheRightSideForEachRow) {
  const auto relation = rows_relation({oid::kInt8}, numbers({2, 0, std::nullopt, 3, 2}), 2);
  const Rows inner = run(series_apply(scan_of(*relation), JoinType::kInner));
  ASSERT_TRUE(inner.status.ok()) << inner.status.error().message;
  EXPECT_EQ(column_text(inner, 0), "2 2 3 3 3 2 2 ");
  EXPECT_EQ(column_text(inner, 1), "1 2 1 2 3 1 2 ");
  EXPECT_EQ(column_text(inner, 2), "1 2 1 2 3 1 2 ");
  const Rows left = run(series_apply(scan_of(*relation), JoinType::kLeft, operation(">", column(1), constant(Datum::int8(1)))));
  ASSERT_TRUE(left.status.ok()) << left.status.error().message;
  EXPECT_EQ(column_text(left, 0), "2 0 - 3 3 2 ");
  EXPECT_EQ(column_text(left, 1), "2 - - 2 3 2 ");
}

TEST(Apply, LargeResultsStream) {
  const auto relation = rows_relation({oid::kInt8}, numbers({1'000'000'000, 5}));
  const Rows got = run(limit_of(series_apply(scan_of(*relation), JoinType::kInner), Datum::int8(5000), Datum::int8(0)));
  ASSERT_TRUE(got.status.ok()) << got.status.error().message;
  ASSERT_EQ(got.rows.size(), 5000U);
  EXPECT_EQ(got.rows[4999][1], Datum::int8(5000));
}

PlanPtr cte_scan(int id, PlanNode::Kind kind = PlanNode::Kind::kCteScan) {
  auto plan = std::make_unique<PlanNode>(kind);
  plan->cte_id = id;
  plan->columns = {{"x", {oid::kInt8, -1}}};
  return plan;
}

PlanPtr with_of(int id, PlanPtr query, PlanPtr main) {
  auto plan = std::make_unique<PlanNode>(PlanNode::Kind::kWith);
  plan->columns = main->columns;
  plan->cte_ids = {id};
  plan->children.push_back(std::move(query));
  plan->children.push_back(std::move(main));
  return plan;
}

/// first UNION [ALL] SELECT next over the working table WHERE condition.
PlanPtr recursion(int id, PlanPtr first, ExprPtr next, ExprPtr condition, bool all) {
  auto plan = over(PlanNode::Kind::kRecursiveUnion, std::move(first));
  plan->cte_id = id;
  plan->set_all = all;
  PlanPtr round = cte_scan(id, PlanNode::Kind::kWorkingTable);
  if (condition != nullptr) round = filter_of(std::move(round), std::move(condition));
  plan->children.push_back(project_of(std::move(round), list(std::move(next))));
  return plan;
}

TEST(With, IsComputedOnceHoweverOftenItIsRead) {
  const auto relation = int8_relation({{1, 2, 3}});
  std::atomic<int> scans{0};
  const auto make = relation->make;
  relation->make = [&, make](size_t morsel) {
    ++scans;
    return make(morsel);
  };
  auto append = std::make_unique<PlanNode>(PlanNode::Kind::kAppend);
  append->columns = {{"x", {oid::kInt8, -1}}};
  for (int i = 0; i < 3; ++i) append->children.push_back(cte_scan(4));
  // Also from a subquery of an expression.
  auto plan = filter_of(std::move(append), subquery(Subquery::Kind::kAny, cte_scan(4), oid::kBool, list(column(0)),
                                                    operation("=", outer(0), column(0))));
  const Rows got = run(with_of(4, scan_of(*relation), std::move(plan)));
  ASSERT_TRUE(got.status.ok()) << got.status.error().message;
  EXPECT_EQ(column_text(got, 0), "1 2 3 1 2 3 1 2 3 ");
  EXPECT_EQ(scans, 1);
}

TEST(With, RecursionCountsAndEnds) {
  const auto one = int8_relation({{1}});
  const auto plan = [&](bool all) {
    return with_of(1, recursion(1, scan_of(*one), operation("+", column(0), constant(Datum::int8(1))), operation("<", column(0), constant(Datum::int8(300))), all),
                   cte_scan(1));
  };
  for (const bool all : {true, false}) {
    const Rows got = run(plan(all));
    ASSERT_TRUE(got.status.ok()) << got.status.error().message;
    ASSERT_EQ(got.rows.size(), 300U);
    EXPECT_EQ(got.rows[299][0], Datum::int8(300));
  }
}

TEST(With, UnionEndsWhereNothingIsNew) {
  // x → (x + 3) % 10 from 1 and 2: every number once.
  const auto start = int8_relation({{1, 2, 1}});
  const Rows got = run(with_of(1, recursion(1, scan_of(*start), operation("%", operation("+", column(0), constant(Datum::int8(3))), constant(Datum::int8(10))), nullptr, false),
                               cte_scan(1)));
  ASSERT_TRUE(got.status.ok()) << got.status.error().message;
  std::set<std::string> seen;
  for (const Row& row : got.rows) EXPECT_TRUE(seen.insert(text_of(row)).second);
  EXPECT_EQ(seen.size(), 10U);
}

TEST(With, ALimitEndsAnEndlessRecursion) {
  const auto one = int8_relation({{1}});
  const auto endless = [&] { return with_of(1, recursion(1, scan_of(*one), operation("+", column(0), constant(Datum::int8(1))), nullptr, true), cte_scan(1)); };
  const Rows got = run(limit_of(endless(), Datum::int8(50), Datum::int8(0)));
  ASSERT_EQ(got.rows.size(), 50U);
  EXPECT_EQ(got.rows[49][0], Datum::int8(50));
  // Without one, memory ends it.
  MemoryPool memory_pool(256 << 20);
  MemoryAccount memory(memory_pool, 1 << 20);
  ExecutionContext context;
  context.memory = &memory;
  const Rows past = run(endless(), context);
  ASSERT_FALSE(past.status.ok());
  EXPECT_EQ(past.status.error().code, sqlstate::kOutOfMemory);
}

TEST(SetOperations, CountRowsAsPostgresDoes) {
  const auto a = rows_relation({oid::kInt8}, numbers({1, 1, 1, 2, 2, 3, std::nullopt, std::nullopt}), 3);
  const auto b = rows_relation({oid::kInt8}, numbers({1, 1, 2, 2, 2, std::nullopt, 4}), 2);
  const auto of = [&](SetOperation operation_kind, bool all) {
    auto plan = over(PlanNode::Kind::kSetOperation, scan_of(*a));
    plan->children.push_back(scan_of(*b));
    plan->set_operation = operation_kind;
    plan->set_all = all;
    std::string text;
    for (const std::string& row : sorted_text(run(std::move(plan)).rows)) text += row;
    return text;
  };
  EXPECT_EQ(of(SetOperation::kIntersect, false), "-|1|2|");
  EXPECT_EQ(of(SetOperation::kIntersect, true), "-|1|1|2|2|");
  EXPECT_EQ(of(SetOperation::kExcept, false), "3|");
  EXPECT_EQ(of(SetOperation::kExcept, true), "-|1|3|");
}

TEST(SetOperations, ManyCopiesComeInBatches) {
  std::vector<int64_t> many(10'000, 7);
  const auto a = int8_relation({many}, kBatchRows), b = int8_relation({{7, 7}});
  auto plan = over(PlanNode::Kind::kSetOperation, scan_of(*a));
  plan->children.push_back(scan_of(*b));
  plan->set_operation = SetOperation::kExcept;
  plan->set_all = true;
  EXPECT_EQ(run(std::move(plan)).rows.size(), 9'998U);
}

PlanPtr project_set(PlanPtr child, std::vector<ExprPtr> limits, JoinType type, bool ordinality) {
  auto plan = over(PlanNode::Kind::kProjectSet, std::move(child));
  for (ExprPtr& limit : limits) {
    SetCall call;
    for (const TableFunction* function : FunctionCatalog::instance().table_functions("generate_series")) {
      if (function->arguments == std::vector<Oid>{oid::kInt8, oid::kInt8}) call.function = function;
    }
    call.arguments = list(constant(Datum::int8(1)), std::move(limit));
    plan->set_calls.push_back(std::move(call));
    plan->columns.push_back({"n", {oid::kInt8, -1}});
  }
  if (ordinality) plan->columns.push_back({"ordinality", {oid::kInt8, -1}});
  plan->ordinality = ordinality;
  plan->join_type = type;
  return plan;
}

TEST(ProjectSet, RunsCallsSideBySide) {
  const auto relation = rows_relation({oid::kInt8}, numbers({2, 0, 3}));
  const Rows inner = run(project_set(scan_of(*relation), list(column(0), constant(Datum::int8(2))), JoinType::kInner, true));
  ASSERT_TRUE(inner.status.ok()) << inner.status.error().message;
  EXPECT_EQ(column_text(inner, 0), "2 2 0 0 3 3 3 ");
  EXPECT_EQ(column_text(inner, 1), "1 2 - - 1 2 3 ");
  EXPECT_EQ(column_text(inner, 2), "1 2 1 2 1 2 - ");
  EXPECT_EQ(column_text(inner, 3), "1 2 1 2 1 2 3 ");
  const Rows left = run(project_set(scan_of(*relation), list(column(0)), JoinType::kLeft, true));
  EXPECT_EQ(column_text(left, 0), "2 2 0 3 3 3 ");
  EXPECT_EQ(column_text(left, 1), "1 2 - 1 2 3 ");
  EXPECT_EQ(column_text(left, 2), "1 2 - 1 2 3 ");
}

TEST(ProjectSet, ResultsOfManyBatches) {
  const auto relation = rows_relation({oid::kInt8}, numbers({5000, 1, 3000}));
  const Rows got = run(project_set(scan_of(*relation), list(column(0), constant(Datum::int8(2))), JoinType::kInner, false));
  ASSERT_EQ(got.rows.size(), 8002U);
  EXPECT_EQ(text_of(got.rows[4999]), "5000|5000|-|");
  EXPECT_EQ(text_of(got.rows[5000]), "1|1|1|");
  EXPECT_EQ(text_of(got.rows[8001]), "3000|3000|-|");
}

}  // namespace
}  // namespace eventd::engine::testing
