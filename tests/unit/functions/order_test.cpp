// Order, equality and hash of values agree with each other for every type.
#include "function_test_support.h"

namespace eventd::engine {
namespace {

struct Ordered {
  const char* type;
  /// Ascending; values in one group are equal.
  std::vector<std::vector<const char*>> groups;
};

const std::vector<Ordered>& ordered() {
  static const auto* all = new std::vector<Ordered>{
      {"bool", {{"f"}, {"t"}}},
      {"int2", {{"-5"}, {"0"}, {"7"}}},
      {"int4", {{"-2147483648"}, {"-1"}, {"3"}}},
      {"int8", {{"-9223372036854775808"}, {"-1"}, {"5000000000"}}},
      {"oid", {{"1"}, {"4294967295"}}},
      {"float4", {{"-Infinity"}, {"-1.5"}, {"0", "-0"}, {"Infinity"}, {"NaN"}}},
      {"float8", {{"-Infinity"}, {"-1.5"}, {"0", "-0"}, {"Infinity"}, {"NaN"}}},
      {"numeric", {{"-Infinity"}, {"-2.5"}, {"0", "0.00"}, {"1", "1.0", "1.00"}, {"10"}, {"NaN"}}},
      {"text", {{""}, {"B"}, {"a"}, {"ab"}, {"b"}}},
      {"bpchar", {{"a", "a  "}, {"b"}}},
      {"bytea", {{"\\x"}, {"\\x00"}, {"\\x7f"}, {"\\xff"}}},
      {"uuid", {{"00000000-0000-0000-0000-000000000001"}, {"f0000000-0000-0000-0000-000000000000"}}},
      {"date", {{"1999-01-01"}, {"2020-01-01"}, {"infinity"}}},
      {"timestamptz", {{"1999-01-01"}, {"2020-01-01 00:00:00+02"}, {"2020-01-01"}}},
      {"timetz", {{"10:00+02"}, {"10:00+00"}, {"10:00-02"}}},
      {"interval", {{"-1 day"}, {"29 days"}, {"1 month", "30 days", "720 hours"}, {"31 days"}}},
      {"jsonb", {{"null"}, {"\"a\""}, {"1", "1.0"}, {"true"}, {"[1]"}, {"{\"a\": 1}"}}},
      {"inet", {{"10.0.0.0/8"}, {"10.0.0.1"}, {"192.168.0.1"}, {"::1"}}},
      {"_int4", {{"{}"}, {"{-1,5}"}, {"{1}"}, {"{1,NULL}"}}},
      {"_numeric", {{"{1.0}", "{1.00}"}, {"{2}"}}},
  };
  return *all;
}

Vector one(const char* type, const char* text) {
  return vector_of(datum_of({type, text}), ArgumentForm::kFlat, 1);
}

uint64_t hash_of(const Vector& vector) {
  uint64_t hash = 0;
  hash_vector(vector, &hash, 1, false);
  return hash;
}

TEST(ValueOrder, ComparesEveryPairAsListed) {
  for (const Ordered& entry : ordered()) {
    for (size_t i = 0; i < entry.groups.size(); ++i) {
      for (size_t j = 0; j < entry.groups.size(); ++j) {
        for (const char* a : entry.groups[i]) {
          for (const char* b : entry.groups[j]) {
            const Vector x = one(entry.type, a), y = one(entry.type, b);
            const int sign = i < j ? -1 : i > j ? 1 : 0;
            EXPECT_EQ(compare_values(x.type(), x, 0, y, 0), sign)
                << entry.type << " " << a << " <=> " << b;
            EXPECT_EQ(values_equal(x, 0, y, 0), i == j) << entry.type << " " << a << " = " << b;
            if (i == j) {
              EXPECT_EQ(hash_of(x), hash_of(y)) << entry.type << " " << a << ", " << b;
            } else {
              EXPECT_NE(hash_of(x), hash_of(y)) << entry.type << " " << a << ", " << b;
            }
          }
        }
      }
    }
  }
}

TEST(ValueHash, EveryFormOfAVectorHashesAlike) {
  for (const Ordered& entry : ordered()) {
    const Datum value = datum_of({entry.type, entry.groups[0][0]});
    uint64_t flat[4], constant[4], dictionary[4];
    for (const bool combine : {false, true}) {
      for (int i = 0; i < 4; ++i) flat[i] = constant[i] = dictionary[i] = 17;
      hash_vector(vector_of(value, ArgumentForm::kFlat, 4), flat, 4, combine);
      hash_vector(vector_of(value, ArgumentForm::kConstant, 4), constant, 4, combine);
      hash_vector(vector_of(value, ArgumentForm::kDictionary, 4), dictionary, 4, combine);
      for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(flat[i], constant[i]) << entry.type;
        EXPECT_EQ(flat[i], dictionary[i]) << entry.type;
      }
    }
  }
}

TEST(ValueHash, NullsAreEqualToEachOtherOnly) {
  const Vector null = Vector::null_constant(oid::kInt4, 1);
  const Vector zero = one("int4", "0");
  EXPECT_TRUE(values_equal(null, 0, null, 0));
  EXPECT_FALSE(values_equal(null, 0, zero, 0));
  EXPECT_NE(hash_of(null), hash_of(zero));
}

TEST(ValueHash, CombiningDependsOnTheOrderOfColumns) {
  const Vector a = one("int4", "1"), b = one("int4", "2");
  uint64_t ab = 0, ba = 0;
  hash_vector(a, &ab, 1, false);
  hash_vector(b, &ab, 1, true);
  hash_vector(b, &ba, 1, false);
  hash_vector(a, &ba, 1, true);
  EXPECT_NE(ab, ba);
}

}  // namespace
}  // namespace eventd::engine
