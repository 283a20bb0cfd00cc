// PostgreSQL's advanced regular expressions in RE2's syntax.
#pragma once

#include <string>
#include <string_view>

#include "result.h"

namespace eventd::engine {

/// The letters of a flags argument and of a leading `(?…)`.
struct RegexFlags {
  bool global = false;               ///< g
  bool ignore_case = false;          ///< i (c turns it off)
  bool literal = false;              ///< q
  bool dot_stops_at_newline = false; ///< n, m, p
  bool lines = false;                ///< n, m, w: ^ and $ at newlines
};

/// 22023 for a letter PostgreSQL has not, 0A000 for b, e and x.
Result<RegexFlags> parse_regex_flags(std::string_view letters);

struct TranslatedRegex {
  std::string pattern;  ///< RE2 syntax
  RegexFlags flags;
  bool non_greedy = false;  ///< has a non-greedy quantifier
  /// Has both kinds and no `$` at its end. PostgreSQL then lets the first one decide the length of
  /// the whole match, which RE2 cannot: fine for a test, not for taking text out.
  bool mixed_greediness = false;
};

/// 0A000 for back-references, look-around and word-edge constraints; 2201B malformed.
Result<TranslatedRegex> translate_regex(std::string_view pattern, RegexFlags flags);

/// SIMILAR TO's pattern as an advanced regular expression. `escape` empty = no escape character.
Result<std::string> similar_to_regex(std::string_view pattern, std::string_view escape);

}  // namespace eventd::engine
