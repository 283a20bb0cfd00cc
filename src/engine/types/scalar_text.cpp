#include "engine/types/scalar_text.h"

#include "engine/types/integer_text.h"

namespace eventd::engine {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Result<bool> parse_bool(std::string_view text) {
  const std::string_view body = trim_input_space(text);
  std::string word(body.substr(0, 6));
  for (char& c : word)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  const auto prefix_of = [&](std::string_view whole) {
    return !body.empty() && body.size() <= whole.size() && whole.starts_with(word);
  };
  if (prefix_of("true") || prefix_of("yes") || word == "on" || word == "1") return true;
  if (prefix_of("false") || prefix_of("no") || (body.size() > 1 && prefix_of("off")) || word == "0")
    return false;
  return invalid_input("boolean", text);
}

Status parse_uuid(std::string_view text, uint8_t* out) {
  std::string_view body = text;
  const bool braces = body.starts_with('{');
  if (braces) body.remove_prefix(1);
  size_t at = 0;
  for (int i = 0; i < 16; ++i) {
    if (at + 1 >= body.size()) return invalid_input("uuid", text);
    const int high = hex_value(body[at]), low = hex_value(body[at + 1]);
    if (high < 0 || low < 0) return invalid_input("uuid", text);
    out[i] = static_cast<uint8_t>(high << 4 | low);
    at += 2;
    // A hyphen may follow each fourth digit.
    if (i % 2 == 1 && i < 15 && at < body.size() && body[at] == '-') ++at;
  }
  if (braces ? body.substr(at) != "}" : at != body.size()) return invalid_input("uuid", text);
  return Status();
}

void append_uuid(const uint8_t* bytes, std::string& out) {
  char buffer[36];
  char* to = buffer;
  for (int i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *to++ = '-';
    *to++ = kHexDigits[bytes[i] >> 4];
    *to++ = kHexDigits[bytes[i] & 15];
  }
  out.append(buffer, sizeof buffer);
}

Result<std::string> parse_bytea(std::string_view text) {
  std::string out;
  if (text.starts_with("\\x")) {
    out.reserve(text.size() / 2);
    size_t at = 2;
    while (at < text.size()) {
      if (is_input_space(text[at])) {
        ++at;
        continue;
      }
      const int high = hex_value(text[at]);
      if (high < 0 || at + 1 >= text.size() || hex_value(text[at + 1]) < 0) {
        const bool odd = high >= 0 && at + 1 >= text.size();
        std::string message = odd ? "invalid hexadecimal data: odd number of digits"
                                  : "invalid hexadecimal digit: \"";
        if (!odd) message.append(1, text[high < 0 ? at : at + 1]).append("\"");
        return Status(sqlstate::kInvalidParameterValue, std::move(message));
      }
      out.push_back(static_cast<char>(high << 4 | hex_value(text[at + 1])));
      at += 2;
    }
    return out;
  }
  const auto octal = [&](size_t i, char max) {
    return i < text.size() && text[i] >= '0' && text[i] <= max;
  };
  for (size_t at = 0; at < text.size();) {
    if (text[at] != '\\') {
      out.push_back(text[at++]);
    } else if (at + 1 < text.size() && text[at + 1] == '\\') {
      out.push_back('\\');
      at += 2;
    } else if (octal(at + 1, '3') && octal(at + 2, '7') && octal(at + 3, '7')) {
      out.push_back(static_cast<char>((text[at + 1] - '0') << 6 | (text[at + 2] - '0') << 3 |
                                      (text[at + 3] - '0')));
      at += 4;
    } else {
      return Status(sqlstate::kInvalidTextRepresentation, "invalid input syntax for type bytea");
    }
  }
  return out;
}

void append_bytea(ByteaOutput style, std::string_view bytes, std::string& out) {
  if (style == ByteaOutput::kHex) {
    const size_t start = out.size();
    out.resize(start + 2 + bytes.size() * 2);
    char* to = out.data() + start;
    *to++ = '\\';
    *to++ = 'x';
    for (const char c : bytes) {
      const auto b = static_cast<uint8_t>(c);
      *to++ = kHexDigits[b >> 4];
      *to++ = kHexDigits[b & 15];
    }
    return;
  }
  for (const char c : bytes) {
    const auto b = static_cast<uint8_t>(c);
    if (c == '\\') {
      out += "\\\\";
    } else if (b < 0x20 || b > 0x7e) {
      out.push_back('\\');
      out.push_back(static_cast<char>('0' + (b >> 6)));
      out.push_back(static_cast<char>('0' + (b >> 3 & 7)));
      out.push_back(static_cast<char>('0' + (b & 7)));
    } else {
      out.push_back(c);
    }
  }
}

}  // namespace eventd::engine
