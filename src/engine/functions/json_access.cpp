// Reading json: -> ->> #> #>>, json_typeof, json_array_length, json_strip_nulls.
#include <charconv>

#include "engine/functions/json_text.h"
#include "engine/functions/jsonb_functions.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/payload/jsonb_text.h"
#include "engine/types/array_format.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;
using Found = std::optional<std::string_view>;

bool same_key(std::string_view literal, std::string_view key) {
  if (literal.find('\\') == std::string_view::npos) return literal.substr(1, literal.size() - 2) == key;
  std::string name;
  return append_json_unescaped(literal, name) && name == key;
}

/// The last of duplicates.
Found json_member(std::string_view text, std::string_view key) {
  const std::string_view value = trim_json(text);
  if (!value.starts_with('{')) return std::nullopt;
  Found found;
  for (const JsonMember& member : json_members(value))
    if (same_key(member.key, key)) found = member.value;
  return found;
}

Found json_element(std::string_view text, int64_t index) {
  const std::string_view value = trim_json(text);
  if (!value.starts_with('[')) return std::nullopt;
  const std::vector<std::string_view> elements = json_elements(value);
  if (index < 0) index += static_cast<int64_t>(elements.size());
  if (index < 0 || index >= static_cast<int64_t>(elements.size())) return std::nullopt;
  return elements[static_cast<size_t>(index)];
}

template <bool kText>
bool give(Found found, StringOut& out) {
  if (!found) return false;
  if (!kText) {
    out.keep(*found);
    return true;
  }
  const std::optional<std::string> text = json_scalar_text(*found);
  if (!text) return false;
  out.copy(*text);
  return true;
}

template <bool kText>
Result<bool> at_path(const StringRef& value, const StringRef& array, StringOut& out) {
  ASSIGN_OR_RETURN(ArrayReader reader, ArrayReader::open(array.view()));
  Found found = value.view();
  for (int64_t i = 0; i < reader.element_count(); ++i) {
    const auto step = reader.next();
    if (!step) return false;
    if (!found) continue;
    if (trim_json(*found).starts_with('[')) {
      int32_t index = 0;
      const auto [end, error] = std::from_chars(step->data(), step->data() + step->size(), index);
      found = error == std::errc() && end == step->data() + step->size() ? json_element(*found, index) : std::nullopt;
    } else {
      found = json_member(*found, *step);
    }
  }
  return give<kText>(found, out);
}

/// A string literal with PostgreSQL's own escapes.
void append_again(std::string_view literal, std::string& out) {
  std::string text;
  if (append_json_unescaped(literal, text)) append_json_string(text, out);
  else out += literal;
}

/// Compact, without members that are null.
void strip_json_nulls(std::string_view text, std::string& out) {
  const std::string_view value = trim_json(text);
  const char* separator = "";
  if (value.starts_with('{')) {
    out += '{';
    for (const JsonMember& member : json_members(value)) {
      if (member.value == "null") continue;
      out += separator;
      append_again(member.key, out);
      out += ':';
      strip_json_nulls(member.value, out);
      separator = ",";
    }
    out += '}';
  } else if (value.starts_with('[')) {
    out += '[';
    for (const std::string_view element : json_elements(value)) {
      out += separator;
      strip_json_nulls(element, out);
      separator = ",";
    }
    out += ']';
  } else if (value.starts_with('"')) {
    append_again(value, out);
  } else {
    out += value;
  }
}

}  // namespace

void register_json_access(Builder& builder) {
  builder.builtin("json_object_field(json,text)",
                  row_kernel<StringRef, StringRef, StringRef>([](const StringRef& v, const StringRef& key, StringOut& out) {
                    return give<false>(json_member(v.view(), key.view()), out);
                  }));
  builder.builtin("json_object_field_text(json,text)",
                  row_kernel<StringRef, StringRef, StringRef>([](const StringRef& v, const StringRef& key, StringOut& out) {
                    return give<true>(json_member(v.view(), key.view()), out);
                  }));
  builder.builtin("json_array_element(json,int4)",
                  row_kernel<StringRef, StringRef, int32_t>([](const StringRef& v, int32_t index, StringOut& out) {
                    return give<false>(json_element(v.view(), index), out);
                  }));
  builder.builtin("json_array_element_text(json,int4)",
                  row_kernel<StringRef, StringRef, int32_t>([](const StringRef& v, int32_t index, StringOut& out) {
                    return give<true>(json_element(v.view(), index), out);
                  }));
  builder.builtin("json_extract_path(json,_text)",
                  row_kernel<StringRef, StringRef, StringRef>([](const StringRef& v, const StringRef& path, StringOut& out) {
                    return at_path<false>(v, path, out);
                  }));
  builder.builtin("json_extract_path_text(json,_text)",
                  row_kernel<StringRef, StringRef, StringRef>([](const StringRef& v, const StringRef& path, StringOut& out) {
                    return at_path<true>(v, path, out);
                  }));
  builder.builtin("json_typeof(json)", row_kernel<StringRef, StringRef>([](const StringRef& v, StringOut& out) {
                    out.keep(json_type_name(v.view()));
                  }));
  builder.builtin("json_array_length(json)", row_kernel<int32_t, StringRef>([](const StringRef& v, int32_t& out) -> Status {
                    const std::string_view value = trim_json(v.view());
                    if (!value.starts_with('['))
                      return Status(sqlstate::kInvalidParameterValue, value.starts_with('{')
                                                                          ? "cannot get array length of a non-array"
                                                                          : "cannot get array length of a scalar");
                    out = static_cast<int32_t>(json_elements(value).size());
                    return Status();
                  }));
  builder.builtin("json_strip_nulls(json)", row_kernel<StringRef, StringRef>([](const StringRef& v, StringOut& out) {
                    std::string& buffer = out.buffer();
                    strip_json_nulls(v.view(), buffer);
                    out.copy(buffer);
                  }));
}

}  // namespace eventd::engine
