// SQL quoting, as quote_ident() and quote_literal() do it.
#pragma once

#include <string>
#include <string_view>

namespace eventd::engine {

/// Appends the identifier, in double quotes if it needs them (upper case, odd characters, keyword).
void append_quoted_identifier(std::string_view identifier, std::string& out);
/// Appends a string literal; with a backslash inside as E'…'.
void append_quoted_literal(std::string_view text, std::string& out);

}  // namespace eventd::engine
