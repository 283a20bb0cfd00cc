#include "engine/types/integer_text.h"

namespace eventd::engine {

std::string_view trim_input_space(std::string_view text) {
  while (!text.empty() && is_input_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_input_space(text.back())) text.remove_suffix(1);
  return text;
}

Status invalid_input(std::string_view type_name, std::string_view text) {
  std::string message = "invalid input syntax for type ";
  message.append(type_name).append(": \"").append(text).append("\"");
  return Status(sqlstate::kInvalidTextRepresentation, std::move(message));
}

namespace {

Status out_of_range(std::string_view type_name, std::string_view text) {
  std::string message = "value \"";
  message.append(text).append("\" is out of range for type ").append(type_name);
  return Status(sqlstate::kNumericValueOutOfRange, std::move(message));
}

template <class T>
constexpr std::string_view kTypeName = sizeof(T) == 2   ? "smallint"
                                       : sizeof(T) == 4 ? "integer"
                                                        : "bigint";

// from_chars without its refusal of '+'. `end` must be reached.
template <class T>
std::errc read_number(std::string_view digits, T& value) {
  if (digits.size() > 1 && digits[0] == '+' && digits[1] != '-') digits.remove_prefix(1);
  const char* end = digits.data() + digits.size();
  const auto [at, error] = std::from_chars(digits.data(), end, value);
  return error != std::errc::invalid_argument && at != end ? std::errc::invalid_argument : error;
}

}  // namespace

template <class T>
Result<T> parse_integer(std::string_view text) {
  T value = 0;
  const std::errc error = read_number(trim_input_space(text), value);
  if (error == std::errc()) [[likely]] return value;
  if (error == std::errc::result_out_of_range) return out_of_range(kTypeName<T>, text);
  return invalid_input(kTypeName<T>, text);
}
template Result<int16_t> parse_integer(std::string_view);
template Result<int32_t> parse_integer(std::string_view);
template Result<int64_t> parse_integer(std::string_view);

Result<uint32_t> parse_oid(std::string_view text) {
  int64_t value = 0;
  const std::errc error = read_number(trim_input_space(text), value);
  if (error == std::errc::invalid_argument) return invalid_input("oid", text);
  if (error != std::errc() || value > UINT32_MAX || value < INT32_MIN)
    return out_of_range("oid", text);
  return static_cast<uint32_t>(value);
}

}  // namespace eventd::engine
