#include <gtest/gtest.h>

#include "engine/plan/query_planner.h"
#include "engine/plan/statement_splitter.h"

namespace eventd::engine {
namespace {

std::vector<std::string> split(std::string_view sql) {
  auto statements = split_statements(sql);
  EXPECT_TRUE(statements.ok()) << sql;
  std::vector<std::string> texts;
  if (!statements.ok()) return texts;
  for (const StatementText& statement : *statements) {
    EXPECT_EQ(sql.substr(statement.offset, statement.text.size()), statement.text);
    texts.emplace_back(statement.text);
  }
  return texts;
}

using Texts = std::vector<std::string>;

TEST(Splitter, CutsAtTopLevelSemicolons) {
  EXPECT_EQ(split("SELECT 1; SELECT 2"), (Texts{"SELECT 1", "SELECT 2"}));
  EXPECT_EQ(split(" ; ;SELECT 1;;"), (Texts{"SELECT 1"}));
  EXPECT_TRUE(split("").empty());
  EXPECT_TRUE(split("-- ping;\n /* ; */ ;").empty());
}

TEST(Splitter, RespectsQuotes) {
  EXPECT_EQ(split("SELECT 'a;''b'; x").size(), 2u);
  EXPECT_EQ(split("SELECT \"a;\"\"b\"; x").size(), 2u);
  EXPECT_EQ(split("SELECT E'a\\';b'; x").size(), 2u);
  EXPECT_EQ(split("SELECT E'a'\n'\\';b'; x").size(), 2u);
  EXPECT_EQ(split("SELECT 'a\\'; x").size(), 2u);  // standard_conforming_strings
  EXPECT_EQ(split("SELECT $$a;'b$$; x").size(), 2u);
  EXPECT_EQ(split("SELECT $q$a;$$b$q$; x").size(), 2u);
  EXPECT_EQ(split("SELECT $1; SELECT $2").size(), 2u);
  EXPECT_EQ(split("SELECT a$b$; x$b$").size(), 2u);  // $ inside a name
  EXPECT_EQ(split("SELECT /* a; /* b; */ ; */ 1; x").size(), 2u);
  EXPECT_EQ(split("SELECT 1 -- ;\n; x").size(), 2u);
}

TEST(Splitter, ReportsWhatIsNotClosed) {
  const auto message = [](std::string_view sql) {
    auto result = split_statements(sql);
    EXPECT_FALSE(result.ok()) << sql;
    return result.ok() ? std::string() : result.error().message;
  };
  EXPECT_EQ(message("SELECT 'abc"), "unterminated quoted string at or near \"'abc\"");
  EXPECT_EQ(message("SELECT \"abc"), "unterminated quoted identifier at or near \"\"abc\"");
  EXPECT_EQ(message("SELECT $a$ x"), "unterminated dollar-quoted string at or near \"$a$ x\"");
  EXPECT_EQ(message("SELECT /* x"), "unterminated /* comment at or near \"/* x\"");
  auto result = split_statements("SELECT 'é', 'abc");
  EXPECT_EQ(result.error().code, sqlstate::kSyntaxError);
  EXPECT_EQ(result.error().position, 13);
}

TEST(Splitter, EqlBodiesHaveTheirOwnQuotes) {
  EXPECT_EQ(split("EVENTS a WHERE `x;'y` == 'z'; SELECT 1").size(), 2u);
  EXPECT_EQ(split("events a -- it's\n; SELECT 1").size(), 2u);
  EXPECT_EQ(split("EXPLAIN (ANALYZE) LOGS WHERE `;'` == 1; SELECT 1").size(), 2u);
  EXPECT_EQ(split("COPY (METRIC cpu WHERE `)` == \"a;\") TO STDOUT; SELECT 1").size(), 2u);
  EXPECT_EQ(split("PREPARE p AS EVENTS WHERE `;` == $1; x").size(), 2u);
  // A SQL statement that merely mentions the word.
  EXPECT_EQ(split("SELECT * FROM events; x").size(), 2u);
}

TEST(Splitter, FindsEqlBodies) {
  const auto body = [](std::string_view sql) -> std::string {
    auto found = find_eql_body(sql);
    EXPECT_TRUE(found.ok());
    if (!found.ok() || !found->has_value()) return "-";
    return std::string(sql.substr((*found)->begin, (*found)->end - (*found)->begin));
  };
  EXPECT_EQ(body("EVENTS x"), "EVENTS x");
  EXPECT_EQ(body("EXPLAIN ANALYZE VERBOSE EVENTS x"), "EVENTS x");
  EXPECT_EQ(body("PREPARE p(int, text) AS LOGS TAKE 5"), "LOGS TAKE 5");
  EXPECT_EQ(body("COPY (METRIC a WHERE (x IN (1,2))) TO STDOUT"), "METRIC a WHERE (x IN (1,2))");
  EXPECT_EQ(body("SELECT 1"), "-");
  EXPECT_EQ(body("COPY events TO STDOUT"), "-");
  EXPECT_EQ(body("EXPLAIN SELECT * FROM events"), "-");
}

}  // namespace
}  // namespace eventd::engine
