// time_bucket in TimescaleDB's forms, histogram_quantile, origin_class_name, bounds of patterns and paths.
#include "function_test_support.h"

namespace eventd::engine {
namespace {

TextValue interval(const char* text) { return {"interval", text}; }
TextValue at(const char* text) { return {"timestamptz", text}; }

TEST(TimeBucket, FixedWidthsCountFromAMonday) {
  EXPECT_EQ(call("time_bucket", {interval("5 minutes"), {"timestamp", "2020-01-02 03:07:59"}}).text, "2020-01-02 03:05:00");
  EXPECT_EQ(call("time_bucket", {interval("7 days"), {"timestamp", "2000-01-05"}}).text, "2000-01-03 00:00:00");
  EXPECT_EQ(call("time_bucket", {interval("5 days"), {"timestamp", "2000-01-05"}, {"timestamp", "2000-01-01"}}).text,
            "2000-01-01 00:00:00");
  EXPECT_EQ(call("time_bucket", {interval("1 hour"), {"timestamp", "2020-01-02 03:07"}, interval("30 minutes")}).text,
            "2020-01-02 02:30:00");
}

TEST(TimeBucket, MonthsAndDates) {
  EXPECT_EQ(call("time_bucket", {interval("1 month"), {"timestamp", "2021-08-16 10:00"}}).text, "2021-08-01 00:00:00");
  EXPECT_EQ(call("time_bucket", {interval("3 months"), {"date", "2021-08-16"}}).text, "2021-07-01");
  EXPECT_EQ(call("time_bucket", {interval("1 month 1 day"), {"date", "2021-08-16"}}).sqlstate, "0A000");
  EXPECT_EQ(call("time_bucket", {interval("0"), {"date", "2021-08-16"}}).sqlstate, "22023");
}

TEST(TimeBucket, DaysOfAZoneBeginAtItsMidnight) {
  const TextValue berlin{"text", "Europe/Berlin"};
  // The day of the change has 23 hours.
  const Outcome day = call("time_bucket", {interval("1 day"), at("2023-03-26 20:00:00+00"), berlin});
  EXPECT_EQ(day, call("timestamptz", {at("2023-03-25 23:00:00+00"), {"int4", "6"}}));
  const Outcome next = call("time_bucket", {interval("1 day"), at("2023-03-26 22:00:00+00"), berlin});
  EXPECT_EQ(next, call("timestamptz", {at("2023-03-26 22:00:00+00"), {"int4", "6"}}));
  const Outcome shifted = call("time_bucket", {interval("1 day"), at("2023-03-27 12:00:00+00"), berlin,
                                               {"timestamptz", "", true}, interval("6 hours")});
  EXPECT_EQ(shifted, call("timestamptz", {at("2023-03-27 04:00:00+00"), {"int4", "6"}}));
  EXPECT_EQ(call("time_bucket", {interval("1 day"), at("2023-03-27"), {"text", "No/Where"}}).sqlstate, "22023");
}

TEST(TimeBucket, WholeNumbers) {
  for (const char* type : {"int2", "int4", "int8"}) {
    EXPECT_EQ(call("time_bucket", {{type, "10"}, {type, "-1"}}).text, "-10") << type;
    EXPECT_EQ(call("time_bucket", {{type, "10"}, {type, "7"}, {type, "5"}}).text, "5") << type;
    EXPECT_EQ(call("time_bucket", {{type, "0"}, {type, "7"}}).sqlstate, "22023") << type;
  }
  EXPECT_EQ(call("time_bucket", {{"int2", "10"}, {"int2", "-32768"}}).sqlstate, "22003");
}

TEST(HistogramQuantile, IsLinearInTheBucket) {
  const auto quantile = [](const char* fraction, const char* histogram) {
    return call("histogram_quantile", {{"float8", fraction}, {"jsonb", histogram}});
  };
  const char* const histogram = R"({"boundaries": [1, 2, 4], "counts": [10, 20, 40], "total_count": 50, "sum": 9})";
  EXPECT_EQ(quantile("0.1", histogram).text, "0.5");   // the first bucket starts at 0
  EXPECT_EQ(quantile("0.3", histogram).text, "1.5");
  EXPECT_EQ(quantile("0.6", histogram).text, "3");
  EXPECT_EQ(quantile("0.99", histogram).text, "4");    // above the last bound
  EXPECT_TRUE(quantile("0.5", R"({"boundaries": [1], "counts": [0], "total_count": 0})").is_null);
  EXPECT_EQ(quantile("1.5", histogram).sqlstate, "22003");
  EXPECT_EQ(quantile("0.5", "{}").sqlstate, "22023");
}

TEST(OriginClass, HasANameOrNone) {
  EXPECT_EQ(call("origin_class_name", {{"int2", "0"}}).text, "userspace");
  EXPECT_EQ(call("origin_class_name", {{"int2", "2"}}).text, "kacs");
  EXPECT_TRUE(call("origin_class_name", {{"int2", "9"}}).is_null);
  EXPECT_EQ(call("principal_name", {{"uuid", "00000000-0000-0000-0000-000000000000"}}).sqlstate, "0A000");
}

TEST(Bounds, RegularExpressionsThatExplodeAreRefused) {
  for (const char* pattern : {"((a{255}){255}){255}", "(((((((((a{1,100}){1,100}){1,100}){1,100}))))))"}) {
    EXPECT_FALSE(call("textregexeq", {{"text", "aaaa"}, {"text", pattern}}).sqlstate.empty()) << pattern;
  }
  // Linear in the text: no backtracking.
  EXPECT_EQ(call("textregexeq", {{"text", std::string(5000, 'a')}, {"text", "^(a+)+b$"}}).text, "f");
}

TEST(Bounds, DeepPathsAndDeepFiltersAreRefused) {
  std::string steps = "$", sum = "1", nested(3000, '(');
  for (int i = 0; i < 5000; ++i) {
    steps += ".a";
    sum += " + 1";
  }
  nested += "1" + std::string(3000, ')');
  for (const std::string& path : {steps, sum, nested}) {
    const Result<Datum> deep = datum_from_text(test_context(), Type{4072, -1}, path);
    ASSERT_FALSE(deep.ok());
    EXPECT_EQ(deep.error().code.text(), "54001");
  }
}

}  // namespace
}  // namespace eventd::engine
