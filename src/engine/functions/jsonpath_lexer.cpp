#include "engine/functions/jsonpath_lexer.h"

#include "engine/functions/text_helpers.h"

namespace eventd::engine {
namespace {

using Kind = PathToken::Kind;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }
bool is_path_digit(char c) { return c >= '0' && c <= '9'; }
bool is_special(char c) { return std::string_view("?%$.[]{}()|&!=<>@#,*:-+/").find(c) != std::string_view::npos; }
/// May stand in an unquoted name.
bool is_name(char c) { return !is_blank(c) && !is_special(c) && c != '"' && c != '\0'; }

int hex_digit(char c) {
  if (is_path_digit(c)) return c - '0';
  const char low = ascii_lower(c);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

}  // namespace

Status PathLexer::error_here(const char* message, size_t begin) const {
  if (begin >= text_.size()) return Status(sqlstate::kSyntaxError, std::string(message) + " at end of jsonpath input");
  const size_t end = std::max(at_, begin + 1);
  return Status(sqlstate::kSyntaxError,
                std::string(message) + " at or near \"" + std::string(text_.substr(begin, end - begin)) + "\" of jsonpath input");
}

Status PathLexer::skip_blank() {
  for (;;) {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
    if (!text_.substr(at_).starts_with("/*")) return Status();
    const size_t end = text_.find("*/", at_ + 2);
    if (end == std::string_view::npos) {
      at_ = text_.size();
      return Status(sqlstate::kSyntaxError, "unexpected end of comment at end of jsonpath input");
    }
    at_ = end + 2;
  }
}

Status PathLexer::unicode_escape(std::string& out) {
  const size_t begin = at_ - 2;
  const auto read = [&](uint32_t& code) {
    code = 0;
    if (at_ < text_.size() && text_[at_] == '{') {
      const size_t end = text_.find('}', at_);
      if (end == std::string_view::npos || end == at_ + 1 || end > at_ + 7) return false;
      for (++at_; at_ < end; ++at_) {
        if (hex_digit(text_[at_]) < 0) return false;
        code = code << 4 | static_cast<uint32_t>(hex_digit(text_[at_]));
      }
      ++at_;
      return true;
    }
    for (int i = 0; i < 4; ++i, ++at_) {
      if (at_ >= text_.size() || hex_digit(text_[at_]) < 0) return false;
      code = code << 4 | static_cast<uint32_t>(hex_digit(text_[at_]));
    }
    return true;
  };
  uint32_t code = 0;
  if (!read(code)) return error_here("invalid Unicode escape sequence", begin);
  if (code == 0) {
    Error error{sqlstate::kUntranslatableCharacter, "unsupported Unicode escape sequence", {}, {}, {}, 0};
    error.detail = "\\u0000 cannot be converted to text.";
    return Status(std::move(error));
  }
  const auto pair_error = [](const char* detail) {
    Error error{sqlstate::kInvalidTextRepresentation, "invalid input syntax for type jsonpath", {}, {}, {}, 0};
    error.detail = detail;
    return Status(std::move(error));
  };
  if (code >= 0xdc00 && code < 0xe000) return pair_error("Unicode low surrogate must follow a high surrogate.");
  if (code >= 0xd800 && code < 0xdc00) {
    uint32_t low = 0;
    if (!text_.substr(at_).starts_with("\\u")) return pair_error("Unicode low surrogate must follow a high surrogate.");
    at_ += 2;
    if (!read(low) || low < 0xdc00 || low >= 0xe000) return pair_error("Unicode low surrogate must follow a high surrogate.");
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  if (code > 0x10ffff) return error_here("invalid Unicode escape sequence", begin);
  append_utf8(code, out);
  return Status();
}

/// At a backslash.
Status PathLexer::escape(std::string& out) {
  const size_t begin = at_;
  if (at_ + 1 >= text_.size()) {
    at_ = text_.size();
    return error_here("unexpected end after backslash", begin);
  }
  const char c = text_[at_ + 1];
  at_ += 2;
  switch (c) {
    case 'b': out.push_back('\b'); return Status();
    case 'f': out.push_back('\f'); return Status();
    case 'n': out.push_back('\n'); return Status();
    case 'r': out.push_back('\r'); return Status();
    case 't': out.push_back('\t'); return Status();
    case 'v': out.push_back('\v'); return Status();
    case 'u': return unicode_escape(out);
    case 'x': {
      if (at_ + 1 >= text_.size() || hex_digit(text_[at_]) < 0 || hex_digit(text_[at_ + 1]) < 0)
        return error_here("invalid hex escape sequence", begin);
      append_utf8(static_cast<uint32_t>(hex_digit(text_[at_]) * 16 + hex_digit(text_[at_ + 1])), out);
      at_ += 2;
      return Status();
    }
    default: {
      const size_t size = utf8_first_bytes(text_.substr(at_ - 1));
      out += text_.substr(at_ - 1, size);
      at_ += size - 1;
      return Status();
    }
  }
}

Result<PathToken> PathLexer::quoted(Kind kind, size_t begin) {
  PathToken token;
  token.kind = kind;
  for (++at_;;) {
    if (at_ >= text_.size()) return error_here("unterminated quoted string", text_.size());
    if (text_[at_] == '"') break;
    if (text_[at_] == '\\') {
      RETURN_IF_ERROR(escape(token.text));
    } else {
      token.text.push_back(text_[at_++]);
    }
  }
  ++at_;
  token.raw = text_.substr(begin, at_ - begin);
  return token;
}

Result<PathToken> PathLexer::name(Kind kind, size_t begin) {
  PathToken token;
  token.kind = kind;
  while (at_ < text_.size() && is_name(text_[at_])) {
    if (text_[at_] == '\\') {
      RETURN_IF_ERROR(escape(token.text));
    } else {
      token.text.push_back(text_[at_++]);
    }
  }
  token.raw = text_.substr(begin, at_ - begin);
  return token;
}

Result<PathToken> PathLexer::number() {
  const size_t begin = at_;
  PathToken token;
  token.kind = Kind::kInteger;
  const auto digits = [&] {
    while (at_ < text_.size() && is_path_digit(text_[at_])) ++at_;
  };
  digits();
  if (at_ - begin > 1 && text_[begin] == '0') {
    return error_here("trailing junk after numeric literal", begin);
  }
  if (at_ < text_.size() && text_[at_] == '.') {
    token.kind = Kind::kDecimal;
    ++at_;
    digits();
  }
  if (at_ < text_.size() && ascii_lower(text_[at_]) == 'e') {
    size_t mark = at_ + 1;
    if (mark < text_.size() && (text_[mark] == '+' || text_[mark] == '-')) ++mark;
    if (mark < text_.size() && is_path_digit(text_[mark])) {
      at_ = mark;
      token.kind = Kind::kDecimal;
      digits();
    }
  }
  if (at_ < text_.size() && is_name(text_[at_])) {
    ++at_;
    return error_here("trailing junk after numeric literal", begin);
  }
  token.raw = text_.substr(begin, at_ - begin);
  token.text = token.raw;
  return token;
}

Result<PathToken> PathLexer::next() {
  RETURN_IF_ERROR(skip_blank());
  PathToken token;
  if (at_ >= text_.size()) return token;
  const size_t begin = at_;
  const char c = text_[at_];
  if (c == '"') return quoted(Kind::kString, begin);
  if (is_path_digit(c) || (c == '.' && at_ + 1 < text_.size() && is_path_digit(text_[at_ + 1]))) return number();
  if (c == '$') {
    ++at_;
    if (at_ < text_.size() && text_[at_] == '"') return quoted(Kind::kVariable, begin);
    if (at_ < text_.size() && is_name(text_[at_])) return name(Kind::kVariable, begin);
    at_ = begin;
  }
  if (!is_special(c)) return name(Kind::kName, begin);
  token.kind = Kind::kSymbol;
  size_t size = 1;
  for (const std::string_view two : {"&&", "||", "==", "!=", "<>", "<=", ">=", "**"})
    if (text_.substr(at_).starts_with(two)) size = 2;
  at_ += size;
  token.raw = text_.substr(begin, size);
  token.text = token.raw == "<>" ? "!=" : std::string(token.raw);
  return token;
}

}  // namespace eventd::engine
