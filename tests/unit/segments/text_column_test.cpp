#include "engine/segments/text_column.h"

#include <gtest/gtest.h>

#include <functional>

#include "guid.h"
#include "tests/unit/segments/segment_random.h"

namespace eventd::engine {
namespace {

using segment_tests::SegmentRandom;

using Texts = std::vector<std::string>;

std::vector<std::string_view> views(const Texts& texts) { return {texts.begin(), texts.end()}; }

struct TextKind {
  const char* name;
  std::function<std::string(SegmentRandom&, uint32_t)> value;
};

const TextKind kTextKinds[] = {
    {"few", [](SegmentRandom& r, uint32_t) { return "kacs.file." + std::to_string(r.below(40)); }},
    {"empty", [](SegmentRandom&, uint32_t) { return std::string(); }},
    {"many", [](SegmentRandom&, uint32_t i) { return "message number " + std::to_string(i) + " of the log"; }},
    {"bytes", [](SegmentRandom& r, uint32_t) { return r.bytes(r.below(50)); }},
    {"large", [](SegmentRandom& r, uint32_t i) { return i % 100 == 0 ? r.bytes(100'000) : std::string(i % 7, 'x'); }}};

Result<Texts> decode(std::string_view column, uint32_t rows) {
  ASSIGN_OR_RETURN(const TextColumn text, TextColumn::open(as_bytes(column), rows));
  TextCursor cursor(text);
  Texts values;
  for (uint32_t i = 0; i < rows; ++i) {
    std::string_view value;
    RETURN_IF_ERROR(cursor.value(i, value));
    values.emplace_back(value);
  }
  return values;
}

Texts texts_of(const TextKind& kind, SegmentRandom& random, uint32_t rows) {
  Texts texts;
  for (uint32_t i = 0; i < rows; ++i) texts.push_back(kind.value(random, i));
  return texts;
}

TEST(TextColumn, EveryKindOfValuesComesBack) {
  SegmentRandom random(1);
  for (const TextKind& kind : kTextKinds) {
    for (const uint32_t rows : segment_tests::kRowCounts) {
      const Texts texts = texts_of(kind, random, rows);
      for (const ByteCodec codec : {ByteCodec::kNone, ByteCodec::kLz4, ByteCodec::kZstd}) {
        SCOPED_TRACE(testing::Message() << kind.name << ", " << rows << " rows, codec " << int(codec));
        std::string chosen, blocks, dictionary;
        append_text_column(views(texts), {.codec = codec}, chosen);
        append_text_blocks(views(texts), codec, blocks);
        for (const std::string& column : {chosen, blocks}) {
          const auto back = decode(column, rows);
          ASSERT_TRUE(back.ok()) << back.error().message;
          ASSERT_EQ(*back, texts);
        }
        if (const auto plan = plan_text_dictionary(views(texts), DictionaryOrder::kBytes, rows, 1 << 20)) {
          append_text_dictionary(*plan, DictionaryOrder::kBytes, codec, dictionary);
          const auto back = decode(dictionary, rows);
          ASSERT_TRUE(back.ok()) << back.error().message;
          ASSERT_EQ(*back, texts);
        }
      }
    }
  }
}

TEST(TextColumn, ChoosesTheSmaller) {
  SegmentRandom random(2);
  std::string out;
  EXPECT_EQ(append_text_column(views(texts_of(kTextKinds[0], random, 5'000)), {}, out),
            ColumnEncoding::kTextDictionary);
  EXPECT_EQ(append_text_column(views(texts_of(kTextKinds[2], random, 5'000)), {}, out),
            ColumnEncoding::kTextBlocks);
  EXPECT_EQ(append_text_column(views(texts_of(kTextKinds[3], random, 5'000)), {}, out),
            ColumnEncoding::kTextBlocks);
}

TEST(TextBlocks, OneBlockAlone) {
  SegmentRandom random(3);
  const Texts texts = texts_of(kTextKinds[2], random, 20'000);
  std::string column;
  append_text_blocks(views(texts), ByteCodec::kZstd, column);
  const auto blocks = TextBlocks::open(as_bytes(column), 20'000);
  ASSERT_TRUE(blocks.ok());
  EXPECT_GT(blocks->blocks(), 5u);
  TextBlock block;
  const uint32_t number = blocks->block_of(12'345);
  ASSERT_TRUE(blocks->decode(number, block).ok());
  EXPECT_LE(block.first_row, 12'345u);
  EXPECT_EQ(block.value(12'345), texts[12'345]);
  EXPECT_EQ(blocks->block_of(block.first_row), number);
  EXPECT_EQ(blocks->block_of(block.first_row + block.rows()), number + 1);
}

TEST(TextDictionary, EntriesAreInOrderSoThatRangesAreIds) {
  const Texts texts = {"pear", "apple", "fig", "apple", "", "plum"};
  const auto plan = plan_text_dictionary(views(texts), DictionaryOrder::kBytes, 100, 1'000);
  ASSERT_TRUE(plan);
  std::string column;
  append_text_dictionary(*plan, DictionaryOrder::kBytes, ByteCodec::kLz4, column);
  const auto dictionary = TextDictionary::open(as_bytes(column), 6);
  ASSERT_TRUE(dictionary.ok()) << dictionary.error().message;
  ASSERT_EQ(dictionary->entries(), 5u);
  EXPECT_EQ(dictionary->entry(0), "");
  EXPECT_EQ(dictionary->entry(4), "plum");
  EXPECT_EQ(dictionary->lower_bound("p"), 3u);
  EXPECT_EQ(dictionary->lower_bound("q"), 5u);
  std::vector<uint32_t> ids(kColumnBlockRows);
  ASSERT_TRUE(dictionary->ids().decode(0, ids.data()).ok());
  ids.resize(6);
  EXPECT_EQ(ids, (std::vector<uint32_t>{3, 1, 2, 1, 0, 4}));
}

TEST(TextDictionary, GuidsOrderAsSqlOrdersThem) {
  // The first group is little-endian as stored: 2… is after 1… though its first stored byte is less.
  const auto guid = [](const char* text) {
    const auto bytes = Guid::parse(text)->bytes;
    return std::string(bytes.begin(), bytes.end());
  };
  const Texts texts = {guid("20000001-0000-0000-0000-000000000000"),
                       guid("10000002-0000-0000-0000-000000000000")};
  const auto plan = plan_text_dictionary(views(texts), DictionaryOrder::kGuid, 100, 1'000);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->entries[0], texts[1]);
  EXPECT_LT(texts[0], texts[1]);
}

TEST(TextColumn, DamageIsAStatus) {
  SegmentRandom random(4);
  for (const TextKind& kind : kTextKinds) {
    const Texts texts = texts_of(kind, random, 101);
    for (const ByteCodec codec : {ByteCodec::kNone, ByteCodec::kLz4, ByteCodec::kZstd}) {
      std::string chosen, blocks;
      append_text_column(views(texts), {.codec = codec}, chosen);
      append_text_blocks(views(texts), codec, blocks);
      for (const std::string& column : {chosen, blocks}) {
        segment_tests::damage_everywhere(column, random, [](std::string_view bytes) {
          if (const auto values = decode(bytes, 101); !values.ok()) {
            EXPECT_EQ(values.error().code, sqlstate::kDataCorrupted);
          }
        });
      }
    }
  }
}

}  // namespace
}  // namespace eventd::engine
