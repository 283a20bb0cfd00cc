#include "engine/segments/integer_column.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "tests/unit/segments/segment_random.h"

namespace eventd::engine {
namespace {

using segment_tests::SegmentRandom;

using Values = std::vector<int64_t>;

constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
constexpr int64_t kGreatest = std::numeric_limits<int64_t>::max();

struct Kind {
  const char* name;
  std::function<int64_t(SegmentRandom&, uint32_t)> value;
};

const Kind kKinds[] = {
    {"constant", [](SegmentRandom&, uint32_t) { return int64_t{-7}; }},
    {"ascending", [](SegmentRandom& r, uint32_t i) { return int64_t{1} << 60 | (i * 1000 + r.below(900)); }},
    {"descending", [](SegmentRandom&, uint32_t i) { return 5 - int64_t{i} * 3; }},
    {"narrow", [](SegmentRandom& r, uint32_t) { return static_cast<int64_t>(r.below(300)) - 100; }},
    {"far apart", [](SegmentRandom& r, uint32_t) { return int64_t{1} << r.below(62); }},
    {"runs", [](SegmentRandom&, uint32_t i) { return int64_t{i / 700}; }},
    {"any", [](SegmentRandom& r, uint32_t) { return static_cast<int64_t>(r.any_width()); }},
    {"extremes", [](SegmentRandom& r, uint32_t) {
       constexpr int64_t kEdges[] = {kLeast, kGreatest, 0, -1, 1, kLeast + 1, kGreatest - 1};
       return kEdges[r.below(std::size(kEdges))];
     }},
    {"bits", [](SegmentRandom& r, uint32_t) { return static_cast<int64_t>(r.next()); }}};

Values values_of(const Kind& kind, SegmentRandom& random, uint32_t rows) {
  Values values;
  for (uint32_t i = 0; i < rows; ++i) values.push_back(kind.value(random, i));
  return values;
}

Result<Values> decode(std::string_view column, uint32_t rows) {
  ASSIGN_OR_RETURN(const IntegerColumn integers, IntegerColumn::open(as_bytes(column), rows));
  return integers.decode_all();
}

TEST(IntegerColumn, EveryKindOfValuesComesBack) {
  SegmentRandom random(2);
  for (const Kind& kind : kKinds) {
    for (const uint32_t rows : segment_tests::kRowCounts) {
      SCOPED_TRACE(testing::Message() << kind.name << ", " << rows << " rows");
      const Values values = values_of(kind, random, rows);
      std::string chosen, blocks, runs;
      append_integer_column(values, chosen);
      IntegerBlocksPlan(values).append(blocks);
      append_run_length(values, runs);
      EXPECT_EQ(blocks.size(), IntegerBlocksPlan(values).size());
      for (const std::string& column : {chosen, blocks, runs}) {
        const auto back = decode(column, rows);
        ASSERT_TRUE(back.ok()) << back.error().message;
        ASSERT_EQ(*back, values);
      }
      if (const auto plan = plan_integer_dictionary(values, rows)) {
        std::string dictionary;
        append_integer_dictionary(*plan, dictionary);
        const auto back = decode(dictionary, rows);
        ASSERT_TRUE(back.ok()) << back.error().message;
        ASSERT_EQ(*back, values);
      }
    }
  }
}

TEST(IntegerColumn, ChoosesTheSmallest) {
  SegmentRandom random(3);
  const auto chosen = [&](int kind) {
    std::string out;
    return append_integer_column(values_of(kKinds[kind], random, 65'536), out);
  };
  EXPECT_EQ(chosen(0), ColumnEncoding::kRunLength);
  EXPECT_EQ(chosen(1), ColumnEncoding::kIntegerBlocks);
  EXPECT_EQ(chosen(3), ColumnEncoding::kIntegerBlocks);
  EXPECT_EQ(chosen(4), ColumnEncoding::kIntegerDictionary);
  EXPECT_EQ(chosen(5), ColumnEncoding::kRunLength);
  EXPECT_EQ(chosen(8), ColumnEncoding::kIntegerBlocks);
}

TEST(IntegerColumn, SizesAreAsPromised) {
  SegmentRandom random(4);
  const auto size = [&](int kind) {
    std::string out;
    append_integer_column(values_of(kKinds[kind], random, 65'536), out);
    return out.size();
  };
  EXPECT_LT(size(0), 200u);              // a constant
  EXPECT_LT(size(2), 2'000u);            // equal steps: nothing a value
  EXPECT_LT(size(1), 65'536u * 11 / 8 + 2'000);  // steps of 11 bits
  EXPECT_LT(size(4), 65'536u * 6 / 8 + 2'000);   // ids of 6 bits instead of 62
  EXPECT_LT(size(8), 65'536u * 8 + 2'000);       // noise costs what it is
}

TEST(IntegerBlocks, ZonesAndSingleBlocks) {
  SegmentRandom random(5);
  const Values values = values_of(kKinds[6], random, 5'000);
  std::string column;
  IntegerBlocksPlan(values).append(column);
  const auto blocks = IntegerBlocks::open(as_bytes(column), 5'000);
  ASSERT_TRUE(blocks.ok());
  ASSERT_EQ(blocks->blocks(), 3u);
  EXPECT_EQ(blocks->block_rows(2), 5'000u - 4'096);
  for (const uint32_t block : {2u, 0u, 1u}) {
    const auto from = values.begin() + block * 2'048, to = from + blocks->block_rows(block);
    Values out(2'048);
    blocks->decode(block, out.data());
    EXPECT_TRUE(std::equal(from, to, out.begin()));
    EXPECT_EQ(blocks->min(block), *std::min_element(from, to));
    EXPECT_EQ(blocks->max(block), *std::max_element(from, to));
    std::vector<uint32_t> ids(2'048);
    blocks->decode_ids(block, ids.data());
    for (uint32_t i = 0; i < blocks->block_rows(block); ++i) EXPECT_EQ(ids[i], static_cast<uint32_t>(from[i]));
  }
}

TEST(RunLength, RunsAndRanges) {
  Values values(100, 5);
  values.resize(3'000, -9);
  values.push_back(5);
  std::string column;
  append_run_length(values, column);
  const auto runs = RunLength::open(as_bytes(column), 3'001);
  ASSERT_TRUE(runs.ok());
  ASSERT_EQ(runs->runs(), 3u);
  EXPECT_EQ(runs->run_value(1), -9);
  EXPECT_EQ(runs->run_end(1), 3'000u);
  EXPECT_EQ(runs->run_of(99), 0u);
  EXPECT_EQ(runs->run_of(100), 1u);
  EXPECT_EQ(runs->run_of(3'000), 2u);
  Values out(4);
  runs->decode(98, 4, out.data());
  EXPECT_EQ(out, (Values{5, 5, -9, -9}));
}

TEST(IntegerCursor, SingleValues) {
  SegmentRandom random(6);
  const Values values = values_of(kKinds[3], random, 5'000);
  std::string column;
  append_integer_column(values, column);
  const auto integers = IntegerColumn::open(as_bytes(column), 5'000);
  ASSERT_TRUE(integers.ok());
  IntegerCursor cursor(*integers);
  for (int i = 0; i < 500; ++i) {
    const auto row = static_cast<uint32_t>(random.below(5'000));
    int64_t value = 0;
    ASSERT_TRUE(cursor.value(row, value).ok());
    EXPECT_EQ(value, values[row]);
  }
  int64_t value = 0;
  EXPECT_EQ(cursor.value(5'000, value).error().code, sqlstate::kDataCorrupted);
}

TEST(IntegerColumn, DamageIsAStatus) {
  SegmentRandom random(7);
  for (const Kind& kind : kKinds) {
    const Values values = values_of(kind, random, 5'000);
    std::string chosen, blocks, runs;
    append_integer_column(values, chosen);
    IntegerBlocksPlan(values).append(blocks);
    append_run_length(values, runs);
    for (const std::string& column : {chosen, blocks, runs}) {
      segment_tests::damage_everywhere(column, random, [](std::string_view bytes) {
        if (const auto back = decode(bytes, 5'000); !back.ok()) {
          EXPECT_EQ(back.error().code, sqlstate::kDataCorrupted);
        }
      });
      EXPECT_FALSE(decode(column, 4'999).ok());
      EXPECT_FALSE(decode(std::string_view(column).substr(0, column.size() - 1), 5'000).ok());
    }
  }
}

TEST(IntegerColumn, IdsWithoutEntriesAreDamage) {
  std::string column;
  append_id_column(Values{0, 1, 2, 3}, column);
  std::vector<uint32_t> ids(kColumnBlockRows);
  EXPECT_TRUE(IdColumn::open(as_bytes(column), 4, 4)->decode(0, ids.data()).ok());
  EXPECT_EQ(IdColumn::open(as_bytes(column), 4, 3)->decode(0, ids.data()).error().code,
            sqlstate::kDataCorrupted);
}

}  // namespace
}  // namespace eventd::engine
