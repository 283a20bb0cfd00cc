// unistr() and parse_ident(): text with escapes and quotes.
#include <string>

#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/text_helpers.h"
#include "engine/types/array_format.h"

namespace eventd::engine {
namespace {

Status syntax_error(std::string message, std::string hint = {}) {
  Error error{sqlstate::kSyntaxError, std::move(message), {}, {}, {}, 0};
  error.hint = std::move(hint);
  return Status(std::move(error));
}

int escape_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char low = ascii_lower(c);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/// `digits` hexadecimal digits at `at`, or -1.
int64_t hex_number(std::string_view text, size_t at, size_t digits) {
  if (text.size() - std::min(at, text.size()) < digits) return -1;
  int64_t value = 0;
  for (size_t i = 0; i < digits; ++i) {
    const int digit = escape_digit(text[at + i]);
    if (digit < 0) return -1;
    value = value << 4 | digit;
  }
  return value;
}

bool is_high_surrogate(int64_t code) { return code >= 0xd800 && code < 0xdc00; }
bool is_low_surrogate(int64_t code) { return code >= 0xdc00 && code < 0xe000; }

/// \XXXX, \+XXXXXX, \uXXXX, \UXXXXXXXX and \\.
Status unescape(std::string_view text, std::string& out) {
  int64_t high = 0;  // the first half of a surrogate pair
  const auto bad_pair = [] { return syntax_error("invalid Unicode surrogate pair"); };
  for (size_t at = 0; at < text.size();) {
    if (text[at] != '\\' || (at + 1 < text.size() && text[at + 1] == '\\')) {
      if (high != 0) return bad_pair();
      out.push_back(text[at]);
      at += text[at] == '\\' ? 2 : 1;
      continue;
    }
    const char kind = at + 1 < text.size() ? text[at + 1] : '\0';
    const size_t prefix = kind == '+' || kind == 'u' || kind == 'U' ? 2 : 1;
    const size_t digits = kind == '+' ? 6 : kind == 'U' ? 8 : 4;
    int64_t code = hex_number(text, at + prefix, digits);
    if (code < 0)
      return syntax_error("invalid Unicode escape",
                          "Unicode escapes must be \\XXXX, \\+XXXXXX, \\uXXXX, or \\UXXXXXXXX.");
    if (code == 0 || code > 0x10ffff) {
      char buffer[64];
      snprintf(buffer, sizeof buffer, "invalid Unicode code point: %04llX", static_cast<unsigned long long>(code));
      return Status(sqlstate::kInvalidParameterValue, buffer);
    }
    at += prefix + digits;
    if (high != 0) {
      if (!is_low_surrogate(code)) return bad_pair();
      code = 0x10000 + ((high - 0xd800) << 10) + (code - 0xdc00);
      high = 0;
    } else if (is_low_surrogate(code)) {
      return bad_pair();
    } else if (is_high_surrogate(code)) {
      high = code;
      continue;
    }
    append_utf8(static_cast<uint32_t>(code), out);
  }
  return high != 0 ? bad_pair() : Status();
}

// --- parse_ident ---

bool is_ident_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool starts_ident(char c) {
  const char low = ascii_lower(c);
  return (low >= 'a' && low <= 'z') || c == '_' || static_cast<uint8_t>(c) >= 0x80;
}
bool continues_ident(char c) { return starts_ident(c) || (c >= '0' && c <= '9') || c == '$'; }

/// Splits "a.\"B c\".d" into its names.
class IdentParser {
 public:
  explicit IdentParser(std::string_view text) : text_(text) {}

  Result<std::string> run(bool strict) {
    skip_space();
    bool after_dot = false;
    for (;;) {
      bool missing = true;
      if (peek() == '"') {
        RETURN_IF_ERROR(quoted());
        missing = false;
      } else if (at_ < text_.size() && starts_ident(peek())) {
        plain();
        missing = false;
      }
      if (missing) {
        if (peek() == '.') return failed("No valid identifier before \".\".");
        if (after_dot) return failed("No valid identifier after \".\".");
        return failed({});
      }
      skip_space();
      if (peek() == '.') {
        after_dot = true;
        ++at_;
        skip_space();
      } else if (at_ >= text_.size()) {
        break;
      } else {
        if (strict) return failed({});
        break;
      }
    }
    return names_.finish();
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space() {
    while (at_ < text_.size() && is_ident_space(text_[at_])) ++at_;
  }
  Status failed(std::string detail) const {
    Error error{sqlstate::kInvalidParameterValue, "string is not a valid identifier: \"" + std::string(text_) + "\"", {}, {}, {}, 0};
    error.detail = std::move(detail);
    return Status(std::move(error));
  }
  Status quoted() {
    std::string name;
    for (++at_;; ++at_) {
      if (at_ >= text_.size()) return failed("String has unclosed double quotes.");
      if (text_[at_] == '"') {
        if (at_ + 1 >= text_.size() || text_[at_ + 1] != '"') break;
        ++at_;
      }
      name.push_back(text_[at_]);
    }
    ++at_;
    if (name.empty()) return failed("Quoted identifier must not be empty.");
    names_.add(name);
    return Status();
  }
  void plain() {
    const size_t begin = at_;
    while (at_ < text_.size() && continues_ident(text_[at_])) ++at_;
    std::string name;
    append_lower(text_.substr(begin, at_ - begin), name);
    names_.add(name);
  }

  const std::string_view text_;
  size_t at_ = 0;
  ArrayBuilder names_{oid::kText};
};

}  // namespace

void register_text_unicode(FunctionCatalog::Builder& builder) {
  builder.builtin("unistr(text)", row_kernel<StringRef, StringRef>([](const StringRef& text, StringOut& out) -> Status {
                    std::string& buffer = out.buffer();
                    RETURN_IF_ERROR(unescape(text.view(), buffer));
                    out.copy(buffer);
                    return Status();
                  }));
  builder.builtin("parse_ident(text,bool)",
                  row_kernel<StringRef, StringRef, uint8_t>([](const StringRef& text, uint8_t strict, StringOut& out) -> Status {
                    ASSIGN_OR_RETURN(const std::string names, IdentParser(text.view()).run(strict != 0));
                    out.copy(names);
                    return Status();
                  }));
}

}  // namespace eventd::engine
