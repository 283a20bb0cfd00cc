#include <gtest/gtest.h>

#include <thread>

#include "engine/plan/ast.h"
#include "tests/unit/plan/fake_events.h"

namespace eventd::engine {
namespace {

Result<BoundQuery> try_from(const std::string& sql) {
  static const FakeRelations relations;
  auto statement = parse_statement(sql);
  if (!statement.ok()) return std::move(statement).take_status();
  return bind_query(std::get<Query>((*statement)->node), relations, {});
}

/// "name type, name type", or the error as "42P01 message @position".
std::string result_of(const std::string& sql) {
  auto query = try_from(sql);
  if (!query.ok()) {
    const Error& error = query.error();
    return std::string(error.code.text()) + " " + error.message + " @" +
           std::to_string(error.position);
  }
  std::string text;
  for (const OutputColumn& column : query->columns) {
    if (!text.empty()) text += ", ";
    text += column.name + " " + format_type(column.type);
  }
  return text;
}

std::string hint_of(const std::string& sql) {
  auto query = try_from(sql);
  return query.ok() ? "" : query.error().hint;
}

std::string kind_of(const PlanNode& node) {
  static constexpr const char* kJoins[] = {"inner", "left", "right", "full", "semi", "anti"};
  using Kind = PlanNode::Kind;
  switch (node.kind) {
    case Kind::kScan: return "Scan";
    case Kind::kValues: return "Values";
    case Kind::kFilter: return "Filter";
    case Kind::kProject: return "Project";
    case Kind::kAggregate: return "Aggregate";
    case Kind::kDistinct: return "Distinct";
    case Kind::kDistinctOn: return "DistinctOn";
    case Kind::kSort: return "Sort";
    case Kind::kLimit: return "Limit";
    case Kind::kTableFunction: return "Function";
    case Kind::kAppend: return "Append";
    case Kind::kJoin: return std::string("Join ") + kJoins[static_cast<int>(node.join_type)];
    case Kind::kApply: return std::string("Apply ") + kJoins[static_cast<int>(node.join_type)];
    case Kind::kProjectSet:
      return std::string("ProjectSet") + (node.join_type == JoinType::kLeft ? " left" : "");
    case Kind::kWindow: return "Window";
    case Kind::kSetOperation:
      return std::string(node.set_operation == SetOperation::kExcept ? "Except" : "Intersect") +
             (node.set_all ? " all" : "");
    case Kind::kRecursiveUnion: return node.set_all ? "Recursive all" : "Recursive";
    case Kind::kWorkingTable: return "Working";
    case Kind::kWith: return "With";
    case Kind::kCteScan: return "Cte";
    case Kind::kGapFill: return "GapFill";
  }
  return "?";
}

/// "Project(Join inner(Scan, Scan))".
std::string shape_of(const PlanNode& node) {
  std::string text = kind_of(node);
  if (node.children.empty()) return text;
  text += "(";
  for (size_t i = 0; i < node.children.size(); ++i) {
    text += (i == 0 ? "" : ", ") + shape_of(*node.children[i]);
  }
  return text + ")";
}

std::string shape(const std::string& sql) {
  auto query = try_from(sql);
  EXPECT_TRUE(query.ok()) << sql << ": " << (query.ok() ? "" : query.error().message);
  return query.ok() ? shape_of(*query->plan) : "";
}

constexpr const char* kA = "(VALUES (1, 'a')) AS a(x, y)";
constexpr const char* kB = "(VALUES (2::bigint, true)) AS b(x, z)";

std::string from(const std::string& targets, const std::string& join) {
  return "SELECT " + targets + " FROM " + kA + " " + join;
}

TEST(BindFrom, Joins) {
  const std::string on = std::string("JOIN ") + kB + " ON a.x = b.x";
  EXPECT_EQ(result_of(from("*", on)), "x integer, y text, x bigint, z boolean");
  EXPECT_EQ(shape(from("*", on)), "Project(Join inner(Values, Values))");
  EXPECT_EQ(shape(from("*", "LEFT " + on)), "Project(Join left(Values, Values))");
  EXPECT_EQ(shape(from("*", "RIGHT " + on)), "Project(Join right(Values, Values))");
  EXPECT_EQ(shape(from("*", "FULL " + on)), "Project(Join full(Values, Values))");
  EXPECT_EQ(shape(from("*", std::string("CROSS JOIN ") + kB)),
            "Project(Join inner(Values, Values))");
  EXPECT_EQ(result_of(from("z, b.*, a.y", std::string(", ") + kB)),
            "z boolean, x bigint, z boolean, y text");
  EXPECT_EQ(result_of("SELECT * FROM (" + std::string(kA) + " JOIN " + kB +
                      " ON true) AS j(k, l)"),
            "k integer, l text, x bigint, z boolean");
}

TEST(BindFrom, UsingMergesColumns) {
  const std::string b = kB;
  EXPECT_EQ(result_of(from("*", "JOIN " + b + " USING (x)")), "x bigint, y text, z boolean");
  EXPECT_EQ(result_of(from("*, a.x, b.x", "FULL JOIN " + b + " USING (x)")),
            "x bigint, y text, z boolean, x integer, x bigint");
  EXPECT_EQ(result_of(from("x, a.*", "NATURAL LEFT JOIN " + b)), "x bigint, x integer, y text");
  EXPECT_EQ(result_of(from("u.*", "JOIN " + b + " USING (x) AS u")), "x bigint");
  EXPECT_EQ(result_of(from("1", "JOIN " + b + " USING (q)")),
            "42703 column \"q\" specified in USING clause does not exist in left table @0");
  EXPECT_EQ(result_of(from("1", "JOIN " + b + " USING (x, x)")),
            "42701 column name \"x\" appears more than once in USING clause @0");
  // Both columns side by side, and what a third join merges them with.
  EXPECT_EQ(result_of(from("*", "JOIN " + b + " USING (x) JOIN (VALUES (1.5)) c(x) USING (x)")),
            "x numeric, y text, z boolean");
}

TEST(BindFrom, NamesThatMayNotBeUsed) {
  const std::string e = "FROM events a, events b LEFT JOIN events c ON a.cpu_id = c.cpu_id";
  EXPECT_EQ(result_of("SELECT 1 " + e),
            "42P01 invalid reference to FROM-clause entry for table \"a\" @56");
  EXPECT_EQ(hint_of("SELECT 1 " + e),
            "There is an entry for table \"a\", but it cannot be referenced from this part of the "
            "query.");
  EXPECT_EQ(hint_of("SELECT 1 FROM events a, (SELECT cpu_id) s"),
            "There is a column named \"cpu_id\" in table \"a\", but it cannot be referenced from "
            "this part of the query.");
  EXPECT_EQ(hint_of("SELECT events.cpu_id FROM events e"),
            "Perhaps you meant to reference the table alias \"e\".");
  EXPECT_EQ(result_of("SELECT 1 FROM events a, events a"),
            "42712 table name \"a\" specified more than once @0");
  EXPECT_EQ(result_of("SELECT cpu_id FROM events a, events b"),
            "42702 column reference \"cpu_id\" is ambiguous @8");
  EXPECT_EQ(result_of("SELECT * FROM events a RIGHT JOIN LATERAL (SELECT a.cpu_id) s ON true"),
            "42P10 invalid reference to FROM-clause entry for table \"a\" @51");
}

TEST(BindFrom, Lateral) {
  EXPECT_EQ(shape(from("*", ", LATERAL (SELECT a.x + 1) s")),
            "Project(Apply inner(Values, Project(Values)))");
  EXPECT_EQ(shape(from("*", "LEFT JOIN LATERAL (SELECT a.x WHERE a.x > 1) s ON true")),
            "Project(Apply left(Values, Project(Filter(Values))))");
  EXPECT_EQ(shape(from("*", ", LATERAL (SELECT 1) s")),
            "Project(Join inner(Values, Project(Values)))");
  EXPECT_EQ(shape(from("*", ", generate_series(1, a.x)")), "Project(ProjectSet(Values))");
  EXPECT_EQ(shape(from("*", "LEFT JOIN generate_series(1, a.x) ON true")),
            "Project(ProjectSet left(Values))");
  EXPECT_EQ(shape(from("*", "LEFT JOIN generate_series(1, a.x) g ON g > 1")),
            "Project(Apply left(Values, Function))");
  EXPECT_EQ(shape(from("*", ", generate_series(1, 2)")),
            "Project(Join inner(Values, Function))");
  EXPECT_EQ(shape(from("*", ", (events e JOIN generate_series(1, a.x) g ON true)")),
            "Project(Apply inner(Values, Join inner(Scan, Function)))");
}

TEST(BindFrom, Functions) {
  EXPECT_EQ(result_of("SELECT * FROM generate_series(1, 2) AS i"), "i integer");
  EXPECT_EQ(result_of("SELECT * FROM generate_series(1, 2) WITH ORDINALITY AS t(a)"),
            "a integer, ordinality bigint");
  EXPECT_EQ(result_of("SELECT * FROM ROWS FROM (generate_series(1, 2), upper('a')) AS t"),
            "generate_series integer, upper text");
  EXPECT_EQ(result_of("SELECT * FROM unnest(ARRAY[1], ARRAY['a']) AS t(a, b)"),
            "a integer, b text");
  EXPECT_EQ(result_of("SELECT * FROM upper('a')"), "upper text");
  EXPECT_EQ(result_of("SELECT * FROM generate_series(1, generate_series(1, 2))"),
            "0A000 set-returning functions must appear at top level of FROM @34");
  EXPECT_EQ(result_of("SELECT e.cpu_id FROM eql('EVENTS a.* TAKE 1') e"), "cpu_id integer");
}

TEST(BindWith, PlaceOfUse) {
  EXPECT_EQ(shape("WITH t AS (SELECT 1 AS a) SELECT * FROM t"), "Project(Project(Values))");
  EXPECT_EQ(shape("WITH t AS MATERIALIZED (SELECT 1 AS a) SELECT * FROM t"),
            "With(Project(Values), Project(Cte))");
  EXPECT_EQ(shape("WITH t AS (SELECT 1 AS a) SELECT * FROM t, t u"),
            "With(Project(Values), Project(Join inner(Cte, Cte)))");
  EXPECT_EQ(shape("WITH t AS NOT MATERIALIZED (SELECT 1 AS a) SELECT * FROM t, t u"),
            "Project(Join inner(Project(Values), Project(Values)))");
  EXPECT_EQ(shape("WITH t AS (SELECT random()) SELECT * FROM t"),
            "With(Project(Values), Project(Cte))");
  EXPECT_EQ(shape("WITH t AS (SELECT 1), u AS (SELECT * FROM t) SELECT 2"), "Project(Values)");
  EXPECT_EQ(shape("WITH t AS (SELECT 1), u AS (SELECT * FROM t) SELECT * FROM u"),
            "Project(Project(Project(Values)))");
  EXPECT_EQ(shape("SELECT (WITH t AS (SELECT a.x) SELECT * FROM t) FROM " + std::string(kA)),
            "Project(Values)");
  EXPECT_EQ(result_of("WITH events(a) AS (SELECT 1) SELECT * FROM events"), "a integer");
  EXPECT_EQ(result_of("WITH t(a) AS (SELECT 1, 2) SELECT u.* FROM t AS u(x)"),
            "x integer, ?column? integer");
}

TEST(BindWith, Errors) {
  EXPECT_EQ(result_of("WITH t AS (SELECT * FROM t) SELECT 1"),
            "42P01 relation \"t\" does not exist @26");
  EXPECT_EQ(result_of("WITH t AS (SELECT 1), t AS (SELECT 2) SELECT 1"),
            "42712 WITH query name \"t\" specified more than once @23");
  EXPECT_EQ(result_of("WITH t(a, b) AS (SELECT 1) SELECT 1"),
            "42P10 WITH query \"t\" has 1 columns available but 2 columns specified @6");
  EXPECT_EQ(result_of("WITH t AS (DELETE FROM events) SELECT 1").substr(0, 5), "0A000");
}

TEST(BindWith, Recursion) {
  const auto recursive = [](const std::string& body) {
    return "WITH RECURSIVE t(n) AS (" + body + ") SELECT * FROM t";
  };
  EXPECT_EQ(shape(recursive("SELECT 1 UNION ALL SELECT n + 1 FROM t")),
            "Project(Recursive all(Project(Values), Project(Working)))");
  EXPECT_EQ(shape(recursive("SELECT 1 UNION SELECT 2")),
            "Project(Distinct(Append(Project(Values), Project(Values))))");
  EXPECT_EQ(shape("WITH RECURSIVE a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a"),
            "Project(Project(Project(Values)))");
  EXPECT_EQ(result_of(recursive("SELECT '1' UNION ALL SELECT n || 'x' FROM t")), "n text");
  EXPECT_EQ(result_of(recursive("SELECT 1 UNION ALL SELECT n + 1.5 FROM t")),
            "42804 recursive query \"t\" column 1 has type integer in non-recursive term but type "
            "numeric overall @32");
  EXPECT_EQ(result_of(recursive("SELECT n FROM t UNION ALL SELECT n FROM t")),
            "42P19 recursive reference to query \"t\" must not appear within its non-recursive "
            "term @39");
  EXPECT_EQ(result_of(recursive("SELECT n FROM t")),
            "42P19 recursive query \"t\" does not have the form non-recursive-term UNION [ALL] "
            "recursive-term @16");
  const std::string right = "SELECT 1 UNION ALL ";
  EXPECT_EQ(result_of(recursive(right + "SELECT 1 WHERE EXISTS (SELECT 1 FROM t)")),
            "42P19 recursive reference to query \"t\" must not appear within a subquery @81");
  EXPECT_EQ(result_of(recursive(right + "SELECT 1 FROM events LEFT JOIN t ON true")),
            "42P19 recursive reference to query \"t\" must not appear within an outer join @75");
  EXPECT_EQ(result_of(recursive(right + "SELECT 1 FROM t, t u")),
            "42P19 recursive reference to query \"t\" must not appear more than once @61");
  EXPECT_EQ(result_of(recursive(right + "SELECT count(*) FROM t")),
            "42P19 aggregate functions are not allowed in a recursive query's recursive term @51");
  EXPECT_EQ(result_of(recursive(right + "SELECT n FROM t ORDER BY 1")),
            "0A000 ORDER BY in a recursive query is not implemented @69");
  EXPECT_EQ(result_of("WITH RECURSIVE a AS (SELECT * FROM b), b AS (SELECT * FROM a) SELECT 1"),
            "0A000 mutual recursion between WITH items is not implemented @16");
}

TEST(BindWith, SearchAndCycle) {
  const auto recursive = [](const std::string& clause) {
    return "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 3) " + clause +
           " SELECT * FROM t";
  };
  EXPECT_EQ(result_of(recursive("SEARCH DEPTH FIRST BY n SET s")), "n integer, s record[]");
  EXPECT_EQ(result_of(recursive("SEARCH BREADTH FIRST BY n SET s")), "n integer, s record");
  EXPECT_EQ(result_of(recursive("CYCLE n SET c USING p")),
            "n integer, c boolean, p record[]");
  EXPECT_EQ(result_of(recursive("CYCLE n SET c TO 'y' DEFAULT 'n' USING p")),
            "n integer, c text, p record[]");
  EXPECT_EQ(result_of(recursive("SEARCH DEPTH FIRST BY m SET s")),
            "42601 search column \"m\" not in WITH query column list @77");
}

TEST(BindSetOperation, TypesAndErrors) {
  EXPECT_EQ(result_of("SELECT 1 AS a UNION SELECT 2.5"), "a numeric");
  EXPECT_EQ(shape("SELECT 1 UNION SELECT 2"),
            "Distinct(Append(Project(Values), Project(Values)))");
  EXPECT_EQ(shape("SELECT 1 INTERSECT SELECT 2 INTERSECT SELECT 3"),
            "Intersect(Intersect(Project(Values), Project(Values)), Project(Values))");
  EXPECT_EQ(shape("SELECT 1 EXCEPT ALL SELECT 2"), "Except all(Project(Values), Project(Values))");
  EXPECT_EQ(result_of("SELECT 'a' UNION SELECT 'b' UNION SELECT 3"),
            "42804 UNION types text and integer cannot be matched @42");
  EXPECT_EQ(result_of("SELECT 1 INTERSECT SELECT true"),
            "42804 INTERSECT types integer and boolean cannot be matched @27");
  EXPECT_EQ(result_of("SELECT 1 UNION SELECT 2, 3"),
            "42601 each UNION query must have the same number of columns @23");
  EXPECT_EQ(result_of("SELECT 1 AS q UNION SELECT 2 ORDER BY q + 1"),
            "0A000 invalid UNION/INTERSECT/EXCEPT ORDER BY clause @39");
}

TEST(BindSetOperation, ManyArms) {
  std::thread thread([] {  // with the stack of a worker
    const auto chain = [](const char* operation, int count) {
      std::string sql = "SELECT 1";
      for (int i = 0; i < count; ++i) sql += std::string(" ") + operation + " SELECT 1";
      auto query = try_from(sql);
      return query.ok() ? std::string("ok") : std::string(query.error().code.text());
    };
    EXPECT_EQ(chain("UNION ALL", 10'000), "ok");
    EXPECT_EQ(chain("UNION", 10'000), "ok");
    EXPECT_EQ(chain("EXCEPT", 10'000), "54001");
  });
  thread.join();
}

TEST(BindDistinctOn, KeysAndOrder) {
  const std::string on = "SELECT DISTINCT ON (cpu_id) cpu_id, sequence FROM events ";
  EXPECT_EQ(shape(on), "DistinctOn(Project(Scan))");
  EXPECT_EQ(shape(on + "ORDER BY cpu_id DESC, event_type LIMIT 1"),
            "Project(Limit(DistinctOn(Project(Scan))))");
  auto query = try_from(on + "ORDER BY cpu_id DESC, sequence");
  ASSERT_TRUE(query.ok());
  ASSERT_EQ(query->plan->sort_keys.size(), 2u);
  EXPECT_TRUE(query->plan->sort_keys[0].descending);
  EXPECT_EQ(result_of(on + "ORDER BY sequence"),
            "42P10 SELECT DISTINCT ON expressions must match initial ORDER BY expressions @21");
}

TEST(BindValues, OrderBy) {
  EXPECT_EQ(shape("VALUES (1), (2) ORDER BY column1 + 1 LIMIT 1"),
            "Project(Limit(Sort(Project(Values))))");
  EXPECT_EQ(result_of("SELECT cpu_id FROM events LIMIT cpu_id"),
            "42P10 argument of LIMIT must not contain variables @33");
}

}  // namespace
}  // namespace eventd::engine
