// EQL's tokens (spec: query-language.md, "Tokens").
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace eventd::engine {

struct EqlToken {
  enum class Kind : uint8_t {
    kWord,        ///< the longest run of [A-Za-z0-9_.*:@-] or non-ASCII, without `--`
    kQuotedName,  ///< `…`
    kString,      ///< '…' or "…"
    kParameter,   ///< $1: `text` is the digits
    kSymbol,      ///< == = != > >= < <= ( ) , [ ]
    kEnd,
  } kind = Kind::kEnd;
  std::string text;       ///< unquoted
  bool adjacent = false;  ///< no blank before it
  int position = 0;       ///< 1-based, in characters
};

/// All tokens of `text`, the last one kEnd. 42601 for an open quote or a character of no token,
/// 54000 for absurdly many.
Result<std::vector<EqlToken>> lex_eql(std::string_view text);

}  // namespace eventd::engine
