// Calls catalog functions on values given as text.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "engine/functions/function.h"
#include "engine/types/time_zone.h"

namespace eventd::engine {

struct TextValue {
  const char* type;  ///< typname
  std::string text;
  bool is_null = false;
};

struct Outcome {
  std::string text;      ///< value or error message
  std::string sqlstate;  ///< empty = no error
  bool is_null = false;
  bool operator==(const Outcome&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  if (!outcome.sqlstate.empty()) return out << "error " << outcome.sqlstate << ": " << outcome.text;
  return outcome.is_null ? out << "NULL" : out << "'" << outcome.text << "'";
}

enum class ArgumentForm { kConstant, kFlat, kDictionary };

const EvalContext& test_context();
Datum datum_of(const TextValue& value);
/// One value in `rows` rows of the given form; the dictionary's other entry is NULL.
Vector vector_of(const Datum& value, ArgumentForm form, uint32_t rows);
/// The overload of `name` that takes exactly these types (any/polymorphic ones count as equal).
const ScalarFunction* find_overload(std::string_view name, const std::vector<Datum>& arguments);
/// Runs three rows; expects all rows to agree and returns the last one's outcome.
Outcome call(const ScalarFunction& function, const std::vector<Datum>& arguments, ArgumentForm form);
Outcome call(std::string_view name, const std::vector<TextValue>& arguments,
             ArgumentForm form = ArgumentForm::kConstant);

/// An aggregate over text values (one column a vector), each value one row. `split` > 0: the
/// first `split` rows go to a second state, which is then combined in.
Outcome aggregate(std::string_view name, const std::vector<std::vector<TextValue>>& columns,
                  size_t split = 0, bool grouped = false);

}  // namespace eventd::engine
