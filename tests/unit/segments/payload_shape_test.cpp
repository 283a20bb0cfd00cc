#include <gtest/gtest.h>

#include "engine/segments/payload_shredder.h"
#include "engine/segments/segment_encoder.h"
#include "engine/segments/segment_row_reader.h"
#include "tests/unit/segments/random_payloads.h"
#include "tests/unit/segments/segment_rows.h"

namespace eventd::engine {
namespace {

using segment_tests::expect_payloads_come_back;

ShreddedPayloads shredded(const std::vector<std::string>& payloads) {
  PayloadShredder shredder;
  for (const std::string& payload : payloads) shredder.add(as_bytes(payload));
  return shredder.finish();
}

std::string msgpack(void (*write)(MsgpackWriter&)) {
  std::string bytes;
  MsgpackWriter writer(bytes);
  write(writer);
  return bytes;
}

const PayloadColumnValues* column(const ShreddedPayloads& payloads, std::string_view path,
                                  PayloadColumnType type) {
  for (const PayloadColumnValues& values : payloads.columns) {
    if (payload_path_text(values.key.path) == path && values.key.type == type) return &values;
  }
  return nullptr;
}

TEST(PayloadShapes, FieldsBecomeTypedColumns) {
  const std::vector<std::string> payloads = {
      msgpack([](MsgpackWriter& w) {
        w.map_header(3);
        w.string("pid"), w.integer(7);
        w.string("parent"), w.map_header(1), w.string("pid"), w.integer(-70'000);
        w.string("load"), w.real(0.5);
      }),
      msgpack([](MsgpackWriter& w) {
        w.map_header(2);
        w.string("pid"), w.string("seven");
        w.string("ok"), w.boolean(true);
      })};
  const ShreddedPayloads out = shredded(payloads);
  EXPECT_EQ(out.shapes.size(), 2u);
  ASSERT_NE(column(out, "pid", PayloadColumnType::kInteger), nullptr);
  EXPECT_EQ(column(out, "pid", PayloadColumnType::kInteger)->integers, std::vector<int64_t>{7});
  EXPECT_EQ(column(out, "pid", PayloadColumnType::kText)->texts, std::vector<std::string_view>{"seven"});
  EXPECT_EQ(column(out, "parent.pid", PayloadColumnType::kInteger)->integers, std::vector<int64_t>{-70'000});
  EXPECT_EQ(column(out, "load", PayloadColumnType::kDouble)->doubles, std::vector<double>{0.5});
  EXPECT_EQ(column(out, "ok", PayloadColumnType::kBool)->integers, std::vector<int64_t>{1});
  expect_payloads_come_back(payloads);
}

TEST(PayloadShapes, ValuesOfAnyWidthAreOneShape) {
  std::vector<std::string> payloads;
  for (const int64_t value : {0L, 200L, 70'000L, 1L << 40, -1L, -200L, INT64_MIN}) {
    std::string payload;
    MsgpackWriter writer(payload);
    writer.map_header(1);
    writer.string("v");
    writer.integer(value);
    payloads.push_back(payload);
  }
  EXPECT_EQ(shredded(payloads).shapes.size(), 1u);
  expect_payloads_come_back(payloads);
}

TEST(PayloadShapes, OddPayloadsKeepTheirBytes) {
  using namespace std::string_literals;
  const std::vector<std::string> payloads = {
      "\x82\xa1" "a\x01\xa1" "a\x02"s,            // a key twice
      "\x82\xa1" "a\x01\x02\x03"s,                // a key that is no string
      "\x81\xa1" "a\x82\xa1" "b\x01\xc0\x02"s,    // the same, nested
      "\x81\xd9\x01" "a\xcd\x00\x05"s,            // longer forms than needed
      "\xde\x00\x01\xa1" "a\xd3\x00\x00\x00\x00\x00\x00\x00\x05"s,
      "\x81\xa1" "a\xcf\xff\xff\xff\xff\xff\xff\xff\xff"s,
      "\x81\xa1" "a\xd1\x01\x00"s,                // 256 as a signed integer
      "\x81\xa1" "a\xca\x7f\x80\x00\x01"s,        // a signaling NaN of 32 bits
      "\x81\xa1" "a\xca\x3f\x80\x00\x00"s,
      "\x81\xa1" "a\xcb\xff\xf8\xde\xad\xbe\xef\x01\x23"s,
      "\x81\xa1" "a\x93\x01\xa1x\xc0"s, "\x81\xa1" "a\xd4\x05\x01"s, "\x81\xa1" "a\xc4\x01\x00"s,
      "\x05"s, "\xc0"s, "\xa3" "abc"s, "\x90"s, "\x80"s,
      ""s,                                        // none
      "\xc1"s, "\x81\xa1" "a"s, "\x01\x02"s, std::string(300, '\x81') + '\x80'};
  expect_payloads_come_back(payloads);
  // Many of each, so that encodings other than of single values see them.
  std::vector<std::string> many;
  for (int i = 0; i < 3'000; ++i) many.push_back(payloads[static_cast<size_t>(i) % payloads.size()]);
  expect_payloads_come_back(many);
}

TEST(PayloadShapes, AnEmptyPayloadHasNoBytes) {
  const ShreddedPayloads out = shredded({"", ""});
  EXPECT_EQ(out.shapes.size(), 1u);
  EXPECT_TRUE(out.columns.empty());
}

TEST(PayloadShapes, APayloadCanBeKeptAsItIs) {
  const std::string payload = msgpack([](MsgpackWriter& w) { w.map_header(1), w.string("a"), w.integer(1); });
  PayloadShredder shredder;
  shredder.add(as_bytes(payload));
  shredder.add(as_bytes(payload), /*raw=*/true);
  const ShreddedPayloads out = shredder.finish();
  EXPECT_EQ(out.shapes.size(), 2u);
  EXPECT_EQ(out.shape_ids, (std::vector<int64_t>{0, 1}));
  ASSERT_NE(column(out, "", PayloadColumnType::kRaw), nullptr);
  EXPECT_EQ(column(out, "", PayloadColumnType::kRaw)->texts, std::vector<std::string_view>{payload});
  EXPECT_EQ(column(out, "a", PayloadColumnType::kInteger)->integers.size(), 1u);
}

TEST(PayloadShapes, RareFieldsShareAColumn) {
  std::vector<std::string> payloads;
  for (int i = 0; i < 4'000; ++i) {
    std::string payload;
    MsgpackWriter writer(payload);
    writer.map_header(3);
    writer.string("common");
    writer.integer(i);
    writer.string("field" + std::to_string(i % 700));
    writer.string("v" + std::to_string(i));
    writer.string("other" + std::to_string(i % 700));
    writer.real(i / 8.0);
    payloads.push_back(payload);
  }
  const ShreddedPayloads out = shredded(payloads);
  EXPECT_EQ(out.columns.size(), kPayloadColumnsMax);
  EXPECT_EQ(out.shapes.size(), 700u);
  EXPECT_FALSE(out.rest.empty());
  ASSERT_NE(column(out, "common", PayloadColumnType::kInteger), nullptr);
  expect_payloads_come_back(payloads);
}

TEST(PayloadShapes, RareShapesKeepTheirBytes) {
  std::vector<std::string> payloads;
  for (int i = 0; i < 20'000; ++i) {
    std::string payload;
    MsgpackWriter writer(payload);
    writer.map_header(1);
    writer.string(i % 3 == 0 ? "common" : "key" + std::to_string(i));
    writer.integer(i);
    payloads.push_back(payload);
  }
  const ShreddedPayloads out = shredded(payloads);
  EXPECT_EQ(out.shapes.size(), kPayloadShapesMax);
  EXPECT_LE(out.columns.size(), kPayloadColumnsMax);
  const PayloadColumnValues* common = column(out, "common", PayloadColumnType::kInteger);
  ASSERT_NE(common, nullptr);
  EXPECT_EQ(common->integers.size(), 6'667u);
  expect_payloads_come_back(payloads);
}

}  // namespace
}  // namespace eventd::engine
