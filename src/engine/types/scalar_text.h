// Text forms of bool, uuid and bytea.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/types/format_options.h"
#include "result.h"

namespace eventd::engine {

/// t/true/y/yes/on/1 and prefixes, any case; 22P02.
Result<bool> parse_bool(std::string_view text);

/// Any of PostgreSQL's spellings (braces, hyphens after each fourth digit); 22P02. 16 bytes.
Status parse_uuid(std::string_view text, uint8_t* out);
void append_uuid(const uint8_t* bytes, std::string& out);

/// Hex (\x…) or escape form; 22P02, 22023.
Result<std::string> parse_bytea(std::string_view text);
void append_bytea(ByteaOutput style, std::string_view bytes, std::string& out);

}  // namespace eventd::engine
