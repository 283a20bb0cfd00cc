#include <gtest/gtest.h>

#include <thread>

#include "engine/limits.h"
#include "engine/plan/ast.h"
#include "engine/plan/query_planner.h"
#include "engine/plan/statement.h"

namespace eventd::engine {
namespace {

std::unique_ptr<Statement> parse(std::string_view sql) {
  auto result = parse_statement(sql);
  EXPECT_TRUE(result.ok()) << sql << ": " << (result.ok() ? "" : result.error().message);
  return result.ok() ? std::move(result).value() : nullptr;
}

Error parse_error(std::string_view sql) {
  auto result = parse_statement(sql);
  EXPECT_FALSE(result.ok()) << sql;
  return result.ok() ? Error{} : std::move(result.error());
}

template <class T>
T& as(Statement& statement) {
  return std::get<T>(statement.node);
}

std::string repeated(std::string_view part, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += part;
  return out;
}

TEST(Parse, SyntaxErrorsHaveThePositionInCharacters) {
  const Error error = parse_error("SELECT 'é' FROM x WHERE ORDER");
  EXPECT_EQ(error.code, sqlstate::kSyntaxError);
  EXPECT_EQ(error.message, "syntax error at or near \"ORDER\"");
  EXPECT_EQ(error.position, 25);
  EXPECT_EQ(parse_error("SELECT FROM WHERE (").message, "syntax error at or near \"WHERE\"");
  EXPECT_EQ(parse_error("SELEC 1").position, 1);
  EXPECT_EQ(parse_error("SELECT (1").message, "syntax error at end of input");
  EXPECT_EQ(parse_error("SELECT (1").position, 10);
}

TEST(Parse, PositionsOfNodesAreCharacters) {
  auto statement = parse("SELECT 'é', x FROM t");
  const SelectAst& select = *as<Query>(*statement).select;
  EXPECT_EQ(select.targets[1].expression->position, 13);
  EXPECT_EQ(select.from[0].position, 20);
}

TEST(Parse, Select) {
  auto statement = parse(
      "SELECT DISTINCT a AS x, count(*) FILTER (WHERE b) FROM s.t AS u(a, b) WHERE a IN (1, 2) "
      "GROUP BY 1, b HAVING count(*) > 1 ORDER BY 1 DESC NULLS LAST LIMIT 5 OFFSET 2");
  const SelectAst& select = *as<Query>(*statement).select;
  EXPECT_TRUE(select.distinct);
  ASSERT_EQ(select.targets.size(), 2u);
  EXPECT_EQ(select.targets[0].name, "x");
  ASSERT_NE(select.targets[1].expression->call, nullptr);
  EXPECT_TRUE(select.targets[1].expression->call->star);
  EXPECT_NE(select.targets[1].expression->call->filter, nullptr);
  EXPECT_EQ(select.from[0].schema, "s");
  EXPECT_EQ(select.from[0].alias, "u");
  EXPECT_EQ(select.from[0].column_aliases.size(), 2u);
  EXPECT_EQ(select.where->kind, AstExpr::Kind::kIn);
  EXPECT_EQ(select.group_by.size(), 2u);
  EXPECT_NE(select.having, nullptr);
  EXPECT_TRUE(select.order_by[0].descending);
  EXPECT_EQ(select.order_by[0].nulls, AstSortItem::Nulls::kLast);
  EXPECT_NE(select.limit, nullptr);
  EXPECT_NE(select.offset, nullptr);
}

TEST(Parse, AndOrAreFlat) {
  auto statement = parse("SELECT a AND (b AND (c AND d)) AND e");
  EXPECT_EQ(as<Query>(*statement).select->targets[0].expression->children.size(), 5u);
}

TEST(Parse, UnionAllIsFlat) {
  auto statement = parse("SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 ORDER BY 1 LIMIT 1");
  const SelectAst& select = *as<Query>(*statement).select;
  EXPECT_EQ(select.arms.size(), 3u);
  EXPECT_EQ(select.arms[0]->targets[0].expression->number, 1);
  EXPECT_EQ(select.order_by.size(), 1u);
}

TEST(Parse, Limits) {
  const auto with_ties = [](const char* sql) {
    return as<Query>(*parse(sql)).select->with_ties;
  };
  EXPECT_FALSE(with_ties("SELECT 1"));
  EXPECT_FALSE(with_ties("SELECT 1 LIMIT 1"));
  EXPECT_FALSE(with_ties("SELECT 1 FETCH FIRST ROW ONLY"));
  EXPECT_TRUE(with_ties("SELECT 1 ORDER BY 1 FETCH FIRST 2 ROWS WITH TIES"));
  EXPECT_EQ(as<Query>(*parse("SELECT 1 LIMIT ALL")).select->limit, nullptr);
}

TEST(Parse, Insert) {
  auto statement = parse(
      "INSERT INTO events (event_type, payload) VALUES ($1, '{}'), (DEFAULT, NULL) RETURNING *, "
      "sequence");
  const auto& insert = as<InsertStatement>(*statement);
  EXPECT_EQ(insert.relation, "events");
  EXPECT_EQ(insert.position, 13);
  EXPECT_EQ(insert.columns, (std::vector<std::string>{"event_type", "payload"}));
  EXPECT_EQ(insert.returning, (std::vector<std::string>{"*", "sequence"}));
  EXPECT_EQ(insert.source.select->values.size(), 2u);
}

TEST(Parse, Copy) {
  auto statement = parse(
      "COPY events (event_type, payload) FROM STDIN WITH (FORMAT csv, HEADER, DELIMITER '|', NULL "
      "'-', FORCE_NULL (payload))");
  const auto& copy = as<CopyStatement>(*statement);
  EXPECT_TRUE(copy.from);
  EXPECT_EQ(copy.format, CopyStatement::Format::kCsv);
  EXPECT_TRUE(copy.header);
  EXPECT_EQ(copy.delimiter, '|');
  EXPECT_EQ(copy.null_text, "-");
  EXPECT_EQ(copy.force_null.size(), 1u);
  EXPECT_EQ(as<CopyStatement>(*parse("COPY t TO STDOUT BINARY")).format,
            CopyStatement::Format::kBinary);
  EXPECT_TRUE(as<CopyStatement>(*parse("COPY (SELECT 1) TO STDOUT CSV HEADER")).query.has_value());
  EXPECT_EQ(parse_error("COPY t FROM '/etc/passwd'").code, sqlstate::kFeatureNotSupported);
  EXPECT_EQ(parse_error("COPY t FROM PROGRAM 'x'").code, sqlstate::kFeatureNotSupported);
}

TEST(Parse, Settings) {
  EXPECT_EQ(as<SetStatement>(*parse("SET datestyle = 'ISO', 'DMY'")).value, "ISO, DMY");
  EXPECT_EQ(as<SetStatement>(*parse("SET LOCAL statement_timeout TO 5000")).value, "5000");
  EXPECT_TRUE(as<SetStatement>(*parse("SET LOCAL statement_timeout TO 5000")).local);
  EXPECT_FALSE(as<SetStatement>(*parse("SET work_mem TO DEFAULT")).value.has_value());
  EXPECT_EQ(as<SetStatement>(*parse("SET TIME ZONE 'UTC'")).name, "timezone");
  EXPECT_EQ(as<SetStatement>(*parse("SET NAMES 'UTF8'")).name, "client_encoding");
  EXPECT_EQ(as<ShowStatement>(*parse("SHOW ALL")).name, "all");
  EXPECT_EQ(as<ShowStatement>(*parse("SHOW TRANSACTION ISOLATION LEVEL")).name,
            "transaction_isolation");
  EXPECT_EQ(as<ResetStatement>(*parse("RESET ALL")).name, "all");
  EXPECT_EQ(as<DiscardStatement>(*parse("DISCARD ALL")).what, DiscardStatement::What::kAll);
  const auto characteristics = parse(
      "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY, ISOLATION LEVEL REPEATABLE READ");
  EXPECT_TRUE(as<SetStatement>(*characteristics).set_transaction);
  EXPECT_EQ(as<SetStatement>(*characteristics).isolation_level, "repeatable read");
  EXPECT_EQ(as<SetStatement>(*characteristics).read_only, true);
  EXPECT_EQ(as<AlterSystemStatement>(*parse("ALTER SYSTEM SET a.b = 5")).value, "5");
}

TEST(Parse, Transactions) {
  const auto begin = parse("BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY");
  EXPECT_EQ(as<TransactionStatement>(*begin).kind, TransactionStatement::Kind::kBegin);
  EXPECT_TRUE(as<TransactionStatement>(*begin).read_only);
  EXPECT_TRUE(as<TransactionStatement>(*begin).repeatable_read);
  EXPECT_EQ(as<TransactionStatement>(*parse("END")).kind, TransactionStatement::Kind::kCommit);
  EXPECT_EQ(as<TransactionStatement>(*parse("ROLLBACK TO s")).savepoint, "s");
  EXPECT_EQ(parse_error("PREPARE TRANSACTION 'x'").code, sqlstate::kFeatureNotSupported);
}

TEST(Parse, PrepareExecuteExplain) {
  const auto prepare = parse("PREPARE p(int, text) AS SELECT $1");
  EXPECT_EQ(as<PrepareStatement>(*prepare).parameter_types,
            (std::vector<Oid>{oid::kInt4, oid::kText}));
  EXPECT_TRUE(std::holds_alternative<Query>(as<PrepareStatement>(*prepare).body->node));
  EXPECT_EQ(as<ExecuteStatement>(*parse("EXECUTE p(1, 'a')")).arguments.size(), 2u);
  EXPECT_TRUE(as<DeallocateStatement>(*parse("DEALLOCATE ALL")).all);
  const auto explain = parse("EXPLAIN (ANALYZE, FORMAT json, COSTS off) SELECT 1");
  EXPECT_TRUE(as<ExplainStatement>(*explain).analyze);
  EXPECT_FALSE(as<ExplainStatement>(*explain).costs);
  EXPECT_EQ(as<ExplainStatement>(*explain).format, ExplainStatement::Format::kJson);
}

TEST(Parse, UnsupportedStatementsAreNamed) {
  EXPECT_EQ(parse_error("CREATE TABLE t (a int)").message, "CREATE TABLE is not supported yet");
  EXPECT_EQ(parse_error("UPDATE t SET a = 1").code, sqlstate::kFeatureNotSupported);
  EXPECT_EQ(parse_error("LISTEN x").message, "LISTEN is not supported yet");
}

// On a small stack, as a worker thread may have: an error, never a crash.
TEST(Parse, DeepNestingIsAnError) {
  std::thread thread([] {
    const auto code = [](const std::string& sql) {
      auto result = parse_statement(sql);
      return result.ok() ? std::string("ok") : std::string(result.error().code.text());
    };
    EXPECT_EQ(code("SELECT 1" + repeated("+1", 500)), "ok");
    EXPECT_EQ(code("SELECT 1" + repeated("+1", 100'000)), "54001");
    EXPECT_EQ(code("SELECT " + repeated("NOT ", 100'000) + "true"), "54001");
    EXPECT_EQ(code("SELECT " + repeated("NOT ", 5'000) + "true"), "54001");
    EXPECT_EQ(code("SELECT " + repeated("- ", 5'000) + "x"), "54001");
    EXPECT_EQ(code("SELECT " + repeated("(", 100'000) + "1" + repeated(")", 100'000)), "54001");
    EXPECT_EQ(code("SELECT 1" + repeated("::int", 100'000)), "54001");
    EXPECT_EQ(code("SELECT " + repeated("f(", 5'000) + "1" + repeated(")", 5'000)), "54001");
    EXPECT_EQ(code("SELECT true" + repeated(" AND true", 60'000)), "ok");
    EXPECT_EQ(code("SELECT true" + repeated(" OR true", 100'000)), "54001");
    EXPECT_EQ(code("SELECT * FROM " + repeated("(SELECT * FROM ", 2'500) + "t" +
                   repeated(") x", 2'500)),
              "54001");
    EXPECT_EQ(code("SELECT 1" + repeated(" UNION ALL SELECT 1", 1'000)), "ok");
    EXPECT_EQ(code("SELECT 1" + repeated(" UNION SELECT 1", 10'000)), "ok");  // binder: 0A000
    EXPECT_EQ(code("SELECT 1 IN (1" + repeated(",1", 100'000) + ")"), "54001");
  });
  thread.join();
}

TEST(Parse, ThreadsDoNotShareState) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 200; ++i) {
        const std::string good = "SELECT " + std::to_string(t * 1000 + i);
        auto result = parse_statement(good);
        ASSERT_TRUE(result.ok());
        EXPECT_EQ(as<Query>(**result).select->targets[0].expression->number, t * 1000 + i);
        EXPECT_FALSE(parse_statement("SELECT (").ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Parse, BadBytesAreErrors) {
  EXPECT_EQ(parse_error(std::string_view("SELECT '\0'", 10)).code,
            sqlstate::kCharacterNotInRepertoire);
  EXPECT_FALSE(parse_statement("").ok());
  EXPECT_FALSE(parse_statement("SELECT 1; SELECT 2").ok());
}

}  // namespace
}  // namespace eventd::engine
