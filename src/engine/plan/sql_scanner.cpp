#include "engine/plan/sql_scanner.h"

#include <string>

#include "engine/plan/text_position.h"

namespace eventd::engine {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0;
}
bool is_word(char c) { return is_word_start(c) || is_digit(c) || c == '$'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool equals_ignoring_case(std::string_view word, std::string_view keyword) {
  if (word.size() != keyword.size()) return false;
  for (size_t i = 0; i < word.size(); ++i) {
    if (lower(word[i]) != keyword[i]) return false;
  }
  return true;
}

}  // namespace

bool starts_eql(std::string_view word) {
  return equals_ignoring_case(word, "events") || equals_ignoring_case(word, "logs") ||
         equals_ignoring_case(word, "metric");
}

bool SqlScanner::is_keyword(std::string_view keyword) const {
  return equals_ignoring_case(token_text(), keyword);
}

Error SqlScanner::unterminated(std::string_view what, size_t start) const {
  std::string message = "unterminated " + std::string(what) + " at or near \"";
  message += text_.substr(start);
  message += '"';
  return {sqlstate::kSyntaxError, std::move(message), {}, {}, {},
          character_position(text_, start)};
}

Status SqlScanner::skip_block_comment() {
  const size_t start = next_;
  int depth = 0;
  while (next_ + 1 < text_.size()) {
    if (text_[next_] == '/' && text_[next_ + 1] == '*') {
      ++depth;
      next_ += 2;
    } else if (text_[next_] == '*' && text_[next_ + 1] == '/') {
      next_ += 2;
      if (--depth == 0) return {};
    } else {
      ++next_;
    }
  }
  return unterminated("/* comment", start);
}

Status SqlScanner::skip_blanks() {
  while (next_ < text_.size()) {
    if (is_blank(text_[next_])) {
      ++next_;
    } else if (text_.substr(next_, 2) == "--") {
      while (next_ < text_.size() && text_[next_] != '\n' && text_[next_] != '\r') ++next_;
    } else if (!eql_ && text_.substr(next_, 2) == "/*") {
      RETURN_IF_ERROR(skip_block_comment());
    } else {
      break;
    }
  }
  return {};
}

// 'a' <blanks with a newline> 'b' is one string, and the second part keeps the rules of the first.
bool SqlScanner::string_continues(size_t& position) const {
  bool newline = false;
  size_t i = position;
  while (i < text_.size() && is_blank(text_[i])) {
    newline |= text_[i] == '\n' || text_[i] == '\r';
    ++i;
  }
  if (!newline || i >= text_.size() || text_[i] != '\'') return false;
  position = i + 1;
  return true;
}

Status SqlScanner::skip_quoted(char quote, bool backslashes, std::string_view what) {
  ++next_;
  while (next_ < text_.size()) {
    const char c = text_[next_++];
    if (backslashes && c == '\\') {
      if (next_ < text_.size()) ++next_;
    } else if (c == quote) {
      if (next_ < text_.size() && text_[next_] == quote) {
        ++next_;
      } else if (!(backslashes && string_continues(next_))) {
        return {};
      }
    }
  }
  return unterminated(what, start_);
}

Result<bool> SqlScanner::skip_dollar_quoted() {
  size_t i = next_ + 1;
  if (i < text_.size() && is_digit(text_[i])) return false;  // a parameter
  while (i < text_.size() && is_word(text_[i]) && text_[i] != '$') ++i;
  if (i >= text_.size() || text_[i] != '$') return false;
  const std::string_view tag = text_.substr(next_, i + 1 - next_);
  const size_t end = text_.find(tag, i + 1);
  if (end == std::string_view::npos) return unterminated("dollar-quoted string", start_);
  next_ = end + tag.size();
  return true;
}

Result<SqlScanner::Token> SqlScanner::next() {
  RETURN_IF_ERROR(skip_blanks());
  start_ = next_;
  if (next_ >= text_.size()) return Token::kEnd;
  const char c = text_[next_];
  const char following = next_ + 1 < text_.size() ? text_[next_ + 1] : '\0';
  if (!eql_ && (c == 'e' || c == 'E') && following == '\'') {
    ++next_;
    RETURN_IF_ERROR(skip_quoted('\'', true, "quoted string"));
    return Token::kOther;
  }
  if (is_word_start(c)) {
    while (next_ < text_.size() && is_word(text_[next_])) ++next_;
    return Token::kWord;
  }
  if (is_digit(c)) {  // so that 1e'x' and 0x… are not taken for words
    while (next_ < text_.size() && is_digit(text_[next_])) ++next_;
    return Token::kOther;
  }
  switch (c) {
    case '\'':
      RETURN_IF_ERROR(skip_quoted('\'', false, "quoted string"));
      return Token::kOther;
    case '"':
      RETURN_IF_ERROR(skip_quoted('"', false, eql_ ? "quoted string" : "quoted identifier"));
      return Token::kOther;
    case '`':
      if (!eql_) break;
      RETURN_IF_ERROR(skip_quoted('`', false, "quoted name"));
      return Token::kOther;
    case '$': {
      if (eql_) break;
      ASSIGN_OR_RETURN(const bool quoted, skip_dollar_quoted());
      if (quoted) return Token::kOther;
      break;
    }
    default:
      break;
  }
  ++next_;
  if (c == ';') return Token::kSemicolon;
  if (c == '(') return Token::kOpen;
  if (c == ')') return Token::kClose;
  return Token::kOther;
}

}  // namespace eventd::engine
