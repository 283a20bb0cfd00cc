// The type "char": one byte, which need not be a character.
#pragma once

#include <string>
#include <string_view>

namespace eventd::engine {

/// The value that a text means: its first byte, or \ooo; kept as one byte, zero as none.
/// Source: src/backend/utils/adt/char.c of PostgreSQL 15 (charin).
std::string_view char_from_text(std::string_view text, char& byte);
/// Bytes past ASCII as \ooo (charout).
void append_char_text(std::string_view value, std::string& out);

}  // namespace eventd::engine
