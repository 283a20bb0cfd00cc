// Path extraction, what JSON lacks, limits, and bytes that are no msgpack at all.
#include "engine/payload/msgpack_path.h"

#include <gtest/gtest.h>

#include <random>

#include "engine/payload/json_to_msgpack.h"
#include "engine/payload/jsonb_text.h"
#include "engine/payload/msgpack_writer.h"

namespace eventd::engine {
namespace {

std::string packed(std::string_view json) {
  std::string out;
  const Status status = append_msgpack_from_json(json, JsonLimits{}, out);
  EXPECT_TRUE(status.ok());
  return out;
}

std::string path_text(const std::string& value, const std::vector<std::string>& path) {
  std::string out;
  return append_path_text(as_bytes(value), path, out) ? out : "<NULL>";
}

std::string jsonb(const std::string& value) {
  std::string out;
  append_jsonb_text(as_bytes(value), out);
  return out;
}

TEST(MsgpackPath, FindsWhatJsonbFinds) {
  const std::string value = packed(R"({"a":{"b":[10,"x",null,{"c":2.50}]},"dup":1,"z":[[1],[2]],"dup":"last","n":null})");
  EXPECT_EQ(path_text(value, {"a", "b", "0"}), "10");
  EXPECT_EQ(path_text(value, {"a", "b", "-1", "c"}), "2.50");
  EXPECT_EQ(path_text(value, {"a", "b", "1"}), "x");
  EXPECT_EQ(path_text(value, {"a", "b", "2"}), "<NULL>");
  EXPECT_EQ(path_text(value, {"a", "b", "4"}), "<NULL>");
  EXPECT_EQ(path_text(value, {"a", "b", "x"}), "<NULL>");
  EXPECT_EQ(path_text(value, {"dup"}), "last");
  EXPECT_EQ(path_text(value, {"n"}), "<NULL>");
  EXPECT_EQ(path_text(value, {"n", "x"}), "<NULL>");
  EXPECT_EQ(path_text(value, {"z"}), "[[1], [2]]");
  EXPECT_EQ(path_text(value, {"missing"}), "<NULL>");
  EXPECT_EQ(path_text(value, {}), jsonb(value));
}

TEST(JsonbText, PrintsWhatJsonLacks) {
  std::string value;
  MsgpackWriter writer(value);
  writer.map_header(7);
  writer.string("bin");
  writer.binary(std::string_view("\x01\xff", 2));
  writer.string("ext");
  writer.ext(5, "\x02");
  writer.string("inf");
  writer.real(-std::numeric_limits<double>::infinity());
  writer.integer(7);
  writer.boolean(true);
  writer.nil();
  writer.string(std::string_view("a\0b", 3));
  writer.string("bad");
  writer.string("\xff!");
  writer.string("dec");
  writer.ext(kMsgpackDecimalExt, "1.500");
  EXPECT_EQ(jsonb(value),
            R"({"7": true, "bad": "\udcff!", "bin": "\\x01ff", "dec": 1.500, "ext": "\\x0502", "inf": "-Infinity", "null": "a\u0000b"})");
  EXPECT_EQ(path_text(value, {"7"}), "true");
  EXPECT_EQ(path_text(value, {"null"}), R"(a\u0000b)");
  EXPECT_EQ(path_text(value, {"dec"}), "1.500");
}

TEST(JsonToMsgpack, KeepsItsLimits) {
  JsonLimits limits{.max_nesting = 3, .max_bytes = 16};
  std::string out;
  EXPECT_TRUE(append_msgpack_from_json("[[[]]]", limits, out).ok());
  EXPECT_EQ(append_msgpack_from_json("[[[[]]]]", limits, out).error().code.text(), "54001");
  EXPECT_EQ(append_msgpack_from_json(R"("0123456789abcdef")", limits, out).error().code.text(), "54000");
  EXPECT_EQ(append_msgpack_from_json(std::string(1'000'000, '['), JsonLimits{}, out).error().code.text(), "54001");
  EXPECT_EQ(append_msgpack_from_json("\"\xc3\"", JsonLimits{}, out).error().code.text(), "22021");
  EXPECT_EQ(out, packed("[[[]]]")) << "a failed call appends nothing";
}

TEST(JsonToMsgpack, ChoosesTheSmallestExactForm) {
  EXPECT_EQ(packed("5"), "\x05");
  EXPECT_EQ(packed("-1"), "\xff");
  EXPECT_EQ(packed("18446744073709551615"), std::string("\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9));
  EXPECT_EQ(packed("1.5")[0], '\xcb');
  EXPECT_EQ(packed("1.50")[0], '\xd6');  // fixext 4 of type 1
  EXPECT_EQ(packed("1.50").substr(1), std::string("\x01") + "1.50");
}

TEST(Jsonb, EqualValuesHashEqual) {
  const std::pair<const char*, const char*> same[] = {
      {R"({"a":1,"bb":[1.0,2]})", R"({"bb":[1,2.00],"a":1e0})"}, {R"({"x":1,"x":2})", R"({"x":2})"}, {"100", "1e2"}};
  for (const auto& [a, b] : same) {
    const std::string x = packed(a), y = packed(b);
    EXPECT_EQ(compare_jsonb(as_bytes(x), as_bytes(y)), std::strong_ordering::equal) << a;
    EXPECT_EQ(hash_jsonb(as_bytes(x)), hash_jsonb(as_bytes(y))) << a;
  }
}

// Garbage must neither crash nor hang; sanitizers watch the bounds. The seed is printed on failure.
TEST(Msgpack, SurvivesGarbage) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::string good = packed(R"({"a":{"b":[10,"x",null,{"c":2.5}]},"long":"0123456789012345678901234567890123456789"})");
  const std::vector<std::string> path = {"a", "b", "-1", "c"};
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = good.substr(0, random() % (good.size() + 1));
    for (size_t n = random() % 4; n > 0 && !bytes.empty(); --n) bytes[random() % bytes.size()] = static_cast<char>(random());
    // An exact-size copy, so that an overread is seen.
    const std::vector<uint8_t> exact(bytes.begin(), bytes.end());
    std::string out;
    append_path_text(exact, path, out);
    append_jsonb_text(exact, out);
    append_jsonb_pretty(exact, out);
    hash_jsonb(exact);
    jsonb_contains(exact, as_bytes(good));
    EXPECT_EQ(compare_jsonb(exact, exact), std::strong_ordering::equal);
  }
  const std::vector<uint8_t> deep(100'000, 0x91);
  std::string out;
  append_jsonb_text(deep, out);
  hash_jsonb(deep);
  find_path(deep, path);
}

}  // namespace
}  // namespace eventd::engine
