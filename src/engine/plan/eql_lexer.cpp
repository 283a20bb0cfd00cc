#include "engine/plan/eql_lexer.h"

#include <cctype>

#include "engine/plan/text_position.h"

namespace eventd::engine {
namespace {

constexpr size_t kTokensMax = 1'000'000;

bool is_word_character(char c) {
  const auto u = static_cast<unsigned char>(c);
  return u >= 0x80 || std::isalnum(u) != 0 || c == '_' || c == '.' || c == '*' || c == ':' ||
         c == '@' || c == '-';
}

// 2020-10-22T10:00:00 may go on with +02:00.
bool is_timestamp_so_far(std::string_view word) {
  return word.size() >= 11 && std::isdigit(static_cast<unsigned char>(word[0])) != 0 &&
         (word[10] == 'T' || word[10] == 't');
}

class EqlLexer {
 public:
  explicit EqlLexer(std::string_view text) : text_(text) {}

  Result<std::vector<EqlToken>> run() {
    while (true) {
      const size_t before = at_;
      skip_blanks();
      EqlToken token;
      token.adjacent = before == at_ && !tokens_.empty();
      advance_position();
      token.position = position_;
      if (at_ == text_.size()) {
        tokens_.push_back(std::move(token));
        return std::move(tokens_);
      }
      RETURN_IF_ERROR(read(token));
      if (tokens_.size() >= kTokensMax) {
        return Status(sqlstate::kProgramLimitExceeded, "the query has too many tokens");
      }
      tokens_.push_back(std::move(token));
    }
  }

 private:
  void skip_blanks() {
    while (at_ < text_.size()) {
      if (std::isspace(static_cast<unsigned char>(text_[at_])) != 0) {
        ++at_;
      } else if (text_.substr(at_, 2) == "--") {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else {
        return;
      }
    }
  }

  // Characters are counted once, from the last token on: positions stay linear.
  void advance_position() {
    position_ += character_position(text_.substr(counted_, at_ - counted_), at_ - counted_) - 1;
    counted_ = at_;
  }

  Status read(EqlToken& token) {
    const char c = text_[at_];
    if (c == '\'' || c == '"' || c == '`') {
      token.kind = c == '`' ? EqlToken::Kind::kQuotedName : EqlToken::Kind::kString;
      return read_quoted(c, token);
    }
    if (c == '$') return read_parameter(token);
    if (is_word_character(c)) {
      token.kind = EqlToken::Kind::kWord;
      const size_t start = at_;
      while (at_ < text_.size()) {
        const bool zone = text_[at_] == '+' && is_timestamp_so_far(text_.substr(start, at_ - start));
        if ((!is_word_character(text_[at_]) && !zone) || text_.substr(at_, 2) == "--") break;
        ++at_;
      }
      token.text = text_.substr(start, at_ - start);
      return {};
    }
    token.kind = EqlToken::Kind::kSymbol;
    for (const std::string_view symbol : {"==", "!=", ">=", "<=", "=", ">", "<", "(", ")", ",", "[", "]"}) {
      if (!text_.substr(at_).starts_with(symbol)) continue;
      token.text = symbol;
      at_ += symbol.size();
      return {};
    }
    return fail("syntax error at or near \"" + std::string(1, c) + "\"", token.position);
  }

  // The quote doubled inside stands for itself; no backslashes.
  Status read_quoted(char quote, EqlToken& token) {
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == quote) {
        if (at_ + 1 >= text_.size() || text_[at_ + 1] != quote) {
          ++at_;
          return {};
        }
        ++at_;
      }
      token.text += text_[at_];
    }
    return fail("unterminated quoted string", token.position);
  }

  Status read_parameter(EqlToken& token) {
    token.kind = EqlToken::Kind::kParameter;
    for (++at_; at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])) != 0; ++at_) {
      token.text += text_[at_];
    }
    if (token.text.empty() || token.text.size() > 6) {
      return fail("syntax error at or near \"$\"", token.position);
    }
    return {};
  }

  static Status fail(std::string message, int position) {
    return Error{sqlstate::kSyntaxError, std::move(message), {}, {}, {}, position};
  }

  std::string_view text_;
  size_t at_ = 0, counted_ = 0;
  int position_ = 1;
  std::vector<EqlToken> tokens_;
};

}  // namespace

Result<std::vector<EqlToken>> lex_eql(std::string_view text) { return EqlLexer(text).run(); }

}  // namespace eventd::engine
