// JSON text → msgpack → canonical jsonb text, against what PostgreSQL 15 answered (json_cases.sql).
#include <gtest/gtest.h>

#include "bytes.h"
#include "engine/payload/json_to_msgpack.h"
#include "engine/payload/jsonb_text.h"
#include "kmes/validate.h"

namespace eventd::engine {
namespace {

struct Case {
  std::string_view input, sqlstate, expected, detail;
};
constexpr Case kCases[] = {
#include "json_cases.inc"
};

TEST(JsonCases, AnswerAsPostgresql) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(std::string(c.input));
    std::string value = "kept";
    const Status status = append_msgpack_from_json(c.input, JsonLimits{}, value);
    if (c.sqlstate.empty()) {
      ASSERT_TRUE(status.ok()) << status.error().message << ' ' << status.error().detail;
      const ByteSpan bytes = as_bytes(value).subspan(4);
      EXPECT_TRUE(kmes_msgpack_valid(bytes.data(), bytes.size(), KMES_NESTING_MAX));
      std::string text;
      append_jsonb_text(bytes, text);
      EXPECT_EQ(text, c.expected);
    } else {
      EXPECT_EQ(value, "kept");
      ASSERT_FALSE(status.ok());
      EXPECT_EQ(status.error().code.text(), c.sqlstate);
      EXPECT_EQ(status.error().message, c.expected);
      EXPECT_EQ(status.error().detail, c.detail);
    }
  }
}

}  // namespace
}  // namespace eventd::engine
