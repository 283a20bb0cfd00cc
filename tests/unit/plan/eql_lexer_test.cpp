#include "engine/plan/eql_lexer.h"

#include <gtest/gtest.h>

#include "engine/plan/eql_literal.h"

namespace eventd::engine {
namespace {

using Kind = EqlToken::Kind;

std::vector<EqlToken> tokens(std::string_view text) {
  auto result = lex_eql(text);
  EXPECT_TRUE(result.ok()) << text;
  return result.ok() ? std::move(result).value() : std::vector<EqlToken>(1);
}

TEST(EqlLexer, WordsAreTheLongestRun) {
  const auto found = tokens("EVENTS kacs.*:a@b-c WHERE größe_1>=0x1F");
  ASSERT_EQ(found.size(), 7u);
  EXPECT_EQ(found[1].text, "kacs.*:a@b-c");
  EXPECT_EQ(found[3].text, "größe_1");
  EXPECT_EQ(found[4].kind, Kind::kSymbol);
  EXPECT_EQ(found[4].text, ">=");
  EXPECT_EQ(found[5].text, "0x1F");
  EXPECT_EQ(found[6].kind, Kind::kEnd);
}

TEST(EqlLexer, CommentsEndWords) {
  const auto found = tokens("a-b--c d\nTAKE -- end");
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].text, "a-b");
  EXPECT_EQ(found[1].text, "TAKE");
}

TEST(EqlLexer, QuotesDoubleAndBackslashesAreText) {
  const auto found = tokens(R"('it''s' "a""b" `x``y` 'a\n')");
  ASSERT_EQ(found.size(), 5u);
  EXPECT_EQ(found[0].text, "it's");
  EXPECT_EQ(found[1].text, "a\"b");
  EXPECT_EQ(found[1].kind, Kind::kString);
  EXPECT_EQ(found[2].text, "x`y");
  EXPECT_EQ(found[2].kind, Kind::kQuotedName);
  EXPECT_EQ(found[3].text, "a\\n");
}

TEST(EqlLexer, PositionsCountCharacters) {
  const auto found = tokens("'äö' x\n  \"日\"y");
  EXPECT_EQ(found[1].position, 6);
  EXPECT_EQ(found[2].position, 10);
  EXPECT_EQ(found[3].position, 13);
  EXPECT_TRUE(found[3].adjacent);
  EXPECT_FALSE(found[2].adjacent);
}

TEST(EqlLexer, TimestampsKeepTheirZone) {
  const auto found = tokens("2024-05-01T12:00:00+02:00");
  EXPECT_EQ(found[0].text, "2024-05-01T12:00:00+02:00");
}

TEST(EqlLexer, ErrorsHavePositions) {
  const struct {
    const char* text;
    int position;
  } kCases[] = {{"EVENTS 'ab", 8}, {"ä \"x", 3}, {"a ; b", 3}, {"a $x", 3}, {"a $1234567", 3},
                {"x ! y", 3},      {"`open", 1}, {"a + b", 3}};
  for (const auto& entry : kCases) {
    const auto result = lex_eql(entry.text);
    ASSERT_FALSE(result.ok()) << entry.text;
    EXPECT_EQ(result.error().code, sqlstate::kSyntaxError) << entry.text;
    EXPECT_EQ(result.error().position, entry.position) << entry.text;
  }
}

TEST(EqlLiteral, Words) {
  using LiteralKind = EqlLiteral::Kind;
  const auto kind_of = [](std::string_view word) { return parse_eql_word(word)->kind; };
  EXPECT_EQ(parse_eql_word("0xff")->integer, 255);
  EXPECT_EQ(parse_eql_word("-12")->integer, -12);
  EXPECT_EQ(parse_eql_word("1.5e3")->real, 1500);
  EXPECT_EQ(kind_of(".5"), LiteralKind::kFloat);
  EXPECT_EQ(kind_of("9223372036854775808"), LiteralKind::kWideInteger);
  EXPECT_EQ(kind_of("TRUE"), LiteralKind::kBoolean);
  EXPECT_EQ(kind_of("now"), LiteralKind::kRelative);
  EXPECT_EQ(parse_eql_word("yesterday")->integer, -1);
  EXPECT_EQ(kind_of("2024-05-01"), LiteralKind::kTime);
  EXPECT_EQ(kind_of("2024-05-01T00:00:00.5Z"), LiteralKind::kTime);
  for (const char* none : {"", "-", "abc", "1x", "0xfg", "0x", "1e999", "inf", "nan", "2024-05", "x1"}) {
    EXPECT_FALSE(parse_eql_word(none).has_value()) << none;
  }
}

TEST(EqlLiteral, Durations) {
  EXPECT_EQ(parse_eql_duration_ns("15s"), 15'000'000'000);
  EXPECT_EQ(parse_eql_duration_ns("2H"), 7'200'000'000'000);
  EXPECT_EQ(parse_eql_duration_ns("7d"), 604'800'000'000'000);
  for (const char* none : {"", "s", "-1s", "1.5h", "1w", "h1", "99999999999999d", "18446744073709551617s"}) {
    EXPECT_FALSE(parse_eql_duration_ns(none).has_value()) << none;
  }
}

}  // namespace
}  // namespace eventd::engine
