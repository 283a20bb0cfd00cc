// Text forms of the integer types.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/types/type.h"
#include "result.h"

namespace eventd::engine {

/// Surrounding spaces and a sign allowed. 22P02 `invalid input syntax for type integer: "x"`,
/// 22003 `value "…" is out of range for type integer`. T: int16_t, int32_t, int64_t.
template <class T>
Result<T> parse_integer(std::string_view text);
extern template Result<int16_t> parse_integer(std::string_view);
extern template Result<int32_t> parse_integer(std::string_view);
extern template Result<int64_t> parse_integer(std::string_view);
/// oid: an unsigned 32-bit number, negative ones wrap as PostgreSQL's.
Result<uint32_t> parse_oid(std::string_view text);

template <class T>
void append_integer(T value, std::string& out) {
  char buffer[24];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  out.append(buffer, static_cast<size_t>(end - buffer));
}

/// The space characters PostgreSQL's input functions skip.
inline bool is_input_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
std::string_view trim_input_space(std::string_view text);
/// 22P02 `invalid input syntax for type TYPE: "TEXT"`.
Status invalid_input(std::string_view type_name, std::string_view text);

}  // namespace eventd::engine
