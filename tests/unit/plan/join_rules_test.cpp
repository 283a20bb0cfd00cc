// What the rules make of joins, subqueries and the rest that has more than one input.
#include <gtest/gtest.h>

#include "tests/unit/plan/plan_builder.h"

namespace eventd::engine {
namespace {

const FakeTable& a() {
  static const FakeTable table("a", {"ax", "ay", "az"}, 1000);
  return table;
}
const FakeTable& b() {
  static const FakeTable table("b", {"bx", "by"}, 1000);
  return table;
}
const FakeTable& small() {
  static const FakeTable table("small", {"sx", "sy"}, 10, true);
  return table;
}

std::string optimized(PlanPtr plan) {
  static const CancelToken cancel;
  EvalContext context;
  context.cancel = &cancel;
  auto result = optimize(std::move(plan), {}, context);
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
  return result.ok() ? text(**result) : "";
}

TEST(JoinRules, ConditionsGoToBothSidesOfAnInnerJoin) {
  // a, b WHERE ax = bx AND ay = 5 AND by > 7
  EXPECT_EQ(optimized(filter(join(JoinType::kInner, scan(a()), scan(b()), nullptr),
                             all_of_exprs(exprs(eq(col(0), col(3)), eq(col(1), int8_of(5)),
                                                op(">", col(4), int8_of(7)))))),
            "Join inner c0 = c3\n"
            "  Scan ax ay az [ay = 5]\n"
            "  Scan bx by [by > 7]\n");
}

TEST(JoinRules, EqualColumnsShareTheirConditions) {
  EXPECT_EQ(optimized(filter(join(JoinType::kInner, scan(a()), scan(b()), eq(col(0), col(3))),
                             eq(col(0), int8_of(5)))),
            "Join inner c0 = c3\n"
            "  Scan ax ay az [ax = 5]\n"
            "  Scan bx by [bx = 5]\n");
  // Over three tables.
  EXPECT_EQ(optimized(filter(join(JoinType::kInner,
                                  join(JoinType::kInner, scan(a()), scan(b()), eq(col(0), col(3))),
                                  scan(b()), eq(col(3), col(5))),
                             op("<", col(5), int8_of(9)))),
            "Join inner c3 = c5\n"
            "  Join inner c0 = c3\n"
            "    Scan ax ay az [ax < 9]\n"
            "    Scan bx by [bx < 9]\n"
            "  Scan bx by [bx < 9]\n");
  // The nullable side of an outer join, not the other way round.
  EXPECT_EQ(optimized(filter(join(JoinType::kLeft, scan(a()), scan(b()), eq(col(0), col(3))),
                             eq(col(0), int8_of(5)))),
            "Join left c0 = c3\n"
            "  Scan ax ay az [ax = 5]\n"
            "  Scan bx by [bx = 5]\n");
  EXPECT_EQ(optimized(join(JoinType::kLeft, scan(a()), scan(b()),
                           all_of_exprs(exprs(eq(col(0), col(3)), eq(col(3), int8_of(5)))))),
            "Join left c0 = c3\n"
            "  Scan ax ay az\n"
            "  Scan bx by [bx = 5]\n");
}

TEST(JoinRules, OuterJoinsKeepTheirRows) {
  // ON of the preserved side stays, WHERE of the nullable side stays above unless it is strict.
  EXPECT_EQ(optimized(filter(join(JoinType::kLeft, scan(a()), scan(b()),
                                  all_of_exprs(exprs(eq(col(0), col(3)), eq(col(1), int8_of(5))))),
                             node_of(Expr::Kind::kIsNull, exprs(col(4))))),
            "Filter c4 IS NULL\n"
            "  Join left (c0 = c3 AND c1 = 5)\n"
            "    Scan ax ay az\n"
            "    Scan bx by\n");
  EXPECT_EQ(optimized(filter(join(JoinType::kFull, scan(a()), scan(b()), eq(col(0), col(3))),
                             eq(col(0), int8_of(5)))),
            "Join left c0 = c3\n"
            "  Scan ax ay az [ax = 5]\n"
            "  Scan bx by [bx = 5]\n");
}

TEST(JoinRules, StrictConditionsMakeJoinsInner) {
  for (const JoinType type : {JoinType::kLeft, JoinType::kFull}) {
    const std::string plan = optimized(
        filter(join(type, scan(a()), scan(b()), eq(col(0), col(3))),
               all_of_exprs(exprs(op(">", col(4), int8_of(1)), op(">", col(1), int8_of(2))))));
    EXPECT_EQ(plan,
              "Join inner c0 = c3\n"
              "  Scan ax ay az [ay > 2]\n"
              "  Scan bx by [by > 1]\n");
  }
  // coalesce() is true for NULLs.
  const std::string kept = optimized(
      filter(join(JoinType::kLeft, scan(a()), scan(b()), eq(col(0), col(3))),
             op(">", node_of(Expr::Kind::kCoalesce, exprs(col(4), int8_of(3))), int8_of(1))));
  EXPECT_NE(kept.find("Join left"), kept.npos) << kept;
}

TEST(JoinRules, ExistsAndInBecomeSemiJoins) {
  const auto exists = [] {
    return subquery(Subquery::Kind::kExists, filter(scan(b()), eq(col(0), outer(0))), exprs(col(0)));
  };
  EXPECT_EQ(optimized(filter(scan(a()), exists())),
            "Join semi c3 = c0\n"
            "  Scan ax ay az\n"
            "  Scan bx\n");
  EXPECT_EQ(optimized(filter(scan(a()), node_of(Expr::Kind::kNot, exprs(exists())))),
            "Join anti c3 = c0\n"
            "  Scan ax ay az\n"
            "  Scan bx\n");
  const auto in = [](const Relation& outer_table) {
    return subquery(Subquery::Kind::kAny,
                    project(filter(scan(small()), op(">", col(1), int8_of(3))), exprs(col(0))),
                    exprs(Expr::column(0, outer_table.columns()[0].type)), eq(outer(0), col(0)));
  };
  EXPECT_EQ(optimized(filter(scan(a()), in(a()))),
            "Join semi c0 = c3\n"
            "  Scan ax ay az\n"
            "  Scan sx [sy > 3]\n");
  // NOT IN: only where nothing can be NULL.
  EXPECT_EQ(optimized(filter(scan(a()), node_of(Expr::Kind::kNot, exprs(in(a()))))),
            "Filter NOT subquery(c0)\n"
            "  Scan ax ay az\n");
  EXPECT_EQ(optimized(filter(scan(small()), node_of(Expr::Kind::kNot, exprs(in(small()))))),
            "Join anti c0 = c2\n"
            "  Scan sx sy\n"
            "  Scan sx [sy > 3]\n");
}

TEST(JoinRules, UncorrelatedQueriesStayAndAreOptimized) {
  PlanPtr plan = filter(scan(a()), op(">", col(0), subquery(Subquery::Kind::kScalar,
                                                            group(filter(scan(b()), eq(col(1), int8_of(2))), {}, [] {
                                                              std::vector<AggregateCall> calls;
                                                              calls.push_back(aggregate("max", col(0)));
                                                              return calls;
                                                            }()),
                                                            {})));
  static const CancelToken cancel;
  EvalContext context;
  context.cancel = &cancel;
  auto result = optimize(std::move(plan), {}, context);
  ASSERT_TRUE(result.ok());
  ASSERT_EQ((*result)->kind, PlanNode::Kind::kFilter);
  EXPECT_EQ(text(*(*result)->condition->children[1]->subquery->plan),
            "Aggregate max(c0)\n"
            "  Scan bx [by = 2]\n");
}

TEST(JoinRules, CorrelatedAggregatesBecomeGroupedJoins) {
  std::vector<AggregateCall> calls;
  calls.push_back(aggregate("count"));
  calls.push_back(aggregate("max", col(1)));
  // SELECT ax, (SELECT count(*) + max(by) FROM b WHERE bx = ax) FROM a
  PlanPtr inner = project(group(filter(scan(b()), eq(col(0), outer(0))), {}, std::move(calls)),
                          exprs(op("+", col(0), col(1))));
  EXPECT_EQ(optimized(project(scan(a()), exprs(col(0), subquery(Subquery::Kind::kScalar, std::move(inner),
                                                                exprs(col(0)))))),
            "Project c0 coalesce(c2, 0) + c3\n"
            "  Join left c1 = c0\n"
            "    Scan ax\n"
            "    Aggregate c0 count() max(c1)\n"
            "      Scan bx by\n");
}

TEST(JoinRules, AppliesBecomeJoins) {
  const auto apply = [](JoinType type, PlanPtr right, std::vector<ExprPtr> arguments) {
    PlanPtr node = join(type, scan(a()), std::move(right), nullptr, PlanNode::Kind::kApply);
    node->expressions = std::move(arguments);
    return node;
  };
  EXPECT_EQ(optimized(apply(JoinType::kLeft, scan(b()), {})),
            "Join left\n"
            "  Scan ax ay az\n"
            "  Scan bx by\n");
  EXPECT_EQ(optimized(apply(JoinType::kLeft,
                            project(filter(scan(b()), eq(col(0), outer(0))), exprs(col(1))),
                            exprs(col(0)))),
            "Project c0 c1 c2 c3\n"
            "  Join left c4 = c0\n"
            "    Scan ax ay az\n"
            "    Project c1 c0\n"
            "      Scan bx by\n");
  // The first row of each key, of which there may be many.
  EXPECT_EQ(optimized(apply(JoinType::kLeft,
                            limit(project(sort(filter(scan(b()), eq(col(0), outer(0))), col(1), true),
                                          exprs(col(1))), 1),
                            exprs(col(0)))),
            "Project c0 c1 c2 c3\n"
            "  Join left c4 = c0\n"
            "    Scan ax ay az\n"
            "    Project c1 c0\n"
            "      DistinctOn c0 c0 c1 desc\n"
            "        Scan bx by\n");
  // With LIMIT and no order it has to run for each row.
  EXPECT_EQ(optimized(apply(JoinType::kInner, limit(filter(scan(b()), eq(col(0), outer(0))), 1),
                            exprs(col(0)))),
            "Apply inner c0\n"
            "  Scan ax ay az\n"
            "  Limit 1\n"
            "    Filter c0 = o0\n"
            "      Scan bx by\n");
}

TEST(JoinRules, FunctionsOfARowAreSetCalls) {
  auto series = std::make_unique<PlanNode>(PlanNode::Kind::kTableFunction);
  for (const TableFunction* function : FunctionCatalog::instance().table_functions("generate_series")) {
    if (function->arguments == std::vector<Oid>{oid::kInt8, oid::kInt8}) series->table_function = function;
  }
  ASSERT_NE(series->table_function, nullptr);
  series->columns.push_back({"n", {oid::kInt8, -1}, 0, 0});
  series->expressions = exprs(int8_of(1), outer(0));
  PlanPtr apply = join(JoinType::kInner, scan(a()),
                       project(filter(std::move(series), op(">", col(0), outer(1))), exprs(op("+", col(0), outer(0)))),
                       nullptr, PlanNode::Kind::kApply);
  apply->expressions = exprs(col(0), col(1));
  EXPECT_EQ(optimized(std::move(apply)),
            "Project c0 c1 c2 c3 + c0\n"
            "  Filter c3 > c1\n"
            "    ProjectSet inner generate_series(1, c0)\n"
            "      Scan ax ay az\n");
}

TEST(JoinRules, OnlyColumnsThatAreReadComeThroughJoins) {
  EXPECT_EQ(optimized(project(join(JoinType::kInner, scan(a()), scan(b()), eq(col(1), col(3))), exprs(col(4), col(2)))),
            "Project c3 c1\n"
            "  Join inner c0 = c2\n"
            "    Scan ay az\n"
            "    Scan bx by\n");
}

TEST(JoinRules, PayloadPathsGoThroughJoins) {
  static const FakeEvents events;
  const ScalarFunction* field = nullptr;
  for (const Operator* each : FunctionCatalog::instance().operators("->>")) {
    if (each->left == oid::kJsonb && each->right == oid::kText) field = each->function;
  }
  ASSERT_NE(field, nullptr);
  const auto path = [&](int column, const char* key) {
    return Expr::call(field, {oid::kText, -1}, exprs(col(column, oid::kJsonb), text_of(key)));
  };
  // Columns of a: 0–2; of events: 3–9 with the payload last; of the second events: 10–16.
  PlanPtr plan = join(JoinType::kLeft,
                      join(JoinType::kInner, scan(a()), scan(events), eq(col(0), col(7))), scan(events),
                      eq(path(9, "user"), path(16, "user")));
  EXPECT_EQ(optimized(project(std::move(plan), exprs(path(9, "pid"), col(0)))),
            "Project c2 c0\n"
            "  Join left c3 = c4\n"
            "    Join inner c0 = c1\n"
            "      Scan ax\n"
            "      Scan sequence payload.pid payload.user\n"
            "    Scan payload.user\n");
}

TEST(JoinRules, TheSmallerInputIsTheRightOne) {
  EXPECT_EQ(optimized(join(JoinType::kInner, scan(small()), scan(a()), eq(col(0), col(2)))),
            "Project c3 c4 c0 c1 c2\n"
            "  Join inner c3 = c0\n"
            "    Scan ax ay az\n"
            "    Scan sx sy\n");
  // a × b have nothing in common but both meet small.
  EXPECT_EQ(optimized(project(filter(join(JoinType::kInner, join(JoinType::kInner, scan(a()), scan(b()), nullptr),
                                          scan(small()), nullptr),
                                     all_of_exprs(exprs(eq(col(0), col(5)), eq(col(3), col(6))))),
                              exprs(col(1), col(4)))),
            "Project c1 c5\n"
            "  Join inner c4 = c3\n"
            "    Join inner c0 = c2\n"
            "      Scan ax ay\n"
            "      Scan sx sy\n"
            "    Scan bx by\n");
}

TEST(JoinRules, NothingIsReadWhereNothingCanBe) {
  const auto never = [] { return Expr::constant_of(Datum::boolean(false), {oid::kBool, -1}); };
  EXPECT_EQ(optimized(filter(join(JoinType::kInner, scan(a()), scan(b()), nullptr), never())), "Values\n");
  EXPECT_EQ(optimized(join(JoinType::kLeft, scan(a()), scan(b()), never())),
            "Project c0 c1 c2 NULL NULL\n"
            "  Scan ax ay az\n");
}

TEST(JoinRules, LimitsGoBelowOuterJoinsAndUnions) {
  EXPECT_EQ(optimized(limit(sort(join(JoinType::kLeft, scan(a()), scan(b()), eq(col(0), col(3))), col(1)), 10)),
            "Limit 10\n"
            "  Sort c1\n"
            "    Join left c0 = c3\n"
            "      Limit 10\n"
            "        Sort c1\n"
            "          Scan ax ay az\n"
            "      Scan bx by\n");
  // Not when the order is one of the other side, nor below an inner join.
  EXPECT_EQ(optimized(limit(sort(join(JoinType::kLeft, scan(a()), scan(b()), eq(col(0), col(3))), col(4)), 10)),
            "Limit 10\n"
            "  Sort c4\n"
            "    Join left c0 = c3\n"
            "      Scan ax ay az\n"
            "      Scan bx by\n");
  static const FakeEvents events;
  PlanPtr both = over(PlanNode::Kind::kAppend, scan(events));
  both->children.push_back(scan(events));
  EXPECT_EQ(optimized(limit(sort(project(std::move(both), exprs(col(0, oid::kTimestamptz))), col(0, oid::kTimestamptz), true), 3)),
            "Limit 3\n"
            "  Sort c0 desc\n"
            "    Append\n"
            "      Limit 3\n"
            "        Sort c0 desc\n"
            "          Scan timestamp desc first 3\n"
            "      Limit 3\n"
            "        Sort c0 desc\n"
            "          Scan timestamp desc first 3\n");
}

TEST(JoinRules, FurtherKeysSortTheTies) {
  static const FakeEvents events;
  PlanPtr sorted_events = sort(project(scan(events), exprs(col(0, oid::kTimestamptz), col(4))), col(0, oid::kTimestamptz), true);
  sorted_events->sort_keys.push_back({col(1), true, true, false});
  EXPECT_EQ(optimized(limit(std::move(sorted_events), 5)),
            "Limit 5\n"
            "  Sort c0 desc c1 desc\n"
            "    Limit 5 ties\n"
            "      Sort c0 desc\n"
            "        Scan timestamp sequence desc\n");
}

TEST(JoinRules, ExtremesOfTheOrderColumnAreRowsAtItsEnds) {
  static const FakeEvents events;
  std::vector<AggregateCall> calls;
  calls.push_back(aggregate("min", col(0, oid::kTimestamptz)));
  calls.push_back(aggregate("max", col(0, oid::kTimestamptz)));
  EXPECT_EQ(optimized(group(scan(events), {}, std::move(calls))),
            "Join inner\n"
            "  Aggregate min(c0)\n"
            "    Limit 1\n"
            "      Sort c0\n"
            "        Scan timestamp asc first 1\n"
            "  Aggregate max(c0)\n"
            "    Limit 1\n"
            "      Sort c0 desc\n"
            "        Scan timestamp desc first 1\n");
}

TEST(JoinRules, CommonTableExpressions) {
  const auto cte_scan = [] {
    auto node = std::make_unique<PlanNode>(PlanNode::Kind::kCteScan);
    node->cte_id = 7;
    node->columns = scan(a())->columns;
    return node;
  };
  const auto with = [](PlanPtr query) {
    auto node = std::make_unique<PlanNode>(PlanNode::Kind::kWith);
    node->columns = query->columns;
    node->cte_ids = {7};
    node->children.push_back(scan(a()));
    node->children.push_back(std::move(query));
    return node;
  };
  EXPECT_EQ(optimized(with(project(filter(cte_scan(), eq(col(1), int8_of(4))), exprs(col(0))))),
            "Scan ax [ay = 4]\n");
  // Read twice: only what somebody reads is kept.
  EXPECT_EQ(optimized(with(project(join(JoinType::kInner, cte_scan(), cte_scan(), eq(col(0), col(3))), exprs(col(5))))),
            "With\n"
            "  Scan ax az\n"
            "  Project c2\n"
            "    Join inner c0 = c1\n"
            "      Project c0\n"
            "        CteScan 7\n"
            "      CteScan 7\n");
}

TEST(JoinRules, WindowsPassConditionsOnTheirPartitions) {
  PlanPtr window = over(PlanNode::Kind::kWindow, scan(a()));
  window->group_by = exprs(col(0));
  window->sort_keys.push_back({col(1), false, false, false});
  WindowCall call;
  call.function = FunctionCatalog::instance().window_functions("row_number")[0];
  call.type = {oid::kInt8, -1};
  window->window_calls.push_back(std::move(call));
  window->columns.push_back({"n", {oid::kInt8, -1}, 0, 0});
  EXPECT_EQ(optimized(project(filter(std::move(window), all_of_exprs(exprs(eq(col(0), int8_of(1)), eq(col(1), int8_of(2)),
                                                                           eq(col(3), int8_of(3))))),
                              exprs(col(3)))),
            "Project c2\n"
            "  Filter (c1 = 2 AND c2 = 3)\n"
            "    Window c0 c1\n"
            "      Scan ax ay [ax = 1]\n");
}

}  // namespace
}  // namespace eventd::engine
