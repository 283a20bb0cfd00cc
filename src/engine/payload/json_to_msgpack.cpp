#include "engine/payload/json_to_msgpack.h"

#include <algorithm>

#include "engine/payload/json_number.h"
#include "engine/payload/json_scanner.h"
#include "engine/payload/msgpack_writer.h"
#include "interrupt.h"
#include "kmes/validate.h"

namespace eventd::engine {
namespace {

using json_scanner::find_string_end;
using json_scanner::is_json_space;
using json_scanner::skip_space;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
// What PostgreSQL takes into one token for its messages.
bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         (static_cast<uint8_t>(c) & 0x80) != 0;
}

/// One parse. Iterative: open containers lie on a fixed stack.
class Parser {
 public:
  Parser(std::string_view json, const JsonLimits& limits, bool keeps_text, std::string& out)
      : begin_(json.data()),
        at_(json.data()),
        end_(json.data() + json.size()),
        max_nesting_(std::min(limits.max_nesting, kMsgpackNestingMax)),
        keeps_text_(keeps_text),
        out_(out),
        writer_(out) {}

  Status run();

 private:
  struct Container {
    size_t header;  // where in out_
    uint32_t count;
    bool is_map;
  };

  Status open(bool is_map);
  void close();
  Status string();
  Status string_with_escapes(const char* from);
  Status unicode_escape(std::string& to);
  Status number();
  bool literal(std::string_view word);

  Status malformed(std::string detail) const;
  Status expected(std::string_view what) const;
  Status invalid_token(const char* from, const char* to) const;
  static Status bad_utf8(std::string_view text);
  std::string_view token() const;

  const char* begin_;
  const char* at_;
  const char* end_;
  const int max_nesting_;
  const bool keeps_text_;
  std::string& out_;
  MsgpackWriter writer_;
  std::string unescaped_;
  InterruptPacer pacer_;
  int depth_ = 0;
  Container stack_[kMsgpackNestingMax];
};

Status Parser::malformed(std::string detail) const {
  Error error{sqlstate::kInvalidTextRepresentation, "invalid input syntax for type json", {}, {}, {}, 0};
  error.detail = std::move(detail);
  // The line, cut as PostgreSQL does: up to 50 bytes before the place.
  const char* at = std::min(at_ + token().size(), end_);
  const char* line = at;
  while (line > begin_ && line[-1] != '\n' && at - line < 50) --line;
  const bool cut = line > begin_ && line[-1] != '\n';
  while (line < at && (static_cast<uint8_t>(*line) & 0xc0) == 0x80) ++line;
  const auto number = 1 + std::count(begin_, line, '\n');
  const bool more = at < end_ && *at != '\n' && *at != '\r';
  error.context = "JSON data, line " + std::to_string(number) + ": " + (cut ? "..." : "") +
                  std::string(line, at) + (more ? "..." : "");
  return Status(std::move(error));
}

// The token at at_: a string, a word or number, or one character.
std::string_view Parser::token() const {
  if (at_ >= end_) return {};
  const char* to = at_;
  if (*to == '"') {
    for (++to; to < end_ && *to != '"'; ++to)
      if (*to == '\\' && to + 1 < end_) ++to;
    if (to < end_) ++to;
  } else if (*to == '-' || is_word(*to)) {
    for (++to; to < end_ && (is_word(*to) || *to == '.' || *to == '+' || *to == '-'); ++to) {}
  } else {
    ++to;
  }
  return {at_, static_cast<size_t>(to - at_)};
}

Status Parser::invalid_token(const char* from, const char* to) const {
  return malformed("Token \"" + std::string(from, to) + "\" is invalid.");
}

Status Parser::expected(std::string_view what) const {
  if (at_ >= end_) return malformed("The input string ended unexpectedly.");
  const std::string_view found = token();
  const char first = found[0];
  const bool punctuation = std::string_view("{}[]:,").find(first) != std::string_view::npos;
  const bool sound = punctuation || first == '"' || first == '-' || is_digit(first) ||
                     found == "true" || found == "false" || found == "null";
  if (!sound) {
    const char* to = at_;
    while (to < end_ && is_word(*to)) ++to;
    return invalid_token(at_, std::max(to, at_ + 1));
  }
  return malformed("Expected " + std::string(what) + ", but found \"" + std::string(found) + "\".");
}

Status Parser::bad_utf8(std::string_view text) {
  // Name the first bad sequence.
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<uint8_t>(text[i]);
    const size_t size = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    const std::string_view sequence = text.substr(i, size);
    if (sequence.size() == size && kmes_utf8_valid(as_bytes(sequence).data(), size)) {
      i += size - 1;
      continue;
    }
    std::string message = "invalid byte sequence for encoding \"UTF8\":";
    for (const char b : sequence) {
      char hex[8];
      snprintf(hex, sizeof hex, " 0x%02x", static_cast<uint8_t>(b));
      message += hex;
    }
    return Status(sqlstate::kCharacterNotInRepertoire, std::move(message));
  }
  return Status(sqlstate::kCharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\"");
}

Status Parser::open(bool is_map) {
  if (depth_ >= max_nesting_)
    return Status(sqlstate::kStatementTooComplex,
                  "JSON nesting exceeds the limit of " + std::to_string(max_nesting_));
  stack_[depth_++] = {out_.size(), 0, is_map};
  out_.push_back(static_cast<char>(is_map ? 0x80 : 0x90));  // close() writes the count
  ++at_;
  return Status();
}

void Parser::close() {
  const Container& container = stack_[--depth_];
  if (container.count < 16) {
    out_[container.header] =
        static_cast<char>((container.is_map ? 0x80u : 0x90u) | container.count);
  } else {
    std::string header;
    MsgpackWriter writer(header);
    if (container.is_map) writer.map_header(container.count);
    else writer.array_header(container.count);
    // Moves what is in the container.
    pacer_.step((out_.size() - container.header) / 8);
    out_.replace(container.header, 1, header);
  }
  ++at_;
}

Status Parser::string() {
  const char* from = at_ + 1;
  uint64_t any_high = 0;
  const char* to = find_string_end(from, end_, any_high);
  if (to < end_ && *to == '"') [[likely]] {
    const std::string_view text(from, static_cast<size_t>(to - from));
    if (any_high != 0 && !kmes_utf8_valid(as_bytes(text).data(), text.size())) return bad_utf8(text);
    writer_.string(text);
    at_ = to + 1;
    return Status();
  }
  return string_with_escapes(from);
}

Status Parser::string_with_escapes(const char* from) {
  unescaped_.clear();
  const char* at = from;
  for (;;) {
    uint64_t any_high = 0;
    const char* to = find_string_end(at, end_, any_high);
    const std::string_view piece(at, static_cast<size_t>(to - at));
    if (any_high != 0 && !kmes_utf8_valid(as_bytes(piece).data(), piece.size())) return bad_utf8(piece);
    unescaped_ += piece;
    if (to >= end_) {
      // PostgreSQL shows the unfinished token.
      return invalid_token(from - 1, end_);
    }
    if (*to == '"') {
      writer_.string(unescaped_);
      at_ = to + 1;
      return Status();
    }
    if (*to != '\\') {
      char detail[64];
      snprintf(detail, sizeof detail, "Character with value 0x%02x must be escaped.", static_cast<uint8_t>(*to));
      return malformed(detail);
    }
    if (to + 1 >= end_) return invalid_token(from - 1, end_);
    at = to + 2;
    switch (to[1]) {
      case '"':
      case '\\':
      case '/': unescaped_.push_back(to[1]); break;
      case 'b': unescaped_.push_back('\b'); break;
      case 'f': unescaped_.push_back('\f'); break;
      case 'n': unescaped_.push_back('\n'); break;
      case 'r': unescaped_.push_back('\r'); break;
      case 't': unescaped_.push_back('\t'); break;
      case 'u': {
        const char* saved = at_;
        at_ = to;
        Status status = unicode_escape(unescaped_);
        at = at_;
        at_ = saved;
        RETURN_IF_ERROR(std::move(status));
        break;
      }
      default: {
        std::string_view bad(to + 1, 1);
        while ((static_cast<uint8_t>(bad[0]) & 0x80) != 0 && bad.data() + bad.size() < end_ &&
               (static_cast<uint8_t>(bad.data()[bad.size()]) & 0xc0) == 0x80)
          bad = {bad.data(), bad.size() + 1};
        return malformed("Escape sequence \"\\" + std::string(bad) + "\" is invalid.");
      }
    }
  }
}

// at_ is at the backslash of \uXXXX; takes a whole surrogate pair and moves at_ behind it.
Status Parser::unicode_escape(std::string& to) {
  const auto hex4 = [&](const char* from, uint32_t& value) {
    value = 0;
    if (end_ - from < 4) return false;
    for (int i = 0; i < 4; ++i) {
      const char c = from[i];
      const int digit = is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
      if (digit < 0) return false;
      value = value << 4 | static_cast<uint32_t>(digit);
    }
    return true;
  };
  uint32_t code = 0;
  if (!hex4(at_ + 2, code)) return malformed("\"\\u\" must be followed by four hexadecimal digits.");
  at_ += 6;
  // The type json keeps its text: PostgreSQL looks at surrogates only where it decodes them.
  const bool surrogate = code >= 0xd800 && code < 0xe000;
  if (surrogate && keeps_text_) {
    to += "\xef\xbf\xbd";
    return Status();
  }
  if (code >= 0xdc00 && code < 0xe000)
    return malformed("Unicode low surrogate must follow a high surrogate.");
  if (code >= 0xd800 && code < 0xdc00) {
    uint32_t low = 0;
    if (end_ - at_ < 2 || at_[0] != '\\' || at_[1] != 'u')
      return malformed("Unicode low surrogate must follow a high surrogate.");
    if (!hex4(at_ + 2, low)) return malformed("\"\\u\" must be followed by four hexadecimal digits.");
    if (low >= 0xd800 && low < 0xdc00)
      return malformed("Unicode high surrogate must not follow a high surrogate.");
    if (low < 0xdc00 || low >= 0xe000)
      return malformed("Unicode low surrogate must follow a high surrogate.");
    at_ += 6;
    code = 0x10000 + ((code & 0x3ff) << 10 | (low & 0x3ff));
  }
  if (code == 0 && !keeps_text_) {
    Error error{sqlstate::kUntranslatableCharacter, "unsupported Unicode escape sequence", {}, {}, {}, 0};
    error.detail = "\\u0000 cannot be converted to text.";
    return Status(std::move(error));
  }
  const auto put = [&](uint32_t byte) { to.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
  return Status();
}

Status Parser::number() {
  const char* from = at_;
  const char* at = from;
  JsonNumber number;
  bool bad = false;
  const auto digits = [&] {
    const char* start = at;
    while (at < end_ && is_digit(*at)) ++at;
    return static_cast<size_t>(at - start);
  };
  if (*at == '-') ++at;
  if (at < end_ && *at == '0') {
    ++at;
    number.integer_digits = 1;
  } else {
    number.integer_digits = digits();
    bad = number.integer_digits == 0;
  }
  if (!bad && at < end_ && *at == '.') {
    ++at;
    number.fraction_digits = digits();
    bad = number.fraction_digits == 0;
  }
  if (!bad && at < end_ && (*at == 'e' || *at == 'E')) {
    ++at;
    if (at < end_ && (*at == '+' || *at == '-')) ++at;
    number.has_exponent = true;
    bad = digits() == 0;
  }
  if (bad || (at < end_ && is_word(*at))) {
    while (at < end_ && is_word(*at)) ++at;
    return invalid_token(from, at);
  }
  number.text = {from, static_cast<size_t>(at - from)};
  at_ = at;
  return append_json_number(number, out_);
}

bool Parser::literal(std::string_view word) {
  if (static_cast<size_t>(end_ - at_) < word.size() || std::string_view(at_, word.size()) != word)
    return false;
  if (at_ + word.size() < end_ && is_word(at_[word.size()])) return false;
  at_ += word.size();
  return true;
}

Status Parser::run() {
  enum class Next { kValue, kValueOrClose, kKey, kKeyOrClose, kAfterValue } next = Next::kValue;
  for (;;) {
    if (pacer_.step(8)) return check_interrupt();
    at_ = skip_space(at_, end_);
    switch (next) {
      case Next::kValueOrClose:
        if (at_ < end_ && *at_ == ']') {
          close();
          next = Next::kAfterValue;
          break;
        }
        [[fallthrough]];
      case Next::kValue: {
        const char c = at_ < end_ ? *at_ : '\0';
        if (c == '"') {
          RETURN_IF_ERROR(string());
          next = Next::kAfterValue;
        } else if (c == '{' || c == '[') {
          RETURN_IF_ERROR(open(c == '{'));
          next = c == '{' ? Next::kKeyOrClose : Next::kValueOrClose;
        } else if (c == '-' || is_digit(c)) {
          RETURN_IF_ERROR(number());
          next = Next::kAfterValue;
        } else if (c == 't' && literal("true")) {
          writer_.boolean(true);
          next = Next::kAfterValue;
        } else if (c == 'f' && literal("false")) {
          writer_.boolean(false);
          next = Next::kAfterValue;
        } else if (c == 'n' && literal("null")) {
          writer_.nil();
          next = Next::kAfterValue;
        } else {
          return expected("JSON value");
        }
        break;
      }
      case Next::kKeyOrClose:
        if (at_ < end_ && *at_ == '}') {
          close();
          next = Next::kAfterValue;
          break;
        }
        [[fallthrough]];
      case Next::kKey:
        if (at_ >= end_ || *at_ != '"')
          return expected(next == Next::kKeyOrClose ? "string or \"}\"" : "string");
        RETURN_IF_ERROR(string());
        at_ = skip_space(at_, end_);
        if (at_ >= end_ || *at_ != ':') return expected("\":\"");
        ++at_;
        next = Next::kValue;
        break;
      case Next::kAfterValue: {
        if (depth_ == 0) {
          if (at_ == end_) return Status();
          return expected("end of input");
        }
        Container& container = stack_[depth_ - 1];
        ++container.count;
        const char c = at_ < end_ ? *at_ : '\0';
        if (c == ',') {
          ++at_;
          next = container.is_map ? Next::kKey : Next::kValue;
        } else if (c == (container.is_map ? '}' : ']')) {
          close();
        } else {
          return expected(container.is_map ? "\",\" or \"}\"" : "\",\" or \"]\"");
        }
        break;
      }
    }
  }
}

Status parse(std::string_view json, const JsonLimits& limits, bool keeps_text, std::string& out) {
  const size_t start = out.size();
  if (json.size() > UINT32_MAX)
    return Status(sqlstate::kProgramLimitExceeded, "JSON text is longer than 4 GB");
  out.reserve(start + json.size() + 16);
  Parser parser(json, limits, keeps_text, out);
  Status status = parser.run();
  if (status.ok() && out.size() - start > limits.max_bytes)
    status = Status(sqlstate::kProgramLimitExceeded,
                    "JSON value takes " + std::to_string(out.size() - start) +
                        " bytes, at most " + std::to_string(limits.max_bytes) + " are allowed");
  if (!status.ok()) out.resize(start);
  return status;
}

}  // namespace

Status append_msgpack_from_json(std::string_view json, const JsonLimits& limits, std::string& out) {
  return parse(json, limits, false, out);
}

Status check_json(std::string_view json, const JsonLimits& limits) {
  std::string scratch;
  return parse(json, limits, true, scratch);
}

}  // namespace eventd::engine
