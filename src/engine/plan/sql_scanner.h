// A coarse scanner: just enough of the two languages' lexical rules to find words, parentheses and
// semicolons outside quotes and comments. PostgreSQL's own scanner does the real work later.
#pragma once

#include <cstddef>
#include <string_view>

#include "result.h"

namespace eventd::engine {

/// Walks over one query string. Owned by one thread; borrows the text.
class SqlScanner {
 public:
  enum class Token : unsigned char { kEnd, kWord, kSemicolon, kOpen, kClose, kOther };

  explicit SqlScanner(std::string_view text, size_t offset = 0) : text_(text), next_(offset) {}

  /// EQL: double quotes are strings, back-quotes quote, only `--` comments, no E'' and no $tag$.
  void set_eql(bool eql) { eql_ = eql; }

  /// The next token. kOther is one character, one quoted item or one number. 42601 for a quote or
  /// comment that is not closed.
  Result<Token> next();

  /// Where the last token starts, and its text.
  size_t start() const { return start_; }
  std::string_view token_text() const { return text_.substr(start_, next_ - start_); }
  /// Just behind the last token.
  size_t position() const { return next_; }
  /// The last token is a word equal to `keyword` (lower case), ASCII case ignored.
  bool is_keyword(std::string_view keyword) const;

 private:
  Status skip_blanks();
  Status skip_block_comment();
  Status skip_quoted(char quote, bool backslashes, std::string_view what);
  Result<bool> skip_dollar_quoted();
  bool string_continues(size_t& position) const;
  Error unterminated(std::string_view what, size_t start) const;

  std::string_view text_;
  size_t start_ = 0;
  size_t next_;
  bool eql_ = false;
};

/// True for EVENTS, LOGS, METRIC (any case): the words an EQL query starts with.
bool starts_eql(std::string_view word);

}  // namespace eventd::engine
