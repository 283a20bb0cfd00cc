// Every call of oracle_cases.txt gives what PostgreSQL 15 gave, in every form of vector.
#include "function_test_support.h"

namespace eventd::engine {
namespace {

struct OracleCase {
  const char* name;
  std::vector<TextValue> arguments;
  std::string text;
  const char* sqlstate;
  bool is_null;
};

const std::vector<OracleCase>& cases() {
  static const auto* all = new std::vector<OracleCase>{
#include "oracle_cases.inc"
  };
  return *all;
}

std::string describe(const OracleCase& c) {
  std::string text = std::string(c.name) + "(";
  for (const TextValue& a : c.arguments)
    text += std::string(a.type) + ":" + (a.is_null ? "NULL" : a.text) + " ";
  return text + ")";
}

void run_all(ArgumentForm form) {
  for (const OracleCase& c : cases()) {
    const Outcome expected{c.text, c.sqlstate, c.is_null};
    EXPECT_EQ(call(c.name, c.arguments, form), expected) << describe(c);
  }
}

TEST(Oracle, Constants) { run_all(ArgumentForm::kConstant); }
TEST(Oracle, FlatColumns) { run_all(ArgumentForm::kFlat); }
TEST(Oracle, DictionaryColumns) { run_all(ArgumentForm::kDictionary); }

}  // namespace
}  // namespace eventd::engine
