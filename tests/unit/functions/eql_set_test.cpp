#include "engine/functions/eql_set.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "engine/functions/eql_compare.h"
#include "engine/payload/json_to_msgpack.h"
#include "engine/payload/msgpack_writer.h"

namespace eventd::engine {
namespace {

std::string packed(std::string_view json) {
  std::string out;
  EXPECT_TRUE(append_msgpack_from_json(json, {}, out).ok()) << json;
  return out;
}

std::vector<std::string> values_of_all_kinds() {
  std::vector<std::string> values;
  for (const char* json : {"0", "1", "-1", "1.5", "1.0", "1.50", "127", "-129", "9007199254740993", "9007199254740992.0",
                           "9223372036854775807", "-9223372036854775808", "9223372036854775808", "18446744073709551615",
                           "18446744073709551616", "0.1", "0.10000000000000000000000001", "1e300", "-0.0",
                           "\"abc\"", "\"ABC\"", "\"\"", "\"1\"", "\"\\\\x61\"", "true", "false"}) {
    values.push_back(packed(json));
  }
  MsgpackWriter(values.emplace_back()).real(std::numeric_limits<double>::quiet_NaN());
  MsgpackWriter(values.emplace_back()).real(std::numeric_limits<double>::infinity());
  MsgpackWriter(values.emplace_back()).binary("a");
  return values;
}

TEST(EqlSetTest, HoldsWhatIsEqualToALiteral) {
  const std::vector<std::string> values = values_of_all_kinds();
  for (const std::string& literal : values) {
    if (eql_token(as_bytes(literal)).kind == MsgpackKind::kBinary) continue;  // no literal is
    std::string array;
    MsgpackWriter(array).array_header(1);
    array += literal;
    const EqlSet set(as_bytes(array));
    for (const std::string& value : values) {
      EXPECT_EQ(set.contains(eql_token(as_bytes(value))), eql_equal(eql_token(as_bytes(value)), eql_token(as_bytes(literal))))
          << testing::PrintToString(value) << " among " << testing::PrintToString(literal);
    }
  }
}

TEST(EqlSetTest, AllLiteralsCount) {
  const EqlSet set(as_bytes(packed(R"([1, "two", 3.25, true, 18446744073709551616])")));
  for (const char* json : {"1.0", "\"TWO\"", "3.25", "true", "18446744073709551616"}) {
    EXPECT_TRUE(set.contains(eql_token(as_bytes(packed(json))))) << json;
  }
  for (const char* json : {"2", "\"1\"", "false", "[1]", "{}", "18446744073709551615"}) {
    EXPECT_FALSE(set.contains(eql_token(as_bytes(packed(json))))) << json;
  }
}

}  // namespace
}  // namespace eventd::engine
