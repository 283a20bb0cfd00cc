// Look-ups, PostgreSQL's OIDs, kernels over NULLs and unused dictionary values, EQL's rules.
#include "function_test_support.h"

namespace eventd::engine {
namespace {

const FunctionCatalog& catalog() { return FunctionCatalog::instance(); }

TEST(Catalog, OperatorsCarryPostgresOids) {
  const Operator* plus = catalog().find_operator("+", oid::kInt4, oid::kInt4);
  ASSERT_NE(plus, nullptr);
  EXPECT_EQ(plus->id, 551u);
  EXPECT_EQ(plus->function->id, 177u);
  EXPECT_EQ(plus->function->result, oid::kInt4);
  const Operator* less = catalog().find_operator("<", oid::kInt4, oid::kInt8);
  ASSERT_NE(less, nullptr);
  EXPECT_EQ(less->commutator, 419u);  // int8 > int4
  EXPECT_EQ(catalog().find_operator("+", oid::kText, oid::kInt4), nullptr);
  EXPECT_NE(catalog().find_operator("-", 0, oid::kInt4), nullptr);
}

TEST(Catalog, CastsFollowPgCast) {
  const Cast* widening = catalog().cast(oid::kInt4, oid::kInt8);
  ASSERT_NE(widening, nullptr);
  EXPECT_EQ(widening->context, CastContext::kImplicit);
  const Cast* narrowing = catalog().cast(oid::kInt8, oid::kInt4);
  ASSERT_NE(narrowing, nullptr);
  EXPECT_EQ(narrowing->context, CastContext::kAssignment);
  const Cast* relabel = catalog().cast(oid::kVarchar, oid::kText);
  ASSERT_NE(relabel, nullptr);
  EXPECT_EQ(relabel->function, nullptr);
  EXPECT_EQ(catalog().cast(oid::kText, oid::kInt4), nullptr);
  EXPECT_NE(catalog().io_cast(oid::kText, oid::kInt4), nullptr);
  EXPECT_NE(catalog().io_cast(oid::kInt4, oid::kText), nullptr);
  EXPECT_NE(catalog().modifier_cast(oid::kVarchar), nullptr);
  EXPECT_NE(catalog().modifier_cast(oid::kNumeric), nullptr);
  EXPECT_EQ(catalog().modifier_cast(oid::kInt4), nullptr);
}

TEST(Catalog, UnknownNamesFindNothing) {
  EXPECT_TRUE(catalog().functions("no_such_function").empty());
  EXPECT_TRUE(catalog().operators("@#@").empty());
  EXPECT_EQ(catalog().find("int4pl", std::vector<Oid>{oid::kInt4}), nullptr);
}

TEST(Catalog, NoOverloadIsRegisteredTwice) {
  for (const char* name : {"length", "round", "abs", "substr", "count", "int4", "concat"}) {
    const auto overloads = catalog().functions(name);
    for (size_t i = 0; i < overloads.size(); ++i) {
      for (size_t j = i + 1; j < overloads.size(); ++j)
        EXPECT_NE(overloads[i]->arguments, overloads[j]->arguments) << name;
    }
  }
}

TEST(IoCast, ReadsAndPrintsWithPostgresErrors) {
  const auto cast = [](Oid to, const char* text) {
    return call(*catalog().io_cast(oid::kText, to), {Datum::text(text)}, ArgumentForm::kFlat);
  };
  EXPECT_EQ(cast(oid::kInt4, " 42 "), (Outcome{"42", "", false}));
  EXPECT_EQ(cast(oid::kInt4, "abc"),
            (Outcome{"invalid input syntax for type integer: \"abc\"", "22P02", false}));
  EXPECT_EQ(cast(oid::kInt4, "2147483648"),
            (Outcome{"value \"2147483648\" is out of range for type integer", "22003", false}));
  EXPECT_EQ(cast(oid::kFloat8, "1e3"), (Outcome{"1000", "", false}));
  EXPECT_EQ(cast(oid::kBool, "yes"), (Outcome{"t", "", false}));
  EXPECT_EQ(cast(oid::kUuid, "x").sqlstate, "22P02");
}

CallFrame frame_of(std::span<const Vector> arguments, Oid result) {
  return CallFrame{.context = test_context(),
                   .arguments = arguments,
                   .rows = arguments[0].size(),
                   .result_type = Type{result, -1}};
}

TEST(Kernels, NullRowsAreSkippedAndStayNull) {
  Vector values = Vector::flat(oid::kInt4, 3);
  values.data<int32_t>()[0] = 10;
  values.data<int32_t>()[1] = 0;  // would divide by zero
  values.data<int32_t>()[2] = 5;
  values.set_null(1);
  const Vector arguments[] = {Vector::constant(Datum::int4(100), 3), values};
  Vector result;
  ASSERT_TRUE(catalog()
                  .find("int4div", std::vector<Oid>{oid::kInt4, oid::kInt4})
                  ->kernel(frame_of(arguments, oid::kInt4), result)
                  .ok());
  EXPECT_EQ(result.view<int32_t>()[0], 10);
  EXPECT_TRUE(result.is_null(1));
  EXPECT_EQ(result.view<int32_t>()[2], 20);
}

TEST(Kernels, AFailingDictionaryValueThatNoRowUsesIsNoError) {
  Vector values = Vector::flat(oid::kInt4, 2);
  values.data<int32_t>()[0] = 4;
  values.data<int32_t>()[1] = 0;
  std::shared_ptr<uint32_t[]> ids(new uint32_t[3]());
  const Vector dictionary = Vector::dictionary(values, ids, 3);
  const Vector arguments[] = {Vector::constant(Datum::int4(100), 3), dictionary};
  Vector result;
  ASSERT_TRUE(catalog()
                  .find("int4div", std::vector<Oid>{oid::kInt4, oid::kInt4})
                  ->kernel(frame_of(arguments, oid::kInt4), result)
                  .ok());
  for (uint32_t i = 0; i < 3; ++i) EXPECT_EQ(result.view<int32_t>()[i], 25);
}

TEST(Kernels, TextFunctionsOverADictionaryStayADictionary) {
  const Vector arguments[] = {vector_of(Datum::text("abc"), ArgumentForm::kDictionary, 4)};
  Vector result;
  ASSERT_TRUE(catalog()
                  .find("upper", std::vector<Oid>{oid::kText})
                  ->kernel(frame_of(arguments, oid::kText), result)
                  .ok());
  EXPECT_EQ(result.form(), Vector::Form::kDictionary);
  EXPECT_EQ(result.datum(3).bytes(), "ABC");
}

TEST(Regex, WhatRe2LacksIsRefusedByName) {
  for (const char* pattern : {"(a)\\1", "a(?=b)", "a(?!b)", "(?<=a)b", "\\mfoo", "[[:<:]]a"}) {
    EXPECT_EQ(call("textregexeq", {{"text", "aab"}, {"text", pattern}}).sqlstate, "0A000")
        << pattern;
  }
}

TEST(Regex, OnlyAsciiHasCase) {
  const auto matches = [](const char* text, const char* pattern) {
    return call("texticregexeq", {{"text", text}, {"text", pattern}}).text;
  };
  EXPECT_EQ(matches("FOO", "^foo$"), "t");
  EXPECT_EQ(matches("f", "^[A-Z]$"), "t");
  EXPECT_EQ(matches("G", "^[^a-z]$"), "f");
  EXPECT_EQ(matches("Q", "^[[:lower:]]$"), "t");
  EXPECT_EQ(matches("a", "^\\x41$"), "t");
  EXPECT_EQ(matches("A.B", "***=a.b"), "t");
  EXPECT_EQ(matches("AxB", "***=a.b"), "f");
  // As in PostgreSQL's C collation; Unicode would fold all of these.
  EXPECT_EQ(matches("\u00c4", "\u00e4"), "f");
  EXPECT_EQ(matches("\u00c4", "[\u00e4-\u00f6]"), "f");
  EXPECT_EQ(matches("K", "[\u00e4-\u00f6]"), "f");
  EXPECT_EQ(matches("\u212a", "k"), "f");
  EXPECT_EQ(call("texticregexeq", {{"text", "a"}, {"text", "[a-\\x7a]"}}).sqlstate, "0A000");
}

TEST(Regex, MixedGreedinessTestsButDoesNotExtract) {
  const TextValue text{"text", "XY1234Z"}, pattern{"text", "Y*?([0-9]{1,3})"};
  EXPECT_EQ(call("textregexeq", {text, pattern}).text, "t");
  EXPECT_EQ(call("substring", {text, pattern}).sqlstate, "0A000");
  EXPECT_EQ(call("substring", {text, {"text", "^(.*?)[0-9]+Z$"}}).text, "XY");
}

TEST(Text, FormatAndConcat) {
  const auto text = [](const char* v) { return TextValue{"text", v}; };
  EXPECT_EQ(call("format", {text("Hello %s, %1$s"), text("World")}).text, "Hello World, World");
  EXPECT_EQ(call("format", {text("%I %L %%"), text("a b"), text("it's")}).text, "\"a b\" 'it''s' %");
  EXPECT_EQ(call("format", {text("|%10s|%-5s|"), text("foo"), text("x")}).text, "|       foo|x    |");
  EXPECT_EQ(call("format", {text("|%-*s|"), {"int4", "4"}, text("x")}).text, "|x   |");
  EXPECT_EQ(call("format", {text("%s")}),
            (Outcome{"too few arguments for format()", "22023", false}));
  EXPECT_EQ(call("format", {text("%y"), text("a")}).sqlstate, "22023");
  EXPECT_EQ(call("concat", {text("a"), {"int4", "", true}, {"int4", "5"}, {"bool", "t"}}).text,
            "a5t");
  EXPECT_EQ(call("concat_ws", {text(","), text("a"), {"text", "", true}, {"int4", "5"}}).text,
            "a,5");
  EXPECT_EQ(call("textanycat", {text("a"), {"bool", "t"}}).text, "atrue");
}

std::string eql(const char* name, TextValue left, TextValue right) {
  for (const auto form :
       {ArgumentForm::kConstant, ArgumentForm::kDictionary}) {
    const Outcome outcome = call(name, {left, right}, form);
    EXPECT_EQ(outcome.sqlstate, "") << outcome.text;
    if (form == ArgumentForm::kDictionary) return outcome.is_null ? "null" : outcome.text;
  }
  return {};
}

TEST(Eql, StringsIgnoreAsciiCase) {
  EXPECT_EQ(eql("eql_eq", {"text", "SSHD"}, {"text", "sshd"}), "t");
  EXPECT_EQ(eql("eql_ne", {"text", "SSHD"}, {"text", "sshd"}), "f");
  EXPECT_EQ(eql("eql_contains", {"text", "Failed Login"}, {"text", "LOG"}), "t");
  EXPECT_EQ(eql("eql_starts_with", {"text", "kacs.Access"}, {"text", "KACS."}), "t");
  EXPECT_EQ(eql("eql_ends_with", {"text", "a"}, {"text", "ba"}), "f");
  EXPECT_EQ(eql("eql_glob", {"text", "kacs.access_denied"}, {"text", "KACS.*_denied"}), "t");
  EXPECT_EQ(eql("eql_glob", {"text", "kacs.accessXdenied"}, {"text", "kacs.access_denied"}), "f");
  EXPECT_EQ(eql("eql_eq", {"jsonb", "\"Root\""}, {"text", "root"}), "t");
}

TEST(Eql, NumbersCompareByValueAcrossKinds) {
  EXPECT_EQ(eql("eql_eq", {"jsonb", "1.0"}, {"int8", "1"}), "t");
  EXPECT_EQ(eql("eql_eq", {"jsonb", "1"}, {"float8", "1"}), "t");
  EXPECT_EQ(eql("eql_gt", {"jsonb", "9223372036854775807"}, {"float8", "9223372036854775807"}), "f");
  EXPECT_EQ(eql("eql_lt", {"jsonb", "9223372036854775807"}, {"float8", "9223372036854775807"}), "t");
  EXPECT_EQ(eql("eql_gt", {"jsonb", "18446744073709551615"}, {"int8", "9223372036854775807"}), "t");
  EXPECT_EQ(eql("eql_lt", {"jsonb", "-1"}, {"int8", "0"}), "t");
  EXPECT_EQ(eql("eql_lt", {"jsonb", "1"}, {"float8", "NaN"}), "f");
  EXPECT_EQ(eql("eql_lt", {"text", "9"}, {"int8", "10"}), "t");  // a label
}

TEST(Eql, OtherKindsAreUnequalAndUnordered) {
  EXPECT_EQ(eql("eql_eq", {"jsonb", "\"1\""}, {"int8", "1"}), "f");
  EXPECT_EQ(eql("eql_ne", {"jsonb", "\"1\""}, {"int8", "1"}), "t");
  EXPECT_EQ(eql("eql_lt", {"jsonb", "\"1\""}, {"int8", "2"}), "f");
  EXPECT_EQ(eql("eql_lt", {"jsonb", "\"a\""}, {"text", "b"}), "f");
  EXPECT_EQ(eql("eql_contains", {"jsonb", "12"}, {"text", "1"}), "f");
  EXPECT_EQ(eql("eql_eq", {"jsonb", "true"}, {"bool", "t"}), "t");
  EXPECT_EQ(eql("eql_eq", {"jsonb", "1"}, {"bool", "t"}), "f");
}

TEST(Eql, MissingAndJsonNullAreNull) {
  EXPECT_EQ(eql("eql_ne", {"jsonb", "null"}, {"text", "a"}), "null");
  EXPECT_EQ(eql("eql_ne", {"jsonb", "", true}, {"text", "a"}), "null");
}

TEST(Eql, HasLooksIntoArrays) {
  EXPECT_EQ(eql("eql_has", {"jsonb", "[\"A\", 2]"}, {"text", "a"}), "t");
  EXPECT_EQ(eql("eql_has", {"jsonb", "[\"A\", 2.0]"}, {"int8", "2"}), "t");
  EXPECT_EQ(eql("eql_has", {"jsonb", "[[2]]"}, {"int8", "2"}), "f");
  EXPECT_EQ(eql("eql_has", {"jsonb", "2"}, {"int8", "2"}), "f");
}

TEST(Series, StopsAtTheBoundEvenAtTheEndOfTheType) {
  const auto open = [](std::string_view name, std::vector<Datum> arguments) {
    for (const TableFunction* function : catalog().table_functions(name)) {
      bool fits = function->arguments.size() == arguments.size();
      for (size_t i = 0; fits && i < arguments.size(); ++i)
        fits = function->arguments[i] == arguments[i].type();
      if (fits) return function->open(test_context(), arguments);
    }
    ADD_FAILURE() << "no overload";
    std::abort();
  };
  const auto collect = [&](std::vector<Datum> arguments) {
    std::string text;
    auto cursor = open("generate_series", std::move(arguments));
    EXPECT_TRUE(cursor.ok());
    Batch batch;
    while (true) {
      const Result<bool> more = (*cursor)->next(batch);
      EXPECT_TRUE(more.ok());
      if (!more.ok() || !*more) break;
      for (uint32_t i = 0; i < batch.size; ++i) {
        append_text(test_context().format, batch.columns[0], i, text);
        text += ' ';
      }
    }
    return text;
  };
  EXPECT_EQ(collect({Datum::int4(2147483646), Datum::int4(2147483647)}), "2147483646 2147483647 ");
  EXPECT_EQ(collect({Datum::int4(5), Datum::int4(1), Datum::int4(-2)}), "5 3 1 ");
  EXPECT_EQ(collect({Datum::int4(5), Datum::int4(1)}), "");
  EXPECT_EQ(collect({Datum::null(oid::kInt4), Datum::int4(1)}), "");
  const auto zero = open("generate_series", {Datum::int4(1), Datum::int4(2), Datum::int4(0)});
  EXPECT_FALSE(zero.ok());
}

}  // namespace
}  // namespace eventd::engine
