#include <gtest/gtest.h>

#include <thread>

#include "engine/plan/ast.h"
#include "tests/unit/plan/fake_events.h"

namespace eventd::engine {
namespace {

Result<BoundQuery> try_bind(const std::string& sql, std::vector<Oid> declared = {}) {
  static const FakeRelations relations;
  auto statement = parse_statement(sql);
  if (!statement.ok()) return std::move(statement).take_status();
  return bind_query(std::get<Query>((*statement)->node), relations, declared);
}

BoundQuery bind(const std::string& sql, std::vector<Oid> declared = {}) {
  auto result = try_bind(sql, std::move(declared));
  EXPECT_TRUE(result.ok()) << sql << ": " << (result.ok() ? "" : result.error().message);
  return result.ok() ? std::move(result).value() : BoundQuery{};
}

Error bind_error_of(const std::string& sql, std::vector<Oid> declared = {}) {
  auto result = try_bind(sql, std::move(declared));
  EXPECT_FALSE(result.ok()) << sql;
  return result.ok() ? Error{} : std::move(result.error());
}

/// "name type, name type".
std::string columns_of(const std::string& sql, std::vector<Oid> declared = {}) {
  std::string text;
  for (const OutputColumn& column : bind(sql, std::move(declared)).columns) {
    if (!text.empty()) text += ", ";
    text += column.name + " " + format_type(column.type);
  }
  return text;
}

void expect_error(const std::string& sql, std::string_view code, const std::string& message,
                  int position) {
  const Error error = bind_error_of(sql);
  EXPECT_EQ(error.code.text(), code) << sql;
  EXPECT_EQ(error.message, message) << sql;
  EXPECT_EQ(error.position, position) << sql;
}

TEST(Bind, LiteralsAndColumnNames) {
  EXPECT_EQ(columns_of("SELECT 1"), "?column? integer");
  EXPECT_EQ(columns_of("SELECT 'a', NULL, true"), "?column? text, ?column? text, ?column? boolean");
  EXPECT_EQ(columns_of("SELECT 3000000000, 1.5"), "?column? bigint, ?column? numeric");
  EXPECT_EQ(columns_of("SELECT '1'::int, CAST(2 AS bigint) AS x"), "int4 integer, x bigint");
  EXPECT_EQ(columns_of("SELECT 'a'::varchar(3)"), "varchar character varying(3)");
  EXPECT_EQ(columns_of("SELECT CASE WHEN true THEN 1 ELSE 2 END"), "case integer");
  EXPECT_EQ(columns_of("SELECT COALESCE(NULL, 'x'), NULLIF(1, 2), GREATEST(1, 2::bigint)"),
            "coalesce text, nullif integer, greatest bigint");
  EXPECT_EQ(columns_of("SELECT lower('A'), ARRAY[1, 2]"), "lower text, array integer[]");
  EXPECT_EQ(columns_of("SELECT timestamp FROM events"), "timestamp timestamp with time zone");
  EXPECT_EQ(columns_of("SELECT e.cpu_id::text FROM events e"), "cpu_id text");
}

TEST(Bind, ColumnsKnowWhereTheyComeFrom) {
  const BoundQuery query = bind("SELECT cpu_id, cpu_id + 1 FROM events");
  EXPECT_EQ(query.columns[0].relation_oid, 4711u);
  EXPECT_EQ(query.columns[0].attribute_number, 4);
  EXPECT_EQ(query.columns[1].relation_oid, 0u);
}

TEST(Bind, OperatorsResolveAsInPostgres) {
  EXPECT_EQ(columns_of("SELECT 1 + 2, 1 + 2::bigint, 1 + '2', 'a' || 'b'"),
            "?column? integer, ?column? bigint, ?column? integer, ?column? text");
  EXPECT_EQ(columns_of("SELECT cpu_id = '5', event_type LIKE 'a%' FROM events"),
            "?column? boolean, ?column? boolean");
  expect_error("SELECT 1 + true", "42883", "operator does not exist: integer + boolean", 10);
  expect_error("SELECT '1' + '2'", "42725", "operator is not unique: unknown + unknown", 12);
  expect_error("SELECT event_type + 1 FROM events", "42883",
               "operator does not exist: text + integer", 19);
}

TEST(Bind, NamesThatAreNot) {
  expect_error("SELECT x FROM events", "42703", "column \"x\" does not exist", 8);
  expect_error("SELECT e.x FROM events e", "42703", "column e.x does not exist", 8);
  expect_error("SELECT y.x FROM events e", "42P01", "missing FROM-clause entry for table \"y\"", 8);
  expect_error("SELECT * FROM nope", "42P01", "relation \"nope\" does not exist", 15);
  expect_error("SELECT nope(1)", "42883", "function nope(integer) does not exist", 8);
  expect_error("SELECT 'a'::nope", "42704", "type \"nope\" does not exist", 13);
  expect_error("SELECT a FROM (SELECT 1 AS a, 2 AS a) x", "42702",
               "column reference \"a\" is ambiguous", 8);
  expect_error("SELECT *", "42601", "SELECT * with no tables specified is not valid", 8);
}

TEST(Bind, LiteralsAreReadWhenBound) {
  expect_error("SELECT 'x'::int", "22P02", "invalid input syntax for type integer: \"x\"", 8);
  expect_error("SELECT cpu_id = 'x' FROM events", "22P02",
               "invalid input syntax for type integer: \"x\"", 17);
}

TEST(Bind, WhereMustBeBoolean) {
  expect_error("SELECT 1 FROM events WHERE cpu_id", "42804",
               "argument of WHERE must be type boolean, not type integer", 28);
  expect_error("SELECT 1 FROM events WHERE count(*) > 1", "42803",
               "aggregate functions are not allowed in WHERE", 28);
}

TEST(Bind, Grouping) {
  EXPECT_EQ(columns_of("SELECT event_type, count(*) FROM events GROUP BY event_type"),
            "event_type text, count bigint");
  EXPECT_EQ(columns_of("SELECT event_type AS t, count(*) AS n FROM events GROUP BY 1 HAVING "
                       "count(*) > 1 ORDER BY n DESC, t"),
            "t text, n bigint");
  EXPECT_EQ(columns_of("SELECT lower(event_type) AS l FROM events GROUP BY l"), "l text");
  EXPECT_EQ(columns_of("SELECT cpu_id + 1 FROM events GROUP BY cpu_id + 1"), "?column? integer");
  EXPECT_EQ(columns_of("SELECT cpu_id + 1 FROM events GROUP BY cpu_id"), "?column? integer");
  expect_error("SELECT cpu_id, count(*) FROM events", "42803",
               "column \"events.cpu_id\" must appear in the GROUP BY clause or be used in an "
               "aggregate function",
               8);
  expect_error("SELECT count(*) FROM events e GROUP BY 5", "42P10",
               "GROUP BY position 5 is not in select list", 40);
  expect_error("SELECT count(count(*)) FROM events", "42803",
               "aggregate function calls cannot be nested", 14);
  expect_error("SELECT 1 FROM events GROUP BY count(*)", "42803",
               "aggregate functions are not allowed in GROUP BY", 31);
}

TEST(Bind, AggregatePlan) {
  const BoundQuery query =
      bind("SELECT cpu_id, count(*) FILTER (WHERE sequence > 5), count(DISTINCT event_type) FROM "
           "events GROUP BY cpu_id");
  const PlanNode& aggregate = *query.plan->children[0];
  ASSERT_EQ(aggregate.kind, PlanNode::Kind::kAggregate);
  ASSERT_EQ(aggregate.aggregates.size(), 2u);
  EXPECT_NE(aggregate.aggregates[0].filter, nullptr);
  EXPECT_TRUE(aggregate.aggregates[1].distinct);
  EXPECT_EQ(query.plan->expressions[1]->index, 1);
  EXPECT_EQ(query.plan->expressions[2]->index, 2);
}

TEST(Bind, OrderByHiddenColumnsAreDropped) {
  const BoundQuery query = bind("SELECT event_type FROM events ORDER BY sequence + 1 LIMIT 3");
  EXPECT_EQ(query.columns.size(), 1u);
  ASSERT_EQ(query.plan->kind, PlanNode::Kind::kProject);
  ASSERT_EQ(query.plan->children[0]->kind, PlanNode::Kind::kLimit);
  EXPECT_EQ(query.plan->children[0]->children[0]->kind, PlanNode::Kind::kSort);
  expect_error("SELECT DISTINCT event_type FROM events ORDER BY cpu_id", "42P10",
               "for SELECT DISTINCT, ORDER BY expressions must appear in select list", 49);
  expect_error("SELECT cpu_id FROM events ORDER BY 2", "42P10",
               "ORDER BY position 2 is not in select list", 36);
}

TEST(Bind, ParametersAreInferred) {
  const auto types = [](const std::string& sql, std::vector<Oid> declared = {}) {
    return bind(sql, std::move(declared)).parameter_types;
  };
  EXPECT_EQ(types("SELECT $1"), (std::vector<Oid>{oid::kText}));
  EXPECT_EQ(types("SELECT $1 + 1"), (std::vector<Oid>{oid::kInt4}));
  EXPECT_EQ(types("SELECT 1 FROM events WHERE timestamp > $1 LIMIT $2"),
            (std::vector<Oid>{oid::kTimestamptz, oid::kInt8}));
  EXPECT_EQ(types("SELECT $1::uuid, $1"), (std::vector<Oid>{oid::kUuid}));
  EXPECT_EQ(types("SELECT event_type = ANY($1) FROM events"), (std::vector<Oid>{oid::kTextArray}));
  EXPECT_EQ(types("SELECT cpu_id IN ($1, $2) FROM events"),
            (std::vector<Oid>{oid::kInt4, oid::kInt4}));
  EXPECT_EQ(types("SELECT $1", {oid::kInt8}), (std::vector<Oid>{oid::kInt8}));
  EXPECT_EQ(types("SELECT $1 + 1", {0}), (std::vector<Oid>{oid::kInt4}));
  EXPECT_EQ(bind_error_of("SELECT $2::int").code, sqlstate::kIndeterminateDatatype);
  EXPECT_EQ(types("SELECT 1 FROM events WHERE $1 IS NULL OR cpu_id = $1"),
            (std::vector<Oid>{oid::kInt4}));
  EXPECT_EQ(bind_error_of("SELECT $1 IS NULL").code, sqlstate::kIndeterminateDatatype);
  EXPECT_EQ(bind_error_of("SELECT $0").code, sqlstate::kUndefinedParameter);
}

TEST(Bind, CommonTypes) {
  EXPECT_EQ(columns_of("VALUES (1, 'a'), (2.5, NULL)"), "column1 numeric, column2 text");
  EXPECT_EQ(columns_of("SELECT 1 AS a, 'x' UNION ALL SELECT 2::bigint, NULL ORDER BY a"),
            "a bigint, ?column? text");
  expect_error("SELECT CASE WHEN true THEN 1 ELSE true END", "42804",
               "CASE types boolean and integer cannot be matched", 28);
  expect_error("VALUES (1), (2, 3)", "42601", "VALUES lists must all be the same length", 14);
  EXPECT_EQ(bind_error_of("SELECT 1 UNION ALL SELECT 1, 2").code, sqlstate::kSyntaxError);
}

TEST(Bind, SubselectsAndTableFunctions) {
  EXPECT_EQ(columns_of("SELECT x.n FROM (SELECT count(*) AS n FROM events) AS x"), "n bigint");
  EXPECT_EQ(columns_of("SELECT * FROM (VALUES (1, 'a')) AS v(id, name)"), "id integer, name text");
  EXPECT_EQ(columns_of("SELECT * FROM generate_series(1, 3) AS i"), "i integer");
  EXPECT_EQ(columns_of("SELECT * FROM generate_series(1, 3::bigint) AS g(x)"), "x bigint");
  expect_error("SELECT * FROM (SELECT 1) AS x(a, b)", "42P10",
               "table \"x\" has 1 columns available but 2 columns specified", 0);
}

TEST(Bind, WhatIsNotThereYetIsNamed) {
  const auto message = [](const std::string& sql) {
    const Error error = bind_error_of(sql);
    EXPECT_EQ(error.code, sqlstate::kFeatureNotSupported) << sql;
    return error.message;
  };
  EXPECT_EQ(message("SELECT 'a' IS DOCUMENT"), "XML is not supported yet");
}

TEST(Bind, Insert) {
  static const FakeRelations relations;
  const auto insert = [&](const std::string& sql) -> Result<BoundQuery> {
    auto statement = parse_statement(sql);
    EXPECT_TRUE(statement.ok());
    return bind_insert(std::get<InsertStatement>((*statement)->node), relations.events(),
                       relations, {});
  };
  auto values = insert("INSERT INTO events (event_type, cpu_id) VALUES ($1, $2), ('x', '7')");
  ASSERT_TRUE(values.ok()) << values.error().message;
  EXPECT_EQ(values->parameter_types, (std::vector<Oid>{oid::kText, oid::kInt4}));
  EXPECT_EQ(values->plan->rows[1][1]->constant, Datum::int4(7));
  EXPECT_TRUE(insert("INSERT INTO events (event_type) SELECT 'x'").ok());
  EXPECT_TRUE(insert("INSERT INTO events (cpu_id) VALUES (7::bigint)").ok());
  const auto code = [&](const std::string& sql) {
    auto result = insert(sql);
    EXPECT_FALSE(result.ok()) << sql;
    return result.ok() ? std::string() : std::string(result.error().code.text());
  };
  EXPECT_EQ(code("INSERT INTO events (nope) VALUES (1)"), "42703");
  EXPECT_EQ(code("INSERT INTO events (cpu_id, cpu_id) VALUES (1, 2)"), "42701");
  EXPECT_EQ(code("INSERT INTO events (cpu_id) VALUES (1, 2)"), "42601");
  EXPECT_EQ(code("INSERT INTO events (cpu_id, event_type) VALUES (1)"), "42601");
  EXPECT_EQ(code("INSERT INTO events (cpu_id) VALUES (true)"), "42804");
  EXPECT_EQ(code("INSERT INTO events (cpu_id) VALUES ('x')"), "22P02");
}

TEST(Bind, LargeExpressionsAreBounded) {
  std::thread thread([] {
    std::string chain = "SELECT 1";
    for (int i = 0; i < 900; ++i) chain += "+1";
    EXPECT_TRUE(try_bind(chain).ok());
    std::string between = "true";
    for (int i = 0; i < 60; ++i) between = "((" + between + ") BETWEEN true AND true)";
    EXPECT_EQ(bind_error_of("SELECT " + between).code, sqlstate::kStatementTooComplex);
  });
  thread.join();
}

}  // namespace
}  // namespace eventd::engine
