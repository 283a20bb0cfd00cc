// Date/time and jsonb functions against what PostgreSQL 15 answered (datetime_jsonb_cases.sql), with
// constant and with varying arguments.
#include <gtest/gtest.h>

#include "engine/functions/function.h"
#include "engine/types/time_zone.h"

namespace eventd::engine {
namespace {

struct Case {
  std::string_view call, sqlstate, expected;
};
constexpr Case kCases[] = {
#include "datetime_jsonb_cases.inc"
};

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t bar = text.find('|');
    parts.push_back(text.substr(0, bar));
    if (bar == std::string_view::npos) return parts;
    text.remove_prefix(bar + 1);
  }
}

// PostgreSQL finds to_jsonb(anyelement) by itself; here by name.
const ScalarFunction* find(std::string_view name, const std::vector<Oid>& types) {
  if (name == "to_jsonb") return FunctionCatalog::instance().find(name, std::vector<Oid>{oid::kAnyElement});
  return FunctionCatalog::instance().find(name, types);
}

class DatetimeJsonbCases : public testing::TestWithParam<bool> {};

TEST_P(DatetimeJsonbCases, AnswerAsPostgresql) {
  CancelToken cancel;
  EvalContext context;
  context.format.time_zone = TimeZone::find("America/New_York");
  context.cancel = &cancel;
  for (const Case& c : kCases) {
    SCOPED_TRACE(std::string(c.call));
    const auto parts = split(c.call);
    std::vector<Oid> types;
    std::vector<Vector> arguments;
    for (size_t i = 1; i < parts.size(); ++i) {
      const size_t equals = parts[i].find('=');
      types.push_back(find_type_by_name(parts[i].substr(0, equals))->id);
      const Result<Datum> value = datum_from_text(context, Type{types.back(), -1}, parts[i].substr(equals + 1));
      ASSERT_TRUE(value.ok()) << value.error().message;
      Vector vector = Vector::constant(*value, 2);
      arguments.push_back(GetParam() ? vector : vector.flattened());
    }
    const ScalarFunction* function = find(parts[0], types);
    if (function == nullptr) {
      ADD_FAILURE() << "no such function";
      continue;
    }
    Vector result;
    const Status status = function->kernel(CallFrame{context, arguments, 2, Type{function->result, -1}}, result);
    if (!c.sqlstate.empty()) {
      if (status.ok()) {
        ADD_FAILURE() << "no error " << c.expected;
      } else {
        EXPECT_EQ(status.error().code.text(), c.sqlstate);
        EXPECT_EQ(status.error().message, c.expected);
      }
      continue;
    }
    if (!status.ok()) {
      ADD_FAILURE() << status.error().message << ", expected " << c.expected;
      continue;
    }
    std::string text = "<NULL>";
    if (!result.is_null(1)) {
      text.clear();
      append_text(context.format, result, 1, text);
      if (function->result == oid::kBool) text = text == "t" ? "true" : "false";
    }
    EXPECT_EQ(text, c.expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Forms, DatetimeJsonbCases, testing::Values(true, false));

}  // namespace
}  // namespace eventd::engine
