#include "engine/types/inet_text.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "engine/types/integer_text.h"

namespace eventd::engine {
namespace {

constexpr uint8_t kFamily4 = 2, kFamily6 = 3;

// Abbreviated cidr ("10", "10.1", "192.168.1") → number of bytes read, 0 if it is none.
size_t abbreviated_v4(std::string_view text, uint8_t* address) {
  size_t count = 0;
  while (count < 4) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || value > 255) return 0;
    address[count++] = static_cast<uint8_t>(value);
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    if (text.empty()) return count;
    if (text[0] != '.') return 0;
    text.remove_prefix(1);
  }
  return 0;
}

// The prefix a bare cidr address implies: classful, but covering all bytes given.
int classful_bits(const uint8_t* address, size_t bytes) {
  const int first = address[0];
  const int bits = first >= 240 ? 32 : first >= 224 ? 8 : first >= 192 ? 24 : first >= 128 ? 16 : 8;
  const int covering = std::max(bits, static_cast<int>(bytes) * 8);
  return covering == 8 && first == 224 ? 4 : covering;  // a class D address alone
}

}  // namespace

Result<std::string> parse_inet(std::string_view text, bool cidr) {
  const std::string_view name = cidr ? "cidr" : "inet";
  const size_t slash = text.find('/');
  const std::string address_text(text.substr(0, slash));
  uint8_t address[16] = {};
  int bits = -1, max_bits = 32;
  uint8_t family = kFamily4;
  size_t given = 4;
  if (address_text.size() > 64 || address_text.find('\0') != std::string::npos) return invalid_input(name, text);
  if (address_text.find(':') != std::string::npos) {
    family = kFamily6;
    max_bits = 128;
    if (inet_pton(AF_INET6, address_text.c_str(), address) != 1) return invalid_input(name, text);
  } else if (inet_pton(AF_INET, address_text.c_str(), address) != 1) {
    given = cidr || slash != std::string_view::npos ? abbreviated_v4(address_text, address) : 0;
    if (given == 0) return invalid_input(name, text);
  }
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (error != std::errc() || end != digits.data() + digits.size() || bits < 0 || bits > max_bits)
      return invalid_input(name, text);
  } else {
    bits = cidr && family == kFamily4 ? (given == 4 ? 32 : classful_bits(address, given)) : max_bits;
  }
  if (cidr) {
    for (int i = bits; i < max_bits; ++i) {
      if ((address[i / 8] >> (7 - i % 8) & 1) == 0) continue;
      Error error{sqlstate::kInvalidTextRepresentation, "invalid cidr value: \"", {}, {}, {}, 0};
      error.message.append(text).append("\"");
      error.detail = "Value has bits set to right of mask.";
      return Status(std::move(error));
    }
  }
  const auto size = static_cast<uint8_t>(max_bits / 8);
  std::string out{static_cast<char>(family), static_cast<char>(bits), static_cast<char>(cidr), static_cast<char>(size)};
  out.append(reinterpret_cast<const char*>(address), size);
  return out;
}

void append_inet(std::string_view binary, bool cidr, std::string& out) {
  if (binary.size() < 4) return;
  const bool v6 = binary[0] == kFamily6;
  const size_t size = v6 ? 16 : 4;
  const int bits = static_cast<uint8_t>(binary[1]);
  if (binary.size() != 4 + size) return;
  char buffer[INET6_ADDRSTRLEN];
  if (inet_ntop(v6 ? AF_INET6 : AF_INET, binary.data() + 4, buffer, sizeof buffer) == nullptr) return;
  out += buffer;
  if (cidr || bits != (v6 ? 128 : 32)) {
    out.push_back('/');
    append_integer(bits, out);
  }
}

namespace {

// The bytes, 12 or up to `digits_max` digits.
Result<std::string> parse_hex_pairs(std::string_view type, std::string_view text, size_t digits_max) {
  const std::string_view body = trim_input_space(text);
  std::string out;
  size_t digits = 0;
  unsigned byte = 0;
  size_t since_separator = 0;
  char separator = 0;
  for (const char c : body) {
    const int v = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (v < 0) {
      const bool allowed = (c == ':' || c == '-' || c == '.') && (separator == 0 || separator == c) &&
                           since_separator > 0 && digits % 2 == 0;
      if (!allowed) return invalid_input(type, text);
      separator = c;
      since_separator = 0;
      continue;
    }
    byte = byte << 4 | static_cast<unsigned>(v);
    ++since_separator;
    if (++digits > digits_max) return invalid_input(type, text);
    if (digits % 2 == 0) {
      out.push_back(static_cast<char>(byte));
      byte = 0;
    }
  }
  if ((digits != 12 && digits != digits_max) || since_separator == 0) return invalid_input(type, text);
  return out;
}

}  // namespace

Result<std::string> parse_macaddr(std::string_view text) { return parse_hex_pairs("macaddr", text, 12); }

Result<std::string> parse_macaddr8(std::string_view text) {
  ASSIGN_OR_RETURN(std::string bytes, parse_hex_pairs("macaddr8", text, 16));
  if (bytes.size() == 6) bytes.insert(3, "\xff\xfe");
  return bytes;
}

void append_macaddr(std::string_view binary, std::string& out) {
  for (size_t i = 0; i < binary.size(); ++i) {
    char buffer[4];
    snprintf(buffer, sizeof buffer, "%02x", static_cast<uint8_t>(binary[i]));
    if (i > 0) out.push_back(':');
    out += buffer;
  }
}

}  // namespace eventd::engine
