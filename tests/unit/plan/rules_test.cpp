#include <gtest/gtest.h>

#include "engine/plan/ast.h"
#include "tests/unit/plan/fake_events.h"

namespace eventd::engine {
namespace {

PlanPtr plan_of(const std::string& sql, std::vector<Datum> parameters = {}) {
  static const FakeRelations relations;
  auto statement = parse_statement(sql);
  EXPECT_TRUE(statement.ok()) << sql;
  auto query = bind_query(std::get<Query>((*statement)->node), relations, {});
  EXPECT_TRUE(query.ok()) << sql << ": " << (query.ok() ? "" : query.error().message);
  if (!query.ok()) return std::make_unique<PlanNode>(PlanNode::Kind::kScan);
  static const CancelToken cancel;
  EvalContext context;
  context.cancel = &cancel;
  auto plan = optimize(std::move(query->plan), parameters, context);
  EXPECT_TRUE(plan.ok()) << sql << ": " << (plan.ok() ? "" : plan.error().message);
  return plan.ok() ? std::move(plan).value() : nullptr;
}

const PlanNode* find(const PlanNode& plan, PlanNode::Kind kind) {
  if (plan.kind == kind) return &plan;
  for (const PlanPtr& child : plan.children) {
    if (const PlanNode* found = find(*child, kind)) return found;
  }
  return nullptr;
}

using Op = ScanPredicate::Op;

TEST(Rules, ConstantsAreFolded) {
  const PlanPtr plan = plan_of("SELECT 1 + 2 * 3, lower('A') || 'b', COALESCE(NULL, 4), $1 + 1",
                               {Datum::int4(41)});
  EXPECT_EQ(plan->expressions[0]->constant, Datum::int4(7));
  EXPECT_EQ(plan->expressions[1]->constant, Datum::text("ab"));
  EXPECT_EQ(plan->expressions[2]->constant, Datum::int4(4));
  EXPECT_EQ(plan->expressions[3]->constant, Datum::int4(42));
}

TEST(Rules, ErrorsWaitForARow) {
  const PlanPtr plan = plan_of("SELECT CASE WHEN cpu_id > 0 THEN 1 / 0 ELSE 1 END FROM events");
  EXPECT_EQ(plan->expressions[0]->kind, Expr::Kind::kCase);
  EXPECT_EQ(plan_of("SELECT CASE WHEN true THEN 1 ELSE 1 / 0 END")->expressions[0]->constant,
            Datum::int4(1));
}

TEST(Rules, ExactPredicatesLeaveNoFilter) {
  const PlanPtr plan = plan_of(
      "SELECT event_type FROM events WHERE cpu_id = 3 AND 5 < sequence AND event_type IN ('a', 'b')");
  EXPECT_EQ(find(*plan, PlanNode::Kind::kFilter), nullptr);
  const PlanNode* scan = find(*plan, PlanNode::Kind::kScan);
  ASSERT_EQ(scan->scan_predicates.size(), 3u);
  EXPECT_EQ(scan->scan_predicates[0].op, Op::kEq);
  EXPECT_EQ(scan->scan_predicates[0].values[0], Datum::int4(3));
  EXPECT_EQ(scan->scan_predicates[1].op, Op::kGreater);
  EXPECT_EQ(scan->scan_predicates[1].values[0], Datum::int8(5));  // int4 literal, int8 column
  EXPECT_EQ(scan->scan_predicates[2].op, Op::kIn);
  EXPECT_EQ(scan->scan_predicates[2].values.size(), 2u);
}

TEST(Rules, PruningPredicatesKeepTheFilter) {
  const PlanPtr plan = plan_of("SELECT 1 FROM events WHERE event_type LIKE 'kacs.%ed'");
  EXPECT_NE(find(*plan, PlanNode::Kind::kFilter), nullptr);
  const PlanNode* scan = find(*plan, PlanNode::Kind::kScan);
  ASSERT_EQ(scan->scan_predicates.size(), 1u);
  EXPECT_EQ(scan->scan_predicates[0].op, Op::kStartsWith);
  EXPECT_EQ(scan->scan_predicates[0].values[0], Datum::text("kacs."));
  EXPECT_TRUE(find(*plan_of("SELECT 1 FROM events WHERE event_type LIKE '%x'"),
                   PlanNode::Kind::kScan)
                  ->scan_predicates.empty());
}

TEST(Rules, ConstantConditions) {
  const PlanPtr none = plan_of("SELECT cpu_id FROM events WHERE 1 = 0");
  EXPECT_EQ(find(*none, PlanNode::Kind::kScan), nullptr);
  const PlanPtr all = plan_of("SELECT cpu_id FROM events WHERE 1 = 1");
  EXPECT_EQ(find(*all, PlanNode::Kind::kFilter), nullptr);
  EXPECT_NE(find(*all, PlanNode::Kind::kScan), nullptr);
}

TEST(Rules, FiltersGoThroughSubselectsGroupsAndUnions) {
  const PlanPtr sub = plan_of(
      "SELECT * FROM (SELECT cpu_id AS c, count(*) AS n FROM events GROUP BY cpu_id) x WHERE c = 2 "
      "AND n > 1");
  EXPECT_EQ(find(*sub, PlanNode::Kind::kScan)->scan_predicates.size(), 1u);
  EXPECT_EQ(find(*sub, PlanNode::Kind::kFilter)->children[0]->kind, PlanNode::Kind::kAggregate);
  const PlanPtr both = plan_of(
      "SELECT * FROM (SELECT cpu_id FROM events UNION ALL SELECT 2) x WHERE cpu_id = 2");
  EXPECT_EQ(find(*both, PlanNode::Kind::kScan)->scan_predicates.size(), 1u);
  // Not below a LIMIT.
  const PlanPtr limited =
      plan_of("SELECT * FROM (SELECT cpu_id FROM events LIMIT 5) x WHERE cpu_id = 2");
  EXPECT_TRUE(find(*limited, PlanNode::Kind::kScan)->scan_predicates.empty());
}

TEST(Rules, OnlyNeededColumnsAreRead) {
  const PlanPtr plan =
      plan_of("SELECT event_type FROM events WHERE process_guid IS NOT NULL ORDER BY sequence");
  const PlanNode* scan = find(*plan, PlanNode::Kind::kScan);
  ASSERT_EQ(scan->scan_columns.size(), 3u);
  EXPECT_EQ(scan->scan_columns[0].column, 1);
  EXPECT_EQ(scan->scan_columns[1].column, 4);
  EXPECT_EQ(scan->scan_columns[2].column, 5);
  EXPECT_EQ(scan->columns.size(), 3u);
  EXPECT_EQ(find(*plan_of("SELECT count(*) FROM events"), PlanNode::Kind::kScan)
                ->scan_columns.size(),
            1u);
}

TEST(Rules, UnusedSubselectColumnsGo) {
  const PlanPtr plan = plan_of("SELECT cpu_id FROM (SELECT * FROM events) x");
  EXPECT_EQ(find(*plan, PlanNode::Kind::kScan)->scan_columns.size(), 1u);
  EXPECT_EQ(plan->columns.size(), 1u);
}

TEST(Rules, NewestRowsComeFromAnOrderedScan) {
  const PlanPtr plan =
      plan_of("SELECT timestamp, event_type FROM events WHERE cpu_id = 1 ORDER BY timestamp DESC "
              "LIMIT 10 OFFSET 5");
  const PlanNode* scan = find(*plan, PlanNode::Kind::kScan);
  ASSERT_TRUE(scan->scan_order.has_value());
  EXPECT_TRUE(scan->scan_order->descending);
  EXPECT_EQ(scan->scan_partition_limit, 15u);
  const PlanPtr residual =
      plan_of("SELECT timestamp FROM events WHERE lower(event_type) = 'x' ORDER BY 1 LIMIT 10");
  scan = find(*residual, PlanNode::Kind::kScan);
  EXPECT_TRUE(scan->scan_order.has_value());
  EXPECT_FALSE(scan->scan_partition_limit.has_value());
  for (const char* sql : {"SELECT timestamp FROM events ORDER BY 1",
                          "SELECT timestamp FROM events ORDER BY sequence LIMIT 3",
                          "SELECT timestamp, count(*) FROM events GROUP BY 1 ORDER BY 1 LIMIT 3"}) {
    EXPECT_FALSE(find(*plan_of(sql), PlanNode::Kind::kScan)->scan_order.has_value()) << sql;
  }
}

TEST(Rules, KeysetPagesAreBoundedByTheirFirstColumn) {
  const auto time = [](int64_t us) { return Datum(oid::kTimestamptz, us); };
  const PlanPtr plan = plan_of(
      "SELECT timestamp, sequence FROM events WHERE timestamp < $1 OR (timestamp = $1 AND sequence < "
      "$2) ORDER BY timestamp DESC, sequence DESC LIMIT 100",
      {time(5'000'000), Datum::int8(7)});
  const PlanNode* scan = find(*plan, PlanNode::Kind::kScan);
  ASSERT_EQ(scan->scan_predicates.size(), 1u);
  EXPECT_EQ(scan->scan_predicates[0].op, Op::kLessEq);
  EXPECT_EQ(scan->scan_predicates[0].values[0], time(5'000'000));
  EXPECT_TRUE(scan->scan_order.has_value());
  EXPECT_NE(find(*plan, PlanNode::Kind::kFilter), nullptr);
}

TEST(Rules, TruncatedTimesAreRanges) {
  const PlanPtr plan = plan_of(
      "SELECT 1 FROM events WHERE date_trunc('hour', timestamp) = '2024-05-01 10:00:00+00'");
  const PlanNode* scan = find(*plan, PlanNode::Kind::kScan);
  ASSERT_EQ(scan->scan_predicates.size(), 2u);
  EXPECT_EQ(scan->scan_predicates[0].op, Op::kGreaterEq);
  EXPECT_EQ(scan->scan_predicates[1].op, Op::kLess);
  EXPECT_NE(find(*plan, PlanNode::Kind::kFilter), nullptr);
  const PlanPtr days = plan_of("SELECT 1 FROM events WHERE timestamp::date >= '2024-05-01'");
  EXPECT_EQ(find(*days, PlanNode::Kind::kScan)->scan_predicates.size(), 1u);
}

TEST(Rules, BranchesThatShareAColumnPrune) {
  const PlanPtr plan = plan_of(
      "SELECT 1 FROM events WHERE (event_type = 'a' AND cpu_id > 3) OR (event_type IN ('b', 'c') "
      "AND sequence = 2)");
  const PlanNode* scan = find(*plan, PlanNode::Kind::kScan);
  ASSERT_EQ(scan->scan_predicates.size(), 1u);
  EXPECT_EQ(scan->scan_predicates[0].op, Op::kIn);
  EXPECT_EQ(scan->scan_predicates[0].values.size(), 3u);
  EXPECT_TRUE(find(*plan_of("SELECT 1 FROM events WHERE event_type = 'a' OR cpu_id > 3"),
                   PlanNode::Kind::kScan)
                  ->scan_predicates.empty());
}

TEST(Rules, ArraysAreLists) {
  const PlanPtr plan =
      plan_of("SELECT 1 FROM events WHERE event_type = ANY (ARRAY['a', 'b']) AND cpu_id = ANY ('{1,2,NULL}')");
  const PlanNode* scan = find(*plan, PlanNode::Kind::kScan);
  ASSERT_EQ(scan->scan_predicates.size(), 2u);
  EXPECT_EQ(scan->scan_predicates[0].values.size(), 2u);
  EXPECT_EQ(scan->scan_predicates[1].values, (std::vector<Datum>{Datum::int4(1), Datum::int4(2)}));
  EXPECT_EQ(find(*plan, PlanNode::Kind::kFilter), nullptr);
}

TEST(Rules, PayloadPathsBecomeScanColumns) {
  const PlanPtr plan = plan_of(
      "SELECT payload->>'user', payload->'a'->>'b' FROM events WHERE payload->>'user' = 'root'");
  const PlanNode* scan = find(*plan, PlanNode::Kind::kScan);
  ASSERT_EQ(scan->scan_columns.size(), 2u);  // payload itself is not read
  EXPECT_EQ(scan->scan_columns[0].path, (std::vector<std::string>{"user"}));
  EXPECT_EQ(scan->scan_columns[0].extract, ScanColumn::Extract::kText);
  EXPECT_EQ(scan->scan_columns[1].path, (std::vector<std::string>{"a", "b"}));
  ASSERT_EQ(scan->scan_predicates.size(), 1u);
  EXPECT_EQ(scan->scan_predicates[0].column, scan->scan_columns[0]);
  // The relation only prunes by it.
  EXPECT_NE(find(*plan, PlanNode::Kind::kFilter), nullptr);
  // A number is an array element in a path, but a field to ->>.
  EXPECT_EQ(find(*plan_of("SELECT payload->>'1' FROM events"), PlanNode::Kind::kScan)
                ->scan_columns[0]
                .extract,
            ScanColumn::Extract::kNone);
}

TEST(Rules, NegativeLimitsAreErrors) {
  static const FakeRelations relations;
  auto statement = parse_statement("SELECT 1 LIMIT -1");
  auto query = bind_query(std::get<Query>((*statement)->node), relations, {});
  ASSERT_TRUE(query.ok());
  auto plan = optimize(std::move(query->plan), {}, EvalContext{});
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error().code, sqlstate::kInvalidRowCountInLimit);
}

}  // namespace
}  // namespace eventd::engine
