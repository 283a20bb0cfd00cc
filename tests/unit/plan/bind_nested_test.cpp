// Shapes of the plans that subqueries, windows, grouping sets, rows and set-returning targets bind
// to. Their answers are in tests/sql.
#include <gtest/gtest.h>

#include "engine/plan/query_level.h"
#include "tests/unit/plan/fake_events.h"

namespace eventd::engine {
namespace {

Result<BoundQuery> try_bind(const std::string& sql) {
  static const FakeRelations relations;
  auto statement = parse_statement(sql);
  if (!statement.ok()) return std::move(statement).take_status();
  return bind_query(std::get<Query>((*statement)->node), relations, {});
}

BoundQuery bound(const std::string& sql) {
  auto result = try_bind(sql);
  EXPECT_TRUE(result.ok()) << sql << ": " << (result.ok() ? "" : result.error().message);
  return result.ok() ? std::move(result).value() : BoundQuery{};
}

const PlanNode* find_node(const PlanNode* node, PlanNode::Kind kind) {
  if (node == nullptr || node->kind == kind) return node;
  for (const PlanPtr& child : node->children) {
    if (const PlanNode* found = find_node(child.get(), kind)) return found;
  }
  return nullptr;
}

int count_nodes(const PlanNode& node, PlanNode::Kind kind) {
  int count = node.kind == kind ? 1 : 0;
  for (const PlanPtr& child : node.children) count += count_nodes(*child, kind);
  return count;
}

// No placeholder of the binder is left in a plan.
void expect_real_columns(const Expr& expression, size_t width) {
  if (expression.kind == Expr::Kind::kColumn) {
    EXPECT_LT(static_cast<size_t>(expression.index), width);
  }
  for (const ExprPtr& child : expression.children) expect_real_columns(*child, width);
}

const Expr& first_target(const BoundQuery& query) {
  return *find_node(query.plan.get(), PlanNode::Kind::kProject)->expressions[0];
}

TEST(BindSubquery, OuterColumnsAreArguments) {
  const BoundQuery query =
      bound("SELECT (SELECT b.cpu_id + a.cpu_id FROM events b WHERE b.sequence = a.sequence) FROM events a");
  const Expr& subquery = first_target(query);
  ASSERT_EQ(subquery.kind, Expr::Kind::kSubquery);
  EXPECT_EQ(subquery.subquery->kind, Subquery::Kind::kScalar);
  ASSERT_EQ(subquery.children.size(), 2u);  // a.cpu_id and a.sequence, each once
  EXPECT_EQ(subquery.children[0]->kind, Expr::Kind::kColumn);
}

TEST(BindSubquery, ArgumentsPassThroughTheLevelsBetween) {
  const BoundQuery query = bound(
      "SELECT EXISTS (SELECT 1 WHERE EXISTS (SELECT 1 WHERE a.cpu_id = 1)) FROM events a");
  const Expr& outer = first_target(query);
  ASSERT_EQ(outer.children.size(), 1u);
  const PlanNode* filter = find_node(outer.subquery->plan.get(), PlanNode::Kind::kFilter);
  ASSERT_NE(filter, nullptr);
  ASSERT_EQ(filter->condition->kind, Expr::Kind::kSubquery);
  ASSERT_EQ(filter->condition->children.size(), 1u);
  EXPECT_EQ(filter->condition->children[0]->kind, Expr::Kind::kOuter);
}

TEST(BindSubquery, AnUncorrelatedInHasOnlyItsLeftSideAsArgument) {
  const BoundQuery query = bound("SELECT cpu_id IN (SELECT origin_class FROM events) FROM events");
  const Expr& any = first_target(query);
  EXPECT_EQ(any.subquery->kind, Subquery::Kind::kAny);
  ASSERT_EQ(any.children.size(), 1u);
  ASSERT_NE(any.subquery->comparison, nullptr);
  EXPECT_EQ(any.subquery->comparison->type.id, oid::kBool);
}

TEST(BindSubquery, AnAggregateBelongsToTheNearestQueryItReads) {
  // count(a.cpu_id) is the outer query's, so that one is a grouped query; the subquery is not.
  const BoundQuery query = bound("SELECT (SELECT count(a.cpu_id)) FROM events a");
  EXPECT_EQ(count_nodes(*query.plan, PlanNode::Kind::kAggregate), 1);
  const Expr& subquery = first_target(query);
  ASSERT_EQ(subquery.children.size(), 1u);  // the count; not a.cpu_id
  EXPECT_EQ(subquery.children[0]->type.id, oid::kInt8);
  EXPECT_EQ(count_nodes(*subquery.subquery->plan, PlanNode::Kind::kAggregate), 0);
  const BoundQuery inner =
      bound("SELECT (SELECT sum(a.cpu_id + b.cpu_id) FROM events b) FROM events a");
  EXPECT_EQ(count_nodes(*inner.plan, PlanNode::Kind::kAggregate), 0);
}

TEST(BindGrouping, EqualAggregatesAreOne) {
  const BoundQuery query = bound(
      "SELECT sum(cpu_id), sum(cpu_id) + 1, count(*) FROM events HAVING sum(cpu_id) > 0 ORDER BY sum(cpu_id)");
  EXPECT_EQ(find_node(query.plan.get(), PlanNode::Kind::kAggregate)->aggregates.size(), 2u);
}

TEST(BindGrouping, SetsAreExpanded) {
  const BoundQuery cube = bound("SELECT event_type, cpu_id FROM events GROUP BY CUBE (event_type, cpu_id)");
  const PlanNode* node = find_node(cube.plan.get(), PlanNode::Kind::kAggregate);
  EXPECT_EQ(node->grouping_sets.size(), 4u);
  EXPECT_EQ(node->columns.size(), 3u);  // two keys and the number of the set
  const BoundQuery product = bound("SELECT 1 FROM events GROUP BY ROLLUP (event_type), ROLLUP (cpu_id)");
  EXPECT_EQ(find_node(product.plan.get(), PlanNode::Kind::kAggregate)->grouping_sets.size(), 4u);
  const BoundQuery plain = bound("SELECT event_type FROM events GROUP BY GROUPING SETS ((event_type))");
  EXPECT_TRUE(find_node(plain.plan.get(), PlanNode::Kind::kAggregate)->grouping_sets.empty());
}

TEST(BindWindow, EqualWindowsShareANode) {
  const BoundQuery query = bound(
      "SELECT row_number() OVER w, rank() OVER (PARTITION BY event_type ORDER BY cpu_id), "
      "sum(cpu_id) OVER (w ROWS 1 PRECEDING), count(*) OVER () FROM events "
      "WINDOW w AS (PARTITION BY event_type ORDER BY cpu_id)");
  EXPECT_EQ(count_nodes(*query.plan, PlanNode::Kind::kWindow), 2);
  const PlanNode* project = find_node(query.plan.get(), PlanNode::Kind::kProject);
  for (const ExprPtr& target : project->expressions) {
    expect_real_columns(*target, project->children[0]->columns.size());
  }
}

TEST(BindWindow, TheLongerOrderComesFirst) {
  const BoundQuery query = bound(
      "SELECT sum(cpu_id) OVER (ORDER BY cpu_id), sum(cpu_id) OVER (ORDER BY cpu_id, sequence) FROM events");
  const PlanNode* upper = find_node(query.plan.get(), PlanNode::Kind::kWindow);
  ASSERT_EQ(upper->children[0]->kind, PlanNode::Kind::kWindow);
  EXPECT_EQ(upper->sort_keys.size(), 1u);
  EXPECT_EQ(upper->children[0]->sort_keys.size(), 2u);
}

TEST(BindWindow, RangeOffsetsHaveTheTypeInRangeTakes) {
  const auto offset_type = [](const std::string& key, const std::string& offset) {
    const BoundQuery query = bound("SELECT count(*) OVER (ORDER BY " + key + " RANGE BETWEEN " +
                                  offset + " PRECEDING AND CURRENT ROW) FROM events");
    const PlanNode* node = find_node(query.plan.get(), PlanNode::Kind::kWindow);
    EXPECT_EQ(node->window_calls[0].frame.end_offset, nullptr);
    return node->window_calls[0].frame.start_offset->type.id;
  };
  EXPECT_EQ(offset_type("cpu_id", "1"), oid::kInt4);
  EXPECT_EQ(offset_type("cpu_id", "1::int8"), oid::kInt8);
  EXPECT_EQ(offset_type("sequence", "1"), oid::kInt8);
  EXPECT_EQ(offset_type("cpu_id::float8", "1"), oid::kFloat8);
  EXPECT_EQ(offset_type("cpu_id::float4", "1.5"), oid::kFloat8);
  EXPECT_EQ(offset_type("cpu_id::numeric", "1"), oid::kNumeric);
  EXPECT_EQ(offset_type("timestamp", "'1 day'"), oid::kInterval);
  EXPECT_EQ(offset_type("timestamp::date", "'1 day'"), oid::kInterval);
}

TEST(BindSetCalls, CallsInArgumentsLieBelow) {
  const BoundQuery query = bound("SELECT generate_series(1, 3), generate_series(1, generate_series(1, 2))");
  const PlanNode* upper = find_node(query.plan.get(), PlanNode::Kind::kProjectSet);
  ASSERT_EQ(upper->children[0]->kind, PlanNode::Kind::kProjectSet);
  EXPECT_EQ(upper->set_calls.size(), 1u);
  EXPECT_EQ(upper->children[0]->set_calls.size(), 2u);
}

TEST(BindSetCalls, GroupingByThemComesAfterThem) {
  const BoundQuery query = bound("SELECT generate_series(1, cpu_id) AS n, count(*) FROM events GROUP BY n");
  const PlanNode* aggregate = find_node(query.plan.get(), PlanNode::Kind::kAggregate);
  ASSERT_NE(aggregate, nullptr);
  EXPECT_EQ(aggregate->children[0]->kind, PlanNode::Kind::kProjectSet);
}

TEST(BindSetCalls, RowsAreSortedBeforeTheyAreMultiplied) {
  const BoundQuery query = bound("SELECT generate_series(1, 2) FROM events ORDER BY sequence");
  const PlanNode* set = find_node(query.plan.get(), PlanNode::Kind::kProjectSet);
  EXPECT_EQ(set->children[0]->kind, PlanNode::Kind::kSort);
  const BoundQuery by_set = bound("SELECT generate_series(1, 2) AS n FROM events ORDER BY n");
  EXPECT_EQ(find_node(by_set.plan.get(), PlanNode::Kind::kSort)->children[0]->kind,
            PlanNode::Kind::kProject);
}

TEST(BindRecord, FieldsOfRowsAtHandAreThemselves) {
  const BoundQuery query = bound("SELECT (e).cpu_id, (ROW(sequence, 1)).f1 FROM events e");
  const PlanNode* project = find_node(query.plan.get(), PlanNode::Kind::kProject);
  EXPECT_EQ(project->expressions[0]->kind, Expr::Kind::kColumn);
  EXPECT_EQ(project->expressions[1]->kind, Expr::Kind::kColumn);
  EXPECT_EQ(query.columns[0].name, "cpu_id");
  EXPECT_EQ(query.columns[1].name, "f1");
}

TEST(BindParameters, TakeTypesFromNewPlaces) {
  const auto types = [](const std::string& sql) { return bound(sql).parameter_types; };
  EXPECT_EQ(types("SELECT $1 IN (SELECT cpu_id FROM events)"), std::vector<Oid>{oid::kInt4});
  EXPECT_EQ(types("SELECT sum(cpu_id) OVER (ORDER BY cpu_id ROWS $1 PRECEDING) FROM events"),
            std::vector<Oid>{oid::kInt8});
  EXPECT_EQ(types("SELECT count(*) OVER (ORDER BY timestamp RANGE $1 PRECEDING) FROM events"),
            std::vector<Oid>{oid::kInterval});
  EXPECT_EQ(types("SELECT 1 FROM events LIMIT $1 OFFSET $2"),
            (std::vector<Oid>{oid::kInt8, oid::kInt8}));
  EXPECT_EQ(types("SELECT (cpu_id, sequence) > ($1, $2) FROM events"),
            (std::vector<Oid>{oid::kInt4, oid::kInt8}));
  EXPECT_EQ(types("SELECT (ARRAY[1, 2])[$1]"), std::vector<Oid>{oid::kInt4});
  EXPECT_EQ(types("SELECT make_interval(days => $1)"), std::vector<Oid>{oid::kInt4});
}

TEST(BindLimits, NestedCopiesAreBounded) {
  // CASE copies its argument for each WHEN: nested ones must not grow without end.
  std::string sql = "(SELECT 1)";
  for (int i = 0; i < 40; ++i) sql = "CASE " + sql + " WHEN 1 THEN 1 WHEN 2 THEN 2 WHEN 3 THEN 3 END";
  const auto result = try_bind("SELECT " + sql);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code.text(), "54001");
}

}  // namespace
}  // namespace eventd::engine
