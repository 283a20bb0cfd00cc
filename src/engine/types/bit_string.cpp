#include "engine/types/bit_string.h"

#include <cstdint>

#include "bytes.h"

namespace eventd::engine {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// The character at the beginning, all of its bytes.
std::string first_character(std::string_view text) {
  size_t size = 1;
  while (size < text.size() && (static_cast<uint8_t>(text[size]) & 0xc0) == 0x80) ++size;
  return std::string(text.substr(0, size));
}

Status not_a_digit(std::string_view text, const char* kind) {
  return Status(sqlstate::kInvalidTextRepresentation,
                "\"" + first_character(text) + "\" is not a valid " + kind + " digit");
}

}  // namespace

Status check_bit_length(const Type& type, size_t bits) {
  if (type.modifier <= 0) return {};
  const auto wanted = static_cast<size_t>(type.modifier);
  if (type.id == oid::kBit && bits != wanted) {
    return {kBitLengthMismatch,
            "bit string length " + std::to_string(bits) + " does not match type bit(" +
                std::to_string(wanted) + ")"};
  }
  if (type.id == oid::kVarbit && bits > wanted) {
    return {sqlstate::kStringDataRightTruncation,
            "bit string too long for type bit varying(" + std::to_string(wanted) + ")"};
  }
  return {};
}

Result<std::string> parse_bit_string(const Type& type, std::string_view text) {
  const bool hexadecimal = text.starts_with('x') || text.starts_with('X');
  if (hexadecimal || text.starts_with('b') || text.starts_with('B')) text.remove_prefix(1);
  const size_t count = hexadecimal ? text.size() * 4 : text.size();
  if (count > static_cast<size_t>(kBitLengthMax)) {
    return Status(sqlstate::kProgramLimitExceeded, "bit string length exceeds the maximum allowed (" +
                                                       std::to_string(kBitLengthMax) + ")");
  }
  RETURN_IF_ERROR(check_bit_length(type, count));
  if (!hexadecimal) {
    const size_t wrong = text.find_first_not_of("01");
    if (wrong != text.npos) return not_a_digit(text.substr(wrong), "binary");
    return std::string(text);
  }
  std::string bits;
  bits.reserve(count);
  for (size_t i = 0; i < text.size(); ++i) {
    const int digit = hex_digit(text[i]);
    if (digit < 0) return not_a_digit(text.substr(i), "hexadecimal");
    for (int bit = 3; bit >= 0; --bit) bits.push_back((digit >> bit & 1) != 0 ? '1' : '0');
  }
  return bits;
}

void append_bit_string_binary(std::string_view bits, std::string& out) {
  append_be(out, static_cast<int32_t>(bits.size()));
  for (size_t i = 0; i < bits.size(); i += 8) {
    uint8_t byte = 0;
    for (size_t bit = 0; bit < 8 && i + bit < bits.size(); ++bit) {
      if (bits[i + bit] == '1') byte = static_cast<uint8_t>(byte | (0x80 >> bit));
    }
    out.push_back(static_cast<char>(byte));
  }
}

Result<std::string> bit_string_from_binary(const Type& type, std::string_view bytes) {
  const auto bad = [](const char* message) {
    return Status(sqlstate::kInvalidBinaryRepresentation, message);
  };
  if (bytes.size() < 4) return bad("insufficient data left in message");
  const auto count = load_be<int32_t>(bytes.data());
  if (count < 0 || count > kBitLengthMax) return bad("invalid length in external bit string");
  bytes.remove_prefix(4);
  const auto bits = static_cast<size_t>(count);
  if (bytes.size() != (bits + 7) / 8) return bad("insufficient data left in message");
  RETURN_IF_ERROR(check_bit_length(type, bits));
  std::string out;
  out.reserve(bits);
  for (size_t i = 0; i < bits; ++i) {
    const auto byte = static_cast<uint8_t>(bytes[i / 8]);
    out.push_back((byte & (0x80 >> i % 8)) != 0 ? '1' : '0');
  }
  return out;
}

}  // namespace eventd::engine
