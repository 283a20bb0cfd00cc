// UTF-8: validity and characters, for query texts and error positions.
#pragma once

#include <cstddef>
#include <string_view>

namespace eventd::pgwire {

/// Well-formed UTF-8 (no overlong forms, no surrogates, up to U+10FFFF) without zero bytes.
bool is_valid_utf8(std::string_view text);
/// Characters in `text`, which is valid UTF-8.
size_t count_characters(std::string_view text);

}  // namespace eventd::pgwire
