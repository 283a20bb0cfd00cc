// Walking a JSON text in place: type json keeps its text as it was written.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace eventd::engine {

/// Parts of a JSON text that the input function of json has accepted. Views into the text.
struct JsonMember {
  std::string_view key;  ///< with its quotes
  std::string_view value;
};

/// The text without the space around it.
std::string_view trim_json(std::string_view text);
/// Elements of an array; REQUIRES: text begins with '['.
std::vector<std::string_view> json_elements(std::string_view text);
/// Members of an object in the order written, duplicates too; REQUIRES: text begins with '{'.
std::vector<JsonMember> json_members(std::string_view text);
/// Appends a string literal's value. False: it holds \u0000.
bool append_json_unescaped(std::string_view literal, std::string& out);
/// object, array, string, number, boolean, null.
std::string_view json_type_name(std::string_view text);
/// What ->> gives: a string's value, NULL for null, else the text.
std::optional<std::string> json_scalar_text(std::string_view text);

}  // namespace eventd::engine
