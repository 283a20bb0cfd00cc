#include "engine/storage/number_matcher.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace eventd::engine {
namespace {

using Op = ScanPredicate::Op;

ScanPredicate predicate(Oid type, Op op, std::vector<Datum> values) {
  ScanPredicate result;
  result.column.extract = ScanColumn::Extract::kNumber;
  result.column.type = {type, -1};
  result.op = op;
  result.values = std::move(values);
  return result;
}
Datum float8(double value) { return Datum(oid::kFloat8, value); }

bool passes(const ScanPredicate& tested, const char* text) {
  EXPECT_TRUE(NumberMatcher::supports(tested));
  return NumberMatcher(tested).may_match(text);
}

TEST(NumberMatcher, ComparesIntegersExactly) {
  struct Case {
    Op op;
    std::vector<const char*> yes, no;
  };
  for (const Case& each : std::vector<Case>{{Op::kEq, {"4", "04"}, {"3", "5", "-4", "40"}},
                                            {Op::kLess, {"3", "-9"}, {"4", "5"}},
                                            {Op::kLessEq, {"3", "4"}, {"5"}},
                                            {Op::kGreater, {"5"}, {"4", "-9"}},
                                            {Op::kGreaterEq, {"4", "5"}, {"3"}}}) {
    const ScanPredicate tested = predicate(oid::kInt4, each.op, {Datum::int8(4)});
    for (const char* text : each.yes) EXPECT_TRUE(passes(tested, text)) << text;
    for (const char* text : each.no) EXPECT_FALSE(passes(tested, text)) << text;
  }
  const ScanPredicate large = predicate(oid::kInt8, Op::kEq, {Datum::int8(999'999'999'999'999'999)});
  EXPECT_TRUE(passes(large, "999999999999999999"));
  EXPECT_FALSE(passes(large, "999999999999999998"));
}

TEST(NumberMatcher, FindsMembers) {
  const ScanPredicate tested = predicate(oid::kInt4, Op::kIn, {Datum::int8(9), Datum::int8(-2)});
  EXPECT_TRUE(passes(tested, "9"));
  EXPECT_TRUE(passes(tested, "-2"));
  EXPECT_FALSE(passes(tested, "2"));
  const ScanPredicate floats = predicate(oid::kNumeric, Op::kIn, {float8(0.1), Datum::int8(3)});
  EXPECT_TRUE(passes(floats, "0.10"));
  EXPECT_TRUE(passes(floats, "3"));
  EXPECT_TRUE(passes(floats, "3e0"));
  EXPECT_FALSE(passes(floats, "0.2"));
  EXPECT_FALSE(passes(predicate(oid::kInt4, Op::kIn, {}), "1"));
}

// Only the cast knows what these are: an error, or a number after all.
TEST(NumberMatcher, LetsPassWhatTheCastMayRefuseOrReadOtherwise) {
  const ScanPredicate integer = predicate(oid::kInt4, Op::kEq, {Datum::int8(4)});
  for (const char* text : {"", " 4", "4 ", "+4", "x", "4x", "1.5", "4.0", "-", "2147483648", "-2147483649",
                           "99999999999999999999", "true", "0x4", "٤"}) {
    EXPECT_TRUE(passes(integer, text)) << text;
  }
  EXPECT_TRUE(passes(predicate(oid::kInt2, Op::kEq, {Datum::int8(4)}), "32768"));
  const ScanPredicate real = predicate(oid::kFloat8, Op::kEq, {float8(4)});
  for (const char* text : {"", " 4", "NaN", "Infinity", "-inf", "1e999", "1e-999", "x", "4x", "--4"}) {
    EXPECT_TRUE(passes(real, text)) << text;
  }
  EXPECT_FALSE(passes(real, "4.1"));
}

TEST(NumberMatcher, RoundingNeverLosesARow) {
  // Beyond float8's digits, where both sides are rounded.
  const ScanPredicate equal = predicate(oid::kNumeric, Op::kEq, {float8(9007199254740993.0)});
  EXPECT_TRUE(passes(equal, "9007199254740993"));
  EXPECT_TRUE(passes(predicate(oid::kNumeric, Op::kGreater, {float8(9007199254740992.0)}), "9007199254740993"));
  EXPECT_TRUE(passes(predicate(oid::kNumeric, Op::kLess, {float8(9007199254740992.0)}), "9007199254740991.9999"));
  EXPECT_TRUE(passes(predicate(oid::kInt8, Op::kGreaterEq, {float8(0.5)}), "1"));
  EXPECT_FALSE(passes(predicate(oid::kInt8, Op::kGreaterEq, {float8(0.5)}), "0"));
}

TEST(NumberMatcher, RefusesOtherPredicates) {
  EXPECT_FALSE(NumberMatcher::supports(predicate(oid::kInt4, Op::kNotEq, {Datum::int8(1)})));
  EXPECT_FALSE(NumberMatcher::supports(predicate(oid::kInt4, Op::kIsNull, {})));
  EXPECT_FALSE(NumberMatcher::supports(predicate(oid::kInt4, Op::kEq, {Datum::int8(1), Datum::int8(2)})));
  EXPECT_FALSE(NumberMatcher::supports(predicate(oid::kInt4, Op::kEq, {Datum::text("1")})));
  EXPECT_FALSE(NumberMatcher::supports(predicate(oid::kFloat8, Op::kEq, {float8(0.0 / 0.0)})));
}

}  // namespace
}  // namespace eventd::engine
