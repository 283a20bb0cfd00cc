#include "engine/functions/json_text.h"

#include "engine/functions/text_helpers.h"
#include "engine/payload/json_scanner.h"

namespace eventd::engine {
namespace {

using json_scanner::is_json_space;

/// Steps through one text whose grammar has been checked.
class JsonWalker {
 public:
  explicit JsonWalker(std::string_view text) : text_(text) {}
  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  void step() { ++at_; }
  void skip_space() {
    while (!at_end() && is_json_space(text_[at_])) ++at_;
  }
  std::string_view string() {
    const size_t begin = at_++;
    while (!at_end() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    at_ = std::min(at_ + 1, text_.size());
    return text_.substr(begin, at_ - begin);
  }
  /// One value of any kind.
  std::string_view value() {
    const size_t begin = at_;
    int depth = 0;
    do {
      const char c = peek();
      if (c == '"') {
        string();
      } else if (c == '{' || c == '[') {
        ++depth;
        ++at_;
      } else if (c == '}' || c == ']') {
        --depth;
        ++at_;
      } else if (depth == 0) {
        while (!at_end() && peek() != ',' && peek() != '}' && peek() != ']' && !is_json_space(peek())) ++at_;
      } else {
        ++at_;
      }
    } while (depth > 0 && !at_end());
    return text_.substr(begin, at_ - begin);
  }

 private:
  const std::string_view text_;
  size_t at_ = 0;
};

uint32_t hex4(std::string_view text) {
  uint32_t code = 0;
  for (const char c : text.substr(0, 4)) {
    const char low = ascii_lower(c);
    code = code << 4 | static_cast<uint32_t>(low >= 'a' ? low - 'a' + 10 : low - '0');
  }
  return code;
}

}  // namespace

std::string_view trim_json(std::string_view text) {
  while (!text.empty() && is_json_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_json_space(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> json_elements(std::string_view text) {
  std::vector<std::string_view> elements;
  JsonWalker walker(text);
  walker.step();
  for (;;) {
    walker.skip_space();
    if (walker.at_end() || walker.peek() == ']') return elements;
    elements.push_back(walker.value());
    walker.skip_space();
    if (walker.peek() == ',') walker.step();
  }
}

std::vector<JsonMember> json_members(std::string_view text) {
  std::vector<JsonMember> members;
  JsonWalker walker(text);
  walker.step();
  for (;;) {
    walker.skip_space();
    if (walker.at_end() || walker.peek() == '}') return members;
    JsonMember member;
    member.key = walker.string();
    walker.skip_space();
    walker.step();  // :
    walker.skip_space();
    member.value = walker.value();
    members.push_back(member);
    walker.skip_space();
    if (walker.peek() == ',') walker.step();
  }
}

bool append_json_unescaped(std::string_view literal, std::string& out) {
  if (literal.size() < 2) return true;
  const std::string_view text = literal.substr(1, literal.size() - 2);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 >= text.size()) {
      out.push_back(text[i]);
      continue;
    }
    switch (text[++i]) {
      case 'b': out.push_back('\b'); break;
      case 'f': out.push_back('\f'); break;
      case 'n': out.push_back('\n'); break;
      case 'r': out.push_back('\r'); break;
      case 't': out.push_back('\t'); break;
      case 'u': {
        uint32_t code = hex4(text.substr(i + 1));
        i += 4;
        if (code == 0) return false;
        if (code >= 0xd800 && code < 0xdc00 && i + 6 < text.size()) {
          code = 0x10000 + ((code - 0xd800) << 10) + (hex4(text.substr(i + 3)) - 0xdc00);
          i += 6;
        }
        append_utf8(std::min(code, uint32_t{0x10ffff}), out);
        break;
      }
      default: out.push_back(text[i]);
    }
  }
  return true;
}

std::string_view json_type_name(std::string_view text) {
  const std::string_view value = trim_json(text);
  switch (value.empty() ? '\0' : value.front()) {
    case '{': return "object";
    case '[': return "array";
    case '"': return "string";
    case 't':
    case 'f': return "boolean";
    case 'n': return "null";
    default: return "number";
  }
}

std::optional<std::string> json_scalar_text(std::string_view text) {
  const std::string_view value = trim_json(text);
  if (value == "null") return std::nullopt;
  std::string out;
  if (!value.starts_with('"')) out = value;
  else append_json_unescaped(value, out);
  return out;
}

}  // namespace eventd::engine
