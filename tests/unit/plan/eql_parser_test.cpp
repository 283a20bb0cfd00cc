#include "engine/plan/eql_parser.h"

#include <gtest/gtest.h>

namespace eventd::engine {
namespace {

using Kind = EqlCondition::Kind;
using LiteralKind = EqlLiteral::Kind;

std::unique_ptr<EqlAst> parsed(std::string_view text) {
  auto result = parse_eql(text);
  EXPECT_TRUE(result.ok()) << text << ": " << (result.ok() ? "" : result.error().message);
  return result.ok() ? std::move(result).value() : std::make_unique<EqlAst>();
}

TEST(EqlParser, ClausesInAnyOrderAndAnyCase) {
  const auto query = parsed(
      "events kacs.* take 5 where a == 1 select timestamp, a.b since 2h ago sort a desc, b skip 2 "
      "until now where b != 'x' select c");
  EXPECT_EQ(*query->pattern, "kacs.*");
  EXPECT_EQ(query->take->integer, 5);
  EXPECT_EQ(query->skip->integer, 2);
  EXPECT_EQ(query->since->kind, LiteralKind::kRelative);
  EXPECT_EQ(query->since->integer, -7'200'000'000'000);
  EXPECT_EQ(query->until->integer, 0);
  EXPECT_EQ(query->where.size(), 2u);
  ASSERT_EQ(query->sort.size(), 2u);
  EXPECT_TRUE(query->sort[0].descending);
  EXPECT_FALSE(query->sort[1].descending);
  ASSERT_EQ(query->select.size(), 3u);  // several SELECTs add up
  EXPECT_EQ(query->select[1].path, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(query->select[2].text, "c");
}

TEST(EqlParser, Patterns) {
  EXPECT_FALSE(parsed("EVENTS")->pattern.has_value());
  EXPECT_EQ(*parsed("EVENTS 'a b*'")->pattern, "a b*");
  EXPECT_EQ(*parsed("EVENTS `since`")->pattern, "since");
  EXPECT_FALSE(parsed("EVENTS SINCE now")->pattern.has_value());
  EXPECT_EQ(*parsed("EVENTS *.denied")->pattern, "*.denied");
}

TEST(EqlParser, Times) {
  const auto since = [](const char* text) { return *parsed(std::string("EVENTS SINCE ") + text)->since; };
  EXPECT_EQ(since("3d hence").integer, 259'200'000'000'000);
  EXPECT_EQ(since("today").kind, LiteralKind::kToday);
  EXPECT_EQ(since("yesterday").integer, -1);
  EXPECT_EQ(since("2024-05-01T10:00:00+02:00").kind, LiteralKind::kTime);
  EXPECT_EQ(since("'2024-05-01'").kind, LiteralKind::kTime);
  EXPECT_EQ(since("$3").integer, 3);
}

TEST(EqlParser, AndBindsTighterThanOr) {
  const auto query = parsed("EVENTS WHERE a == 1 OR b == 2 AND c == 3");
  const EqlCondition& condition = *query->where[0];
  ASSERT_EQ(condition.kind, Kind::kOr);
  ASSERT_EQ(condition.children.size(), 2u);
  EXPECT_EQ(condition.children[1]->kind, Kind::kAnd);
  const auto grouped = parsed("EVENTS WHERE (a == 1 OR b == 2) AND c == 3");
  EXPECT_EQ(grouped->where[0]->kind, Kind::kAnd);
  EXPECT_EQ(grouped->where[0]->children[0]->kind, Kind::kOr);
}

TEST(EqlParser, Operators) {
  const struct {
    const char* text;
    Kind kind;
    size_t values;
  } kCases[] = {{"a == 1", Kind::kEq, 1},
                {"a = 1", Kind::kEq, 1},
                {"a != 1.5", Kind::kNotEq, 1},
                {"a < 1", Kind::kLess, 1},
                {"a<=1", Kind::kLessEq, 1},
                {"a > 1", Kind::kGreater, 1},
                {"a>=0x10", Kind::kGreaterEq, 1},
                {"a STARTS_WITH 'x'", Kind::kStartsWith, 1},
                {"a ends_with \"x\"", Kind::kEndsWith, 1},
                {"a CONTAINS 'x'", Kind::kContains, 1},
                {"a HAS 5", Kind::kHas, 1},
                {"a IN (1, 'x', true)", Kind::kIn, 3},
                {"a NOT_IN ($1)", Kind::kNotIn, 1},
                {"a IS NULL", Kind::kIsNull, 0},
                {"a is not null", Kind::kIsNotNull, 0},
                {"event == 1", Kind::kEq, 1},
                {"metric IN (1)", Kind::kIn, 1},
                {"log IS NULL", Kind::kIsNull, 0}};
  for (const auto& entry : kCases) {
    const auto query = parsed(std::string("EVENTS WHERE ") + entry.text);
    ASSERT_EQ(query->where.size(), 1u) << entry.text;
    EXPECT_EQ(query->where[0]->kind, entry.kind) << entry.text;
    EXPECT_EQ(query->where[0]->values.size(), entry.values) << entry.text;
  }
}

TEST(EqlParser, Fields) {
  const auto field = [](const char* text) { return parsed(std::string("EVENTS SELECT ") + text)->select[0]; };
  using Path = std::vector<std::string>;
  EXPECT_EQ(field("a.b.c").path, (Path{"a", "b", "c"}));
  EXPECT_EQ(field("a.`b.c`.d").path, (Path{"a", "b.c", "d"}));
  EXPECT_EQ(field("`x y`.z").path, (Path{"x y", "z"}));
  EXPECT_EQ(field("`a`.`b`").path, (Path{"a", "b"}));
  EXPECT_TRUE(field("`timestamp`").quoted_first);
  EXPECT_FALSE(field("payload.timestamp").quoted_first);
  EXPECT_EQ(field("`take`").path, Path{"take"});
}

TEST(EqlParser, Aggregates) {
  using Aggregate = EqlAggregate::Kind;
  using Function = EqlAggregate::Function;
  EXPECT_EQ(parsed("EVENTS COUNT BY a")->aggregate->kind, Aggregate::kCountBy);
  const auto top = parsed("EVENTS x TOP 5 BY a.b SINCE 1h ago");
  EXPECT_EQ(top->aggregate->kind, Aggregate::kTop);
  EXPECT_EQ(top->aggregate->top->integer, 5);
  EXPECT_EQ(parsed("EVENTS DISTINCT a")->aggregate->kind, Aggregate::kDistinct);
  const auto group = parsed("EVENTS GROUP a, b AVG c.d TAKE 3");
  EXPECT_EQ(group->aggregate->fields.size(), 2u);
  EXPECT_EQ(group->aggregate->function, Function::kAvg);
  EXPECT_EQ(group->aggregate->argument.text, "c.d");
  EXPECT_EQ(parsed("EVENTS GROUP a COUNT")->aggregate->function, Function::kCount);
}

TEST(EqlParser, Errors) {
  const struct {
    const char* text;
    int position;
    const char* message;
  } kCases[] = {
      {"EVENTS WHERE", 13, "end of input"},
      {"EVENTS WHERE a", 15, "end of input"},
      {"EVENTS WHERE a ==", 18, "end of input"},
      {"EVENTS WHERE a = = 1", 18, "\"=\""},
      {"EVENTS WHERE (a == 1", 21, "end of input"},
      {"EVENTS WHERE a == 1)", 20, "\")\""},
      {"EVENTS WHERE a IN ()", 20, "\")\""},
      {"EVENTS WHERE a IN 1", 19, "\"1\""},
      {"EVENTS WHERE a IS 1", 19, "\"1\""},
      {"EVENTS WHERE take == 1", 14, "\"take\""},
      {"EVENTS a b", 10, "\"b\""},
      {"EVENTS SINCE", 13, "end of input"},
      {"EVENTS SINCE 5", 14, "a time is expected"},
      {"EVENTS SINCE 1h", 16, "end of input"},
      {"EVENTS SINCE 1h TAKE 1", 17, "\"TAKE\""},
      {"EVENTS SINCE 'ä' TAKE x", 14, "a time is expected"},
      {"EVENTS TAKE x", 13, "whole number"},
      {"EVENTS TAKE -1", 13, "whole number"},
      {"EVENTS TAKE 1.5", 13, "whole number"},
      {"EVENTS SORT", 12, "end of input"},
      {"EVENTS SORT a,", 15, "end of input"},
      {"EVENTS SELECT a. b", 18, "dot"},
      {"EVENTS SELECT .a", 15, "\".a\""},
      {"EVENTS SELECT a..b", 15, "\"a..b\""},
      {"EVENTS COUNT a", 14, "\"a\""},
      {"EVENTS TOP BY a", 12, "whole number"},
      {"EVENTS GROUP a", 15, "end of input"},
      {"EVENTS GROUP a SUM", 19, "end of input"},
      {"EVENTS COUNT BY a DISTINCT b", 19, "only one"},
      {"EVENTS SINCE now SINCE now", 18, "only once"},
      {"EVENTS UNTIL now UNTIL now", 18, "only once"},
      {"EVENTS SORT a SORT b", 15, "only once"},
      {"EVENTS SKIP 1 SKIP 1", 15, "only once"},
      {"EVENTS TAKE 1 WHERE a == 1 TAKE 1", 28, "only once"},
  };
  for (const auto& entry : kCases) {
    const auto result = parse_eql(entry.text);
    ASSERT_FALSE(result.ok()) << entry.text;
    EXPECT_EQ(result.error().code, sqlstate::kSyntaxError) << entry.text;
    EXPECT_EQ(result.error().position, entry.position) << entry.text << ": " << result.error().message;
    EXPECT_NE((result.error().message + result.error().hint).find(entry.message), std::string::npos)
        << entry.text << ": " << result.error().message;
  }
}

TEST(EqlParser, HintsWhereOneHelps) {
  for (const char* text : {"EVENTS a b", "EVENTS SINCE 1h", "EVENTS SINCE 5", "EVENTS GROUP a",
                           "EVENTS COUNT a", "EVENTS WHERE a", "EVENTS SELECT ,"}) {
    EXPECT_FALSE(parse_eql(text).error().hint.empty()) << text;
  }
}

TEST(EqlParser, WhatComesLaterIsRefusedByName) {
  for (const char* text : {"LOGS", "METRIC cpu", "EVENTS STREAM", "EVENTS INDEX user",
                           "EVENTS WHERE METRIC cpu > 5", "EVENTS WHERE LOG sshd EXISTS"}) {
    const auto result = parse_eql(text);
    ASSERT_FALSE(result.ok()) << text;
    EXPECT_EQ(result.error().code, sqlstate::kFeatureNotSupported) << text;
    EXPECT_GT(result.error().position, 0) << text;
  }
}

TEST(EqlParser, WordsOfOtherConditionsAreFieldsBeforeAnOperator) {
  for (const char* text : {"EVENTS WHERE METRIC == 1", "EVENTS WHERE event IS NULL", "EVENTS WHERE log IN (1)",
                           "EVENTS WHERE LOG.x HAS 1", "EVENTS WHERE metric STARTS_WITH 'x'"}) {
    EXPECT_TRUE(parse_eql(text).ok()) << text;
  }
  for (const char* text : {"EVENTS WHERE EVENT kacs.* EXISTS", "EVENTS INDEX", "EVENTS INDEX a b"}) {
    EXPECT_EQ(parse_eql(text).error().code, sqlstate::kSyntaxError) << text;
  }
  EXPECT_EQ(parse_eql("EVENTS WHERE LOG 'sshd' EXISTS").error().code, sqlstate::kFeatureNotSupported);
}

TEST(EqlParser, NestingAndListsHaveBounds) {
  std::string deep = "EVENTS WHERE ";
  for (int i = 0; i < 100'000; ++i) deep += '(';
  EXPECT_EQ(parse_eql(deep).error().code, sqlstate::kStatementTooComplex);
  std::string path = "EVENTS SELECT a";
  for (int i = 0; i < 100; ++i) path += ".a";
  EXPECT_FALSE(parse_eql(path).ok());
}

}  // namespace
}  // namespace eventd::engine
