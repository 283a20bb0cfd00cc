// Work on one large value ends when nobody wants it: not after the value's end.
#include <gtest/gtest.h>

#include <string>

#include "engine/payload/json_to_msgpack.h"
#include "engine/payload/jsonb_text.h"
#include "interrupt.h"
#include "sqlstate.h"

namespace eventd::engine {
namespace {

/// Interrupts at the `after`-th question.
class Interrupter {
 public:
  explicit Interrupter(int after) : left_(after), scope_({&check, this}) {}
  int asked() const { return asked_; }

 private:
  static Status check(const void* who) {
    auto& self = *static_cast<Interrupter*>(const_cast<void*>(who));
    ++self.asked_;
    return --self.left_ > 0 ? Status() : Status(sqlstate::kQueryCanceled, "enough");
  }
  int left_, asked_ = 0;
  const InterruptScope scope_;
};

std::string repeated(std::string_view text, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += text;
  return out;
}

std::string msgpack_of(const std::string& json) {
  std::string out;
  EXPECT_TRUE(append_msgpack_from_json(json, {}, out).ok());
  return out;
}

const std::string& long_json() {
  static const std::string json = "[" + repeated("{\"b\": [1, 2], \"a\": 3},", 200'000) + "1]";
  return json;
}

std::string keys(size_t count, std::string_view value) {
  std::string json = "{";
  for (size_t i = 0; i < count; ++i) {
    json += (i == 0 ? "\"" : ",\"") + std::to_string(i * 7919 % count) + "\":" + std::string(value);
  }
  return json + "}";
}

TEST(PayloadInterrupt, ParsingGivesTheError) {
  const Interrupter interrupter(2);
  std::string out = "kept";
  const Status status = append_msgpack_from_json(long_json(), {}, out);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, "enough");
  EXPECT_EQ(out, "kept");
  EXPECT_LE(interrupter.asked(), 3);
}

TEST(PayloadInterrupt, PrintingStops) {
  const std::string value = msgpack_of(long_json());
  std::string whole, part;
  append_jsonb_pretty(as_bytes(value), whole);
  const Interrupter interrupter(2);
  append_jsonb_pretty(as_bytes(value), part);
  EXPECT_LT(part.size(), whole.size() / 4);
  EXPECT_EQ(interrupter.asked(), 2);
}

TEST(PayloadInterrupt, ComparingAndSearchingStop) {
  // Every element of one is sought among all of the other.
  const std::string a = msgpack_of("[" + repeated("1,", 3'000) + "2]");
  const std::string b = msgpack_of("[" + repeated("2,", 1'000) + "2]");
  EXPECT_TRUE(jsonb_contains(as_bytes(a), as_bytes(b)));
  {
    const Interrupter interrupter(3);
    EXPECT_FALSE(jsonb_contains(as_bytes(a), as_bytes(b)));
    EXPECT_EQ(interrupter.asked(), 3);
  }
  const std::string value = msgpack_of(long_json());
  const Interrupter interrupter(2);
  EXPECT_NE(compare_jsonb(as_bytes(value), as_bytes(value)), std::strong_ordering::equal);
  EXPECT_EQ(interrupter.asked(), 2);
}

TEST(PayloadInterrupt, ManyKeysAreSortedInParts) {
  constexpr size_t kCount = 100'003;
  const std::string value = msgpack_of(keys(kCount, "0"));
  std::string text;
  append_jsonb_text(as_bytes(value), text);
  // By length, then bytes; all of them.
  EXPECT_TRUE(text.starts_with("{\"0\": 0, \"1\": 0, \"2\": 0"));
  EXPECT_TRUE(text.ends_with("\"100001\": 0, \"100002\": 0}"));
  std::string again;
  append_jsonb_text(as_bytes(msgpack_of(text)), again);
  EXPECT_EQ(text, again);
  // The last of equal keys stays.
  std::string doubled = keys(kCount, "0");
  doubled.back() = ',';
  std::string twice;
  append_jsonb_text(as_bytes(msgpack_of(doubled + keys(kCount, "1").substr(1))), twice);
  std::string ones;
  append_jsonb_text(as_bytes(msgpack_of(keys(kCount, "1"))), ones);
  EXPECT_EQ(twice, ones);
  const Interrupter interrupter(2);
  std::string part;
  append_jsonb_text(as_bytes(value), part);
  EXPECT_LT(part.size(), text.size());
}

}  // namespace
}  // namespace eventd::engine
