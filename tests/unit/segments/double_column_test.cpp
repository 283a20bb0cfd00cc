#include "engine/segments/double_column.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <functional>
#include <limits>

#include "tests/unit/segments/segment_random.h"

namespace eventd::engine {
namespace {

using segment_tests::SegmentRandom;

struct DoubleKind {
  const char* name;
  std::function<double(SegmentRandom&, uint32_t)> value;
};

double odd_double(SegmentRandom& random) {
  static const double kOdd[] = {0.0, -0.0, std::numeric_limits<double>::infinity(),
                                -std::numeric_limits<double>::infinity(),
                                std::numeric_limits<double>::quiet_NaN(),
                                std::bit_cast<double>(uint64_t{0x7ff0'0000'0000'0001}),  // signaling
                                std::bit_cast<double>(uint64_t{0xfff8'dead'beef'0123}),
                                std::numeric_limits<double>::denorm_min(),
                                std::numeric_limits<double>::max(), 9007199254740993.0, 1e300};
  return kOdd[random.below(std::size(kOdd))];
}

const DoubleKind kDoubleKinds[] = {
    {"cents", [](SegmentRandom& r, uint32_t) { return static_cast<double>(r.below(1'000'000)) / 100; }},
    {"constant", [](SegmentRandom&, uint32_t) { return 0.1; }},
    {"noise", [](SegmentRandom& r, uint32_t) { return static_cast<double>(r.next() >> 11) * 0x1p-53; }},
    {"from float32", [](SegmentRandom& r, uint32_t) { return double{static_cast<float>(r.below(1'000'000)) / 7}; }},
    {"odd", [](SegmentRandom& r, uint32_t) { return odd_double(r); }},
    {"mostly cents", [](SegmentRandom& r, uint32_t i) {
       return i % 20 == 3 ? odd_double(r) : (static_cast<double>(r.below(10'000)) - 3'000) / 100;
     }},
    {"any bits", [](SegmentRandom& r, uint32_t) { return std::bit_cast<double>(r.next()); }}};

std::vector<double> doubles_of(const DoubleKind& kind, SegmentRandom& random, uint32_t rows) {
  std::vector<double> values;
  for (uint32_t i = 0; i < rows; ++i) values.push_back(kind.value(random, i));
  return values;
}

Result<std::vector<double>> decode(std::string_view column, uint32_t rows) {
  ASSIGN_OR_RETURN(const DoubleColumn doubles, DoubleColumn::open(as_bytes(column), rows));
  std::vector<double> values(column_blocks(rows) * size_t{kColumnBlockRows});
  for (uint32_t i = 0; i < doubles.blocks(); ++i) {
    RETURN_IF_ERROR(doubles.decode(i, values.data() + i * kColumnBlockRows));
  }
  values.resize(rows);
  return values;
}

void expect_bits(const std::vector<double>& actual, const std::vector<double>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    ASSERT_EQ(std::bit_cast<uint64_t>(actual[i]), std::bit_cast<uint64_t>(expected[i])) << "row " << i;
  }
}

TEST(DoubleColumn, EveryBitComesBack) {
  SegmentRandom random(1);
  for (const DoubleKind& kind : kDoubleKinds) {
    for (const uint32_t rows : segment_tests::kRowCounts) {
      SCOPED_TRACE(testing::Message() << kind.name << ", " << rows << " rows");
      const auto values = doubles_of(kind, random, rows);
      std::string chosen, xored;
      append_double_column(values, chosen);
      append_xor_doubles(values, xored);
      for (const std::string& column : {chosen, xored}) {
        const auto back = decode(column, rows);
        ASSERT_TRUE(back.ok()) << back.error().message;
        expect_bits(*back, values);
      }
    }
  }
}

TEST(DoubleColumn, ChoosesTheSmallest) {
  SegmentRandom random(2);
  const auto encoded = [&](int kind, std::string& out) {
    return append_double_column(doubles_of(kDoubleKinds[kind], random, 20'000), out);
  };
  std::string cents, constant, noise, floats, mostly;
  EXPECT_EQ(encoded(0, cents), ColumnEncoding::kDecimalDoubles);
  EXPECT_LT(cents.size(), 20'000u * 20 / 8 + 1'000);
  encoded(1, constant);
  EXPECT_LT(constant.size(), 400u);
  EXPECT_EQ(encoded(2, noise), ColumnEncoding::kXorDoubles);
  EXPECT_LT(noise.size(), 20'000u * 8 + 1'000);
  EXPECT_EQ(encoded(3, floats), ColumnEncoding::kXorDoubles);
  EXPECT_LT(floats.size(), 20'000u * 5);
  EXPECT_EQ(encoded(5, mostly), ColumnEncoding::kDecimalDoubles);
  EXPECT_LT(mostly.size(), 20'000u * 3);
}

TEST(DoubleColumn, DamageIsAStatus) {
  SegmentRandom random(3);
  for (const DoubleKind& kind : kDoubleKinds) {
    std::string column;
    append_double_column(doubles_of(kind, random, 3'000), column);
    segment_tests::damage_everywhere(column, random, [](std::string_view bytes) {
      if (const auto values = decode(bytes, 3'000); !values.ok()) {
        EXPECT_EQ(values.error().code, sqlstate::kDataCorrupted);
      }
    });
  }
}

}  // namespace
}  // namespace eventd::engine
