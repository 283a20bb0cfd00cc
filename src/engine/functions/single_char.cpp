#include "engine/functions/single_char.h"

#include <cstdint>

namespace eventd::engine {
namespace {

bool is_octal(char c) { return c >= '0' && c <= '7'; }

}  // namespace

std::string_view char_from_text(std::string_view text, char& byte) {
  const bool escaped = text.size() == 4 && text[0] == '\\' && is_octal(text[1]) &&
                       is_octal(text[2]) && is_octal(text[3]);
  if (escaped) {
    // As in C there, what is past a byte is cut off.
    byte = static_cast<char>(((text[1] - '0') << 6) + ((text[2] - '0') << 3) + (text[3] - '0'));
  } else {
    byte = text.empty() ? '\0' : text[0];
  }
  return byte == '\0' ? std::string_view() : std::string_view(&byte, 1);
}

void append_char_text(std::string_view value, std::string& out) {
  if (value.empty()) return;
  const auto byte = static_cast<uint8_t>(value[0]);
  if (byte < 0x80) {
    out.push_back(value[0]);
    return;
  }
  out.push_back('\\');
  for (const int shift : {6, 3, 0}) out.push_back(static_cast<char>('0' + ((byte >> shift) & 7)));
}

}  // namespace eventd::engine
