#include "engine/exec/packed_keys.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "exec_fakes.h"

namespace eventd::engine::testing {
namespace {

struct TypeValues {
  const char* type;
  std::vector<const char*> texts;
};

/// Every kind of order there is: whole numbers, bytes, orders of their own, with what is odd in them.
const std::vector<TypeValues>& all_types() {
  static const std::vector<TypeValues> types = {
      {"bool", {"t", "f"}},
      {"int2", {"-32768", "-1", "0", "1", "32767"}},
      {"int4", {"-2147483648", "-7", "0", "7", "2147483647"}},
      {"int8", {"-9007199254740993", "-9007199254740992", "-1", "0", "1", "4611686018427387904"}},
      {"oid", {"0", "1", "2147483648", "4294967295"}},
      {"float4", {"-Infinity", "-1.5", "-0", "0", "1e-40", "1.5", "Infinity", "NaN"}},
      {"float8", {"-Infinity", "-1.5", "-0", "0", "5e-324", "1.5", "Infinity", "NaN"}},
      {"date", {"-infinity", "1969-12-31", "2000-01-01", "2024-02-29", "infinity"}},
      {"time", {"00:00", "00:00:00.000001", "23:59:59.999999", "24:00"}},
      {"timestamp", {"1969-12-31 23:59:59.999999", "2000-01-01", "2024-02-29 12:00"}},
      {"timestamptz", {"1969-12-31 23:59:59.999999+00", "2000-01-01 00:00+01", "2000-01-01 00:00+00"}},
      {"timetz", {"10:00+02", "09:00+01", "08:00+00", "08:00:00.1+00"}},
      {"interval", {"-1 day", "24 hours", "1 day", "30 days", "1 mon", "00:00:00.000001"}},
      {"uuid",
       {"00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000001",
        "ffffffff-ffff-ffff-ffff-ffffffffffff", "7f000000-0000-0000-0000-000000000000"}},
      {"text", {"", "a", "a ", "aaaaaaaa", "aaaaaaaab", "aaaaaaaaa", "B", "ä", "zz"}},
      {"bpchar", {"a", "a  ", "a b", "b"}},
      {"bytea", {"\\x", "\\x00", "\\x0000", "\\xff", "\\x7f"}},
      {"numeric", {"-Infinity", "-1.50", "-1.5", "0", "0.00", "10", "9", "1e30", "Infinity", "NaN"}},
      {"jsonb", {"null", "\"a\"", "1", "1.0", "false", "true", "[]", "[1]", "{}", "{\"a\": 1}"}},
      {"inet", {"10.0.0.1", "10.0.0.1/8", "10.0.0.0/8", "9.255.0.0", "::1"}},
      {"_int4", {"{}", "{1}", "{1,2}", "{1,NULL}", "{2}"}},
  };
  return types;
}

struct SortedRows {
  std::vector<std::vector<Vector>> keys;  // of each batch
  std::vector<SortEntry> entries;
};

class PackedKeysTest : public ::testing::Test {
 protected:
  /// Batches of random values of the keys' types; about one in nine is NULL.
  SortedRows rows_of(const std::vector<const TypeValues*>& types, size_t batches, uint32_t batch_rows) {
    SortedRows rows;
    for (uint32_t b = 0; b < batches; ++b) {
      std::vector<Vector> columns;
      for (const TypeValues* each : types) columns.push_back(column_of(*each, batch_rows));
      rows.keys.push_back(std::move(columns));
      for (uint32_t row = 0; row < batch_rows; ++row) rows.entries.push_back({77, 7, b, row});
    }
    return rows;
  }

  Vector column_of(const TypeValues& values, uint32_t rows) {
    const Type type{find_type_by_name(values.type)->id, -1};
    Vector vector = Vector::flat(type.id, rows);
    for (uint32_t row = 0; row < rows; ++row) {
      if (random_() % 9 == 0) {
        vector.set_null(row);
        continue;
      }
      const Result<Datum> value =
          datum_from_text(context_, type, values.texts[random_() % values.texts.size()]);
      EXPECT_TRUE(value.ok()) << values.type << ": " << value.error().message;
      vector.set_datum(row, *value);
    }
    return vector;
  }

  std::shared_ptr<const SortOrder> order_of(const std::vector<const TypeValues*>& types, bool descending,
                                            bool nulls_first) {
    sort_keys_.clear();
    for (size_t k = 0; k < types.size(); ++k) {
      const Oid type = find_type_by_name(types[k]->type)->id;
      // The second key goes the other way.
      sort_keys_.push_back({column(static_cast<int>(k), type), descending != (k == 1),
                            nulls_first != (k == 1), false});
    }
    return SortOrder::compile(sort_keys_, context_).value();
  }

  /// What comparing gives, equal rows in the order they came.
  static std::vector<SortEntry> compared(const SortOrder& order, SortedRows& rows) {
    std::vector<SortEntry> sorted = rows.entries;
    std::stable_sort(sorted.begin(), sorted.end(), [&](const SortEntry& a, const SortEntry& b) {
      return order.compare(rows.keys[a.batch], a.row, rows.keys[b.batch], b.row) < 0;
    });
    return sorted;
  }

  /// Both ways of sorting packed keys against it.
  static void expect_same(const SortOrder& order, SortedRows& rows, const std::string& what) {
    const std::vector<SortEntry> wanted = compared(order, rows);
    PackedKeys packed(order, rows.keys);
    ASSERT_TRUE(packed.fit(rows.entries)) << what;
    EXPECT_GT(packed.memory_bytes(), 0U);
    for (const bool buffer : {false, true}) {
      std::vector<SortEntry> got = rows.entries;
      packed.sort(got, buffer);
      ASSERT_EQ(got.size(), wanted.size());
      for (size_t i = 0; i < got.size(); ++i) {
        ASSERT_TRUE(got[i].batch == wanted[i].batch && got[i].row == wanted[i].row)
            << what << (buffer ? ", by radix" : ", by comparing") << ", place " << i << ": row " << got[i].row
            << " of batch " << got[i].batch << " instead of " << wanted[i].row << " of " << wanted[i].batch;
      }
    }
  }

  EvalContext context_{};
  std::mt19937_64 random_{12345};  // NOLINT: the same rows in every run
  std::vector<SortKey> sort_keys_;
};

TEST_F(PackedKeysTest, EveryTypeSortsAsComparingSortsIt) {
  for (const TypeValues& type : all_types()) {
    // More rows than are sorted by comparing, in batches of an odd size.
    SortedRows rows = rows_of({&type}, 7, 777);
    for (const bool descending : {false, true}) {
      for (const bool nulls_first : {false, true}) {
        const auto order = order_of({&type}, descending, nulls_first);
        expect_same(*order, rows, std::string(type.type) + (descending ? " DESC" : "") +
                                      (nulls_first ? " NULLS FIRST" : " NULLS LAST"));
      }
    }
  }
}

TEST_F(PackedKeysTest, SeveralKeysOfMixedDirections) {
  const auto named = [](std::string_view name) {
    return &*std::find_if(all_types().begin(), all_types().end(),
                          [&](const TypeValues& each) { return name == each.type; });
  };
  for (const auto& names : std::vector<std::vector<const char*>>{
           {"text", "int2", "bool"}, {"int4", "numeric", "uuid"}, {"jsonb", "date"}, {"bool", "bool", "text", "inet"}}) {
    std::vector<const TypeValues*> types;
    for (const char* name : names) types.push_back(named(name));
    SortedRows rows = rows_of(types, 6, 1000);
    for (const bool descending : {false, true}) {
      for (const bool nulls_first : {false, true}) {
        expect_same(*order_of(types, descending, nulls_first), rows, std::string(names[0]) + ", …");
      }
    }
  }
}

TEST_F(PackedKeysTest, ZerosAreEqualAndNaNIsGreatest) {
  static const TypeValues kFloats{"float8", {"-0", "0", "NaN", "1"}};
  SortedRows rows = rows_of({&kFloats}, 1, 5000);
  const auto order = order_of({&kFloats}, false, false);
  PackedKeys packed(*order, rows.keys);
  ASSERT_TRUE(packed.fit(rows.entries));
  std::vector<SortEntry> got = rows.entries;
  packed.sort(got, true);
  const auto values = rows.keys[0][0].view<double>();
  // 0 and -0 stand mixed, in the order of their rows; then 1, NaN, NULL.
  std::vector<int> classes;
  for (const SortEntry& entry : got) {
    const bool valid = values.valid(entry.row);
    classes.push_back(!valid ? 3 : std::isnan(values[entry.row]) ? 2 : values[entry.row] == 1 ? 1 : 0);
  }
  EXPECT_TRUE(std::is_sorted(classes.begin(), classes.end()));
  const auto zeros = std::count(classes.begin(), classes.end(), 0);
  ASSERT_GT(zeros, 100);
  EXPECT_TRUE(std::is_sorted(got.begin(), got.begin() + zeros,
                             [](const SortEntry& a, const SortEntry& b) { return a.row < b.row; }));
}

TEST_F(PackedKeysTest, OneValueAndOnlyNulls) {
  static const TypeValues kOne{"int8", {"42"}};
  SortedRows rows = rows_of({&kOne}, 2, 3000);
  expect_same(*order_of({&kOne}, true, true), rows, "one value");
  for (std::vector<Vector>& batch : rows.keys) {
    for (uint32_t row = 0; row < 3000; ++row) batch[0].set_null(row);
  }
  expect_same(*order_of({&kOne}, false, false), rows, "only NULLs");
}

TEST_F(PackedKeysTest, RefusesWhatNeedsMoreThan64Bits) {
  static const TypeValues kWide{"int8", {"-9223372036854775808", "9223372036854775807"}};
  static const TypeValues kHalf{"int8", {"0", "8589934592"}};
  SortedRows rows = rows_of({&kWide}, 1, 100);
  EXPECT_FALSE(PackedKeys(*order_of({&kWide}, false, false), rows.keys).fit(rows.entries));
  rows = rows_of({&kHalf, &kHalf}, 1, 100);
  EXPECT_FALSE(PackedKeys(*order_of({&kHalf, &kHalf}, false, false), rows.keys).fit(rows.entries));
  rows = rows_of({&kHalf}, 1, 100);
  EXPECT_TRUE(PackedKeys(*order_of({&kHalf}, false, false), rows.keys).fit(rows.entries));
}

TEST_F(PackedKeysTest, RefusesTextsThatAreNearlyAllDifferent) {
  SortedRows rows;
  rows.keys.resize(1);
  Vector texts = Vector::flat(oid::kText, 6000);
  for (uint32_t row = 0; row < 6000; ++row) {
    texts.set_string(row, "text " + std::to_string(row * 7919 % 6000));
    rows.entries.push_back({0, 0, 0, row});
  }
  rows.keys[0].push_back(std::move(texts));
  static const TypeValues kText{"text", {}};
  EXPECT_FALSE(PackedKeys(*order_of({&kText}, false, false), rows.keys).fit(rows.entries));
}

}  // namespace
}  // namespace eventd::engine::testing
