#include "engine/segments/bitmap_column.h"

#include <gtest/gtest.h>

#include <functional>

#include "engine/segments/integer_column.h"
#include "tests/unit/segments/segment_random.h"

namespace eventd::engine {
namespace {

using segment_tests::SegmentRandom;

RowBits bits_of_rows(uint32_t rows, const std::function<bool(uint32_t)>& set) {
  RowBits bits(rows, false);
  for (uint32_t i = 0; i < rows; ++i) {
    if (set(i)) bits.set(i);
  }
  return bits;
}

TEST(BitmapColumn, EveryFormComesBackWithRanks) {
  SegmentRandom random(1);
  const std::function<bool(uint32_t)> kinds[] = {
      [](uint32_t) { return false; }, [](uint32_t) { return true; },
      [](uint32_t i) { return i >= 1'000; }, [](uint32_t i) { return i % 3 == 0; },
      [&](uint32_t) { return random.below(2) == 0; }, [](uint32_t i) { return i != 4'000; }};
  for (const auto& kind : kinds) {
    for (const uint32_t rows : segment_tests::kRowCounts) {
      const RowBits bits = bits_of_rows(rows, kind);
      std::string column;
      append_bitmap_column(bits, column);
      const auto back = decode_bitmap_column(as_bytes(column), rows);
      ASSERT_TRUE(back.ok()) << back.error().message;
      ASSERT_EQ(back->words(), bits.words()) << rows;
      uint32_t before = 0;
      for (uint32_t i = 0; i <= rows; ++i) {
        ASSERT_EQ(back->rank(i), before);
        before += i < rows && bits.test(i) ? 1 : 0;
      }
      segment_tests::damage_everywhere(column, random, [&](std::string_view bytes) {
        (void)decode_bitmap_column(as_bytes(bytes), rows).ok();
      });
    }
  }
}

TEST(BitmapColumn, ConstantsAndRunsAreSmall) {
  std::string constant, runs;
  append_bitmap_column(RowBits(1'000'000, true), constant);
  EXPECT_EQ(constant.size(), 7u);
  append_bitmap_column(bits_of_rows(65'536, [](uint32_t i) { return i / 5'000 % 2 == 0; }), runs);
  EXPECT_LT(runs.size(), 200u);
}

TEST(NullableColumn, HoldsTheValuesOfRowsThatHaveOne) {
  const RowBits valid = bits_of_rows(5'000, [](uint32_t i) { return i % 7 == 2; });
  std::vector<int64_t> values;
  for (uint32_t i = 0; i < valid.count(); ++i) values.push_back(int64_t{i} * i);
  std::string column;
  append_nullable_column(valid, column, [&] { append_integer_column(values, column); });
  const auto parts = open_nullable_column(as_bytes(column), 5'000);
  ASSERT_TRUE(parts.ok()) << parts.error().message;
  EXPECT_TRUE(parts->has_nulls());
  ASSERT_EQ(parts->values_count, values.size());
  const auto integers = IntegerColumn::open(parts->values, parts->values_count);
  ASSERT_TRUE(integers.ok());
  EXPECT_EQ(*integers->decode_all(), values);
  EXPECT_EQ(parts->valid.rank(9), 1u);  // rows 2 and 9 have values

  std::string plain;
  append_integer_column(values, plain);
  const auto whole = open_nullable_column(as_bytes(plain), static_cast<uint32_t>(values.size()));
  ASSERT_TRUE(whole.ok());
  EXPECT_FALSE(whole->has_nulls());
  EXPECT_EQ(whole->values.size(), plain.size());
}

}  // namespace
}  // namespace eventd::engine
