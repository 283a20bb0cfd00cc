// Every call of cases/*.txt gives what PostgreSQL 15 gave (make_cases.py), with constant and with
// varying arguments.
#include <filesystem>
#include <fstream>

#include "function_test_support.h"

namespace eventd::engine {
namespace {

struct CallCase {
  std::string name;
  std::vector<std::pair<std::string, std::optional<std::string>>> arguments;  // type, text
  Outcome expected;
};

std::string unescape_line(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      ++i;
      out += text[i] == 'n' ? '\n' : text[i];
    } else {
      out += text[i];
    }
  }
  return out;
}

/// "name | type:value | …", then "  = result", "  ! sqlstate message" or "  NULL".
CallCase parse_case(std::string call, const std::string& answer) {
  CallCase result;
  size_t at = call.find(" | ");
  result.name = call.substr(0, at);
  while (at != std::string::npos) {
    const size_t end = call.find(" | ", at + 3);
    const std::string cell = call.substr(at + 3, end == std::string::npos ? end : end - at - 3);
    const size_t colon = cell.find(':');
    const std::string value = cell.substr(colon + 1);
    result.arguments.emplace_back(cell.substr(0, colon), value == "\\N" ? std::nullopt : std::optional<std::string>(value));
    at = end;
  }
  if (answer.starts_with("  = ")) result.expected.text = unescape_line(answer.substr(4));
  else if (answer.starts_with("  ! ")) {
    result.expected.sqlstate = answer.substr(4, 5);
    result.expected.text = unescape_line(answer.substr(10));
  } else {
    result.expected.is_null = true;
  }
  return result;
}

/// An argument that cannot be read is the call's answer too, as in PostgreSQL.
Outcome run_case(const CallCase& c, ArgumentForm form) {
  std::vector<Datum> arguments;
  for (const auto& [type, text] : c.arguments) {
    const TypeInfo* info = find_type_by_name(type);
    if (info == nullptr) return {"no type " + type, "?", false};
    if (!text) {
      arguments.push_back(Datum::null(info->id));
      continue;
    }
    Result<Datum> value = datum_from_text(test_context(), Type{info->id, -1}, *text);
    if (!value.ok()) return {value.error().message, std::string(value.error().code.text()), false};
    arguments.push_back(std::move(value).value());
  }
  const ScalarFunction* function = find_overload(c.name, arguments);
  if (function == nullptr) return {"no such function", "?", false};
  return call(*function, arguments, form);
}

class Cases : public testing::TestWithParam<std::string> {};

TEST_P(Cases, AnswerAsPostgresql) {
  std::ifstream file(std::string(EVENTD_FUNCTION_CASES) + "/" + GetParam());
  ASSERT_TRUE(file.is_open());
  std::string line, answer;
  size_t count = 0;
  while (std::getline(file, line)) {
    if (line.empty() || line[0] == '#') continue;
    ASSERT_TRUE(std::getline(file, answer));
    const CallCase c = parse_case(line, answer);
    ++count;
    for (const ArgumentForm form : {ArgumentForm::kConstant, ArgumentForm::kFlat}) {
      const Outcome got = run_case(c, form);
      EXPECT_EQ(got, c.expected) << line;
      if (!(got == c.expected)) break;
    }
  }
  EXPECT_GT(count, 20u);
}

std::vector<std::string> case_files() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(EVENTD_FUNCTION_CASES))
    if (entry.path().extension() == ".txt") names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  return info.param.substr(0, info.param.find('.'));
}
INSTANTIATE_TEST_SUITE_P(Files, Cases, testing::ValuesIn(case_files()), test_name);

}  // namespace
}  // namespace eventd::engine
