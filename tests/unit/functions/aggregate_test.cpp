// Aggregates give what PostgreSQL gives: in one go, per group, and combined from two parts.
#include <cmath>

#include "function_test_support.h"

namespace eventd::engine {
namespace {

struct AggregateCase {
  const char* name;
  std::vector<std::vector<TextValue>> columns;
  std::string text;
  const char* sqlstate;
  bool is_null;
};

const std::vector<AggregateCase>& cases() {
  static const auto* all = new std::vector<AggregateCase>{
#include "aggregate_cases.inc"
  };
  return *all;
}

TEST(Aggregates, SingleStateMatchesPostgres) {
  for (const AggregateCase& c : cases()) {
    const Outcome expected{c.text, c.sqlstate, c.is_null};
    EXPECT_EQ(aggregate(c.name, c.columns), expected) << c.name << " " << c.columns[0][0].type;
  }
}

TEST(Aggregates, GroupedMatchesPostgres) {
  for (const AggregateCase& c : cases()) {
    const Outcome expected{c.text, c.sqlstate, c.is_null};
    EXPECT_EQ(aggregate(c.name, c.columns, 0, true), expected)
        << c.name << " " << c.columns[0][0].type;
  }
}

// Float sums may differ in the last digits when combined.
TEST(Aggregates, CombinedPartsMatchTheWhole) {
  for (const AggregateCase& c : cases()) {
    const Outcome expected{c.text, c.sqlstate, c.is_null};
    for (size_t split = 1; split < c.columns[0].size(); ++split) {
      const Outcome combined = aggregate(c.name, c.columns, split);
      if (expected.sqlstate.empty() && !expected.is_null &&
          std::string_view(c.columns[0][0].type).starts_with("float")) {
        const double got = std::stod(combined.text), wanted = std::stod(expected.text);
        if (std::isfinite(wanted)) {
          EXPECT_NEAR(got, wanted, 1e-6) << c.name;
        } else {
          EXPECT_EQ(combined, expected) << c.name;
        }
      } else {
        EXPECT_EQ(combined, expected) << c.name << " " << c.columns[0][0].type << " split " << split;
      }
    }
  }
}

TEST(Aggregates, CountOfNothingIsZeroAndOthersAreNull) {
  EXPECT_EQ(aggregate("count", {}), (Outcome{"3", "", false}));
  EXPECT_EQ(aggregate("count", {{{"text", "", true}}}), (Outcome{"0", "", false}));
}

TEST(OrderedSet, Percentiles) {
  const std::vector<TextValue> values = {{"float8", "4"}, {"float8", "1"}, {"float8", "", true},
                                         {"float8", "3"}, {"float8", "2"}};
  const auto fraction = [&](const char* p) {
    return std::vector<TextValue>(values.size(), TextValue{"float8", p});
  };
  // select percentile_cont(0.5) within group (order by v) from (values (4.0),(1),(null),(3),(2)) …
  EXPECT_EQ(aggregate("percentile_cont", {fraction("0.5"), values}).text, "2.5");
  EXPECT_EQ(aggregate("percentile_cont", {fraction("0.95"), values}).text, "3.8499999999999996");
  EXPECT_EQ(aggregate("percentile_cont", {fraction("1"), values}, 2).text, "4");
  EXPECT_EQ(aggregate("percentile_disc", {fraction("0.5"), values}).text, "2");
  EXPECT_EQ(aggregate("percentile_disc", {fraction("0"), values}, 3).text, "1");
  EXPECT_EQ(aggregate("percentile_cont", {fraction("1.5"), values}),
            (Outcome{"percentile value 1.5 is not between 0 and 1", "22003", false}));
}

TEST(OrderedSet, ModeTakesTheLeastOfATie) {
  EXPECT_EQ(aggregate("mode", {{{"text", "b"}, {"text", "a"}, {"text", "b"}, {"text", "a"}}}, 1).text,
            "a");
  EXPECT_TRUE(aggregate("mode", {{{"int4", "", true}}}).is_null);
}

}  // namespace
}  // namespace eventd::engine
