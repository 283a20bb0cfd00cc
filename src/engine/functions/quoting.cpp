#include "engine/functions/quoting.h"

#include <algorithm>

#include "interrupt.h"

namespace eventd::engine {
namespace {

// Every keyword that is not unreserved, sorted.
constexpr std::string_view kQuotedKeywords[] = {
#include "engine/functions/quoted_keywords.inc"
};

bool is_safe_identifier(std::string_view identifier) {
  if (identifier.empty()) return false;
  const auto safe_first = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  if (!safe_first(identifier.front())) return false;
  for (const char c : identifier) {
    if (!safe_first(c) && !(c >= '0' && c <= '9')) return false;
  }
  return !std::binary_search(std::begin(kQuotedKeywords), std::end(kQuotedKeywords), identifier);
}

void append_doubled(std::string_view text, char quote, bool backslash_too, std::string& out) {
  out += quote;
  InterruptPacer pacer;
  for (const char c : text) {
    if (pacer.step(3)) return;
    if (c == quote || (backslash_too && c == '\\')) out += c;
    out += c;
  }
  out += quote;
}

}  // namespace

void append_quoted_identifier(std::string_view identifier, std::string& out) {
  if (is_safe_identifier(identifier)) {
    out += identifier;
  } else {
    append_doubled(identifier, '"', false, out);
  }
}

void append_quoted_literal(std::string_view text, std::string& out) {
  if (text.find('\\') != text.npos) out += 'E';
  append_doubled(text, '\'', true, out);
}

}  // namespace eventd::engine
