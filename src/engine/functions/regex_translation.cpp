#include "engine/functions/regex_translation.h"

#include <re2/re2.h>

#include <algorithm>

#include "engine/functions/text_helpers.h"

namespace eventd::engine {
namespace {

Status unsupported(const char* construct) {
  return Status(sqlstate::kFeatureNotSupported,
                std::string(construct) + " in regular expressions is not supported");
}

Status invalid(const char* reason) {
  return Status(sqlstate::kInvalidRegularExpression,
                std::string("invalid regular expression: ") + reason);
}

Status no_option(char letter) {
  return Status(sqlstate::kInvalidParameterValue,
                std::string("invalid regular expression option: \"") + letter + "\"");
}

Status apply_letter(char letter, RegexFlags& flags) {
  switch (letter) {
    case 'g': flags.global = true; return Status();
    case 'i': flags.ignore_case = true; return Status();
    case 'c': flags.ignore_case = false; return Status();
    case 'q': flags.literal = true; return Status();
    case 'm':
    case 'n': flags.dot_stops_at_newline = flags.lines = true; return Status();
    case 'p':
      flags.dot_stops_at_newline = true;
      flags.lines = false;
      return Status();
    case 'w':
      flags.lines = true;
      flags.dot_stops_at_newline = false;
      return Status();
    case 's': flags.dot_stops_at_newline = flags.lines = false; return Status();
    case 't': return Status();  // tight syntax, the default
    case 'b':
    case 'e': return unsupported("basic or extended syntax (options b, e)");
    case 'x': return unsupported("expanded syntax (option x)");
    default: return no_option(letter);
  }
}

bool is_ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// `[aA]` for a letter, which RE2 knows how to search for; anything else as it is.
void append_either_case(char c, std::string& out) {
  if (!is_ascii_letter(c)) {
    out += c;
    return;
  }
  out += {'[', c, static_cast<char>(c ^ 0x20), ']'};
}

/// `rest` of a bracket expression begins with `x-y`, both written as themselves.
bool is_plain_range(std::string_view rest) {
  return rest.size() > 3 && rest[1] == '-' && rest[2] != ']' && rest[2] != '[' && rest[2] != '\\';
}

bool is_class_name(std::string_view name) {
  for (const std::string_view known : {"alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print",
                                       "punct", "space", "upper", "word", "xdigit"})
    if (name == known) return true;
  return false;
}

/// Walks the pattern once and writes RE2 syntax.
class Translator {
 public:
  Translator(std::string_view pattern, TranslatedRegex& out)
      : pattern_(pattern), out_(out.pattern), result_(out) {}

  Status run() {
    while (at_ < pattern_.size()) {
      const char c = pattern_[at_];
      switch (c) {
        case '\\': RETURN_IF_ERROR(escape()); break;
        case '[': RETURN_IF_ERROR(bracket()); break;
        case '(': RETURN_IF_ERROR(group()); break;
        case '*':
        case '+':
        case '?':
          out_ += c;
          ++at_;
          greediness();
          break;
        case '{': RETURN_IF_ERROR(bound()); break;
        default:
          literal(c);
          ++at_;
          if ((c == '^' || c == '$') && at_quantifier()) return invalid("quantifier operand invalid");
      }
    }
    result_.mixed_greediness = greedy_ && result_.non_greedy && !pattern_.ends_with('$');
    return Status();
  }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

  bool at_quantifier() const {
    if (at_ >= pattern_.size()) return false;
    const char c = pattern_[at_];
    return c == '*' || c == '+' || c == '?' || (c == '{' && at_ + 1 < pattern_.size() && is_digit(pattern_[at_ + 1]));
  }

  /// After a quantifier of variable length: a `?` makes it non-greedy.
  void greediness() {
    if (at_ < pattern_.size() && pattern_[at_] == '?') {
      result_.non_greedy = true;
      out_ += '?';
      ++at_;
    } else {
      greedy_ = true;
    }
  }

  /// {m}, {m,} or {m,n} with numbers up to 255; a `{` before anything but a digit is itself.
  Status bound() {
    constexpr int kMax = 255;
    size_t at = at_ + 1;
    if (at >= pattern_.size() || !is_digit(pattern_[at])) {
      out_ += "\\{";
      ++at_;
      return Status();
    }
    const auto number = [&] {
      int value = 0;
      for (; at < pattern_.size() && is_digit(pattern_[at]); ++at)
        value = std::min(value * 10 + (pattern_[at] - '0'), kMax + 1);
      return value;
    };
    const int low = number();
    int high = low;
    if (at < pattern_.size() && pattern_[at] == ',') {
      ++at;
      high = at < pattern_.size() && is_digit(pattern_[at]) ? number() : kMax;
    }
    if (at >= pattern_.size()) return invalid("braces {} not balanced");
    if (pattern_[at] != '}' || low > kMax || high > kMax || low > high)
      return invalid("invalid repetition count(s)");
    out_ += pattern_.substr(at_, at + 1 - at_);
    at_ = at + 1;
    const bool was_greedy = greedy_;
    greediness();
    if (low == high) greedy_ = was_greedy;  // a fixed count is neither
    return Status();
  }

  Status group() {
    if (pattern_.substr(at_).starts_with("(?")) {
      const std::string_view rest = pattern_.substr(at_ + 2);
      if (rest.starts_with(':')) {
        out_ += "(?:";
        at_ += 3;
        return Status();
      }
      if (rest.starts_with('=') || rest.starts_with('!') || rest.starts_with("<=") ||
          rest.starts_with("<!"))
        return unsupported("look-around");
      return invalid("quantifier operand invalid");
    }
    out_ += '(';
    ++at_;
    ++groups_;
    return Status();
  }

  /// A character outside brackets. Only ASCII has case, as in PostgreSQL's C collation; RE2's own
  /// folding would be Unicode's.
  void literal(char c) {
    if (result_.flags.ignore_case) {
      append_either_case(c, out_);
    } else {
      out_ += c;
    }
  }

  /// Inside brackets: the letters from `low` to `high` in their other case.
  void other_case(char low, char high) {
    const auto add = [&](char first, char last, int distance) {
      const char from = std::max(low, first), to = std::min(high, last);
      if (from > to) return;
      out_ += static_cast<char>(from + distance);
      out_ += '-';
      out_ += static_cast<char>(to + distance);
    };
    if (!result_.flags.ignore_case || static_cast<uint8_t>(low) >= 0x80) return;
    add('a', 'z', 'A' - 'a');
    add('A', 'Z', 'a' - 'A');
  }

  void code(uint32_t value) {
    const char c = value < 0x80 ? static_cast<char>(value) : '\0';
    if (result_.flags.ignore_case && is_ascii_letter(c)) {
      if (!in_bracket_) return literal(c);
      other_case(c, c);
    }
    char buffer[16];
    std::snprintf(buffer, sizeof buffer, "\\x{%x}", value);
    out_ += buffer;
  }

  /// Exactly `digits` hexadecimal digits after the escape letter (all there are if 0).
  Status hexadecimal(size_t digits) {
    uint32_t value = 0;
    size_t count = 0;
    while (at_ < pattern_.size() && (digits == 0 || count < digits)) {
      const char c = ascii_lower(pattern_[at_]);
      const int digit = is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
      if (digit < 0) break;
      value = value << 4 | static_cast<uint32_t>(digit);
      if (value > 0x10ffff) return invalid("invalid escape \\ sequence");
      ++at_;
      ++count;
    }
    if (count == 0 || (digits != 0 && count != digits))
      return invalid("invalid escape \\ sequence");
    code(value);
    return Status();
  }

  Status escape() {
    if (++at_ >= pattern_.size()) return invalid("invalid escape \\ sequence");
    const char c = pattern_[at_++];
    switch (c) {
      case 'd':
      case 'D':
      case 'w':
      case 'W': out_ += {'\\', c}; return Status();
      case 's': out_ += "[[:space:]]"; return Status();
      case 'S': out_ += "[^[:space:]]"; return Status();
      case 'A': out_ += "\\A"; return Status();
      case 'Z': out_ += "\\z"; return Status();
      case 'y': out_ += "\\b"; return Status();
      case 'Y': out_ += "\\B"; return Status();
      case 'm':
      case 'M': return unsupported("the word-edge constraint \\m or \\M");
      default: break;
    }
    if (c >= '1' && c <= '9')
      return c - '0' > groups_ ? invalid("invalid backreference number") : unsupported("a back-reference");
    return character_escape(c);
  }

  /// Escapes that stand for one character, inside brackets too.
  Status character_escape(char c) {
    switch (c) {
      case 'a': code(7); return Status();
      case 'b': code(8); return Status();
      case 'B': out_ += "\\\\"; return Status();
      case 'e': code(27); return Status();
      case 'f': code(12); return Status();
      case 'n': code(10); return Status();
      case 'r': code(13); return Status();
      case 't': code(9); return Status();
      case 'v': code(11); return Status();
      case '0': code(0); return Status();
      case 'x': return hexadecimal(0);
      case 'u': return hexadecimal(4);
      case 'U': return hexadecimal(8);
      case 'c':
        if (at_ >= pattern_.size()) return invalid("invalid escape \\ sequence");
        code(static_cast<uint8_t>(pattern_[at_++]) & 31u);
        return Status();
      default: break;
    }
    const char lower = ascii_lower(c);
    if ((lower >= 'a' && lower <= 'z') || is_digit(c)) return invalid("invalid escape \\ sequence");
    out_ += {'\\', c};
    if (static_cast<uint8_t>(c) >= 0x80) out_.erase(out_.size() - 2, 1);
    return Status();
  }

  Status bracket() {
    if (pattern_.substr(at_).starts_with("[[:<:]]") || pattern_.substr(at_).starts_with("[[:>:]]"))
      return unsupported("the word-edge constraint [[:<:]] or [[:>:]]");
    in_bracket_ = true;
    out_ += '[';
    ++at_;
    if (at_ < pattern_.size() && pattern_[at_] == '^') {
      out_ += '^';
      ++at_;
      if (result_.flags.dot_stops_at_newline) out_ += "\\n";
    }
    for (bool first = true; at_ < pattern_.size(); first = false) {
      const char c = pattern_[at_];
      const std::string_view rest = pattern_.substr(at_);
      if (c == ']' && !first) {
        out_ += ']';
        ++at_;
        in_bracket_ = false;
        return Status();
      }
      if (rest.starts_with("[:")) {
        const size_t end = rest.find(":]");
        if (end == rest.npos) return invalid("brackets [] not balanced");
        const std::string_view name = rest.substr(0, end + 2);
        if (!is_class_name(name.substr(2, end - 2))) return invalid("invalid character class");
        const bool has_case = name == "[:upper:]" || name == "[:lower:]";
        out_ += has_case && result_.flags.ignore_case ? std::string_view("[:alpha:]") : name;
        at_ += end + 2;
      } else if (rest.starts_with("[.") || rest.starts_with("[=")) {
        return unsupported("a collating element");
      } else if (c == '\\') {
        if (++at_ >= pattern_.size()) return invalid("brackets [] not balanced");
        const char letter = pattern_[at_++];
        switch (letter) {
          case 'd': out_ += "[:digit:]"; break;
          case 's': out_ += "[:space:]"; break;
          case 'w': out_ += "[:alnum:]_"; break;
          default:
            if (result_.flags.ignore_case && (out_.ends_with('-') || rest.find("-") < 12)) {
              return unsupported("a range between escapes that ignores case");
            }
            RETURN_IF_ERROR(character_escape(letter));
        }
      } else {
        const bool range = is_plain_range(rest);
        const bool ends_in_ascii = range && static_cast<uint8_t>(rest[2]) < 0x80;
        other_case(c, !range ? c : ends_in_ascii ? rest[2] : '\x7f');
        if (c == '[' || c == ']') out_ += '\\';  // literal here, special to RE2
        const size_t taken = !range ? 1 : ends_in_ascii ? 3 : 2;
        out_ += rest.substr(0, taken);
        at_ += taken;
      }
    }
    return invalid("brackets [] not balanced");
  }

  const std::string_view pattern_;
  std::string& out_;
  TranslatedRegex& result_;
  size_t at_ = 0;
  bool greedy_ = false;
  int groups_ = 0;
  bool in_bracket_ = false;
};

}  // namespace

Result<RegexFlags> parse_regex_flags(std::string_view letters) {
  RegexFlags flags;
  // What is no option at all is said before what is not supported.
  for (const char letter : letters) {
    if (std::string_view("gicqmnpwstbex").find(letter) == letters.npos) return no_option(letter);
  }
  for (const char letter : letters) RETURN_IF_ERROR(apply_letter(letter, flags));
  return flags;
}

Result<TranslatedRegex> translate_regex(std::string_view pattern, RegexFlags flags) {
  if (pattern.starts_with("***:")) {
    pattern.remove_prefix(4);
  } else if (pattern.starts_with("***=")) {
    pattern.remove_prefix(4);
    flags.literal = true;
  }
  // Embedded options, only at the start: (?letters)
  if (!flags.literal && pattern.starts_with("(?") && pattern.size() > 2 &&
      ascii_lower(pattern[2]) >= 'a' && ascii_lower(pattern[2]) <= 'z') {
    const size_t end = pattern.find(')');
    if (end == pattern.npos) return invalid("parentheses () not balanced");
    for (const char letter : pattern.substr(2, end - 2)) {
      if (letter == 'g') return invalid("invalid embedded option");
      RETURN_IF_ERROR(apply_letter(letter, flags));
    }
    pattern.remove_prefix(end + 1);
  }
  TranslatedRegex result;
  result.flags = flags;
  if (flags.literal) {
    if (!flags.ignore_case) {
      result.pattern = RE2::QuoteMeta(re2::StringPiece(pattern.data(), pattern.size()));
      return result;
    }
    for (const char& c : pattern) {
      if (is_ascii_letter(c)) {
        append_either_case(c, result.pattern);
      } else if (static_cast<uint8_t>(c) >= 0x80) {
        result.pattern += c;
      } else {
        result.pattern += RE2::QuoteMeta(re2::StringPiece(&c, 1));
      }
    }
    return result;
  }
  RETURN_IF_ERROR(Translator(pattern, result).run());
  if (flags.lines) result.pattern.insert(0, "(?m)");
  return result;
}

Result<std::string> similar_to_regex(std::string_view pattern, std::string_view escape) {
  if (utf8_first_bytes(escape) != escape.size()) {
    return Status(Error{sqlstate::kInvalidEscapeSequence, "invalid escape string", {},
                        "Escape string must be empty or one character.", {}, 0});
  }
  std::string out = "^(?:";
  bool in_bracket = false, after_escape = false;
  while (!pattern.empty()) {
    const size_t size = utf8_first_bytes(pattern);
    const std::string_view character = pattern.substr(0, size);
    const char c = pattern.front();
    pattern.remove_prefix(size);
    if (after_escape) {
      if (c == '"' && !in_bracket) return unsupported("the separator of SIMILAR TO");
      out += '\\';
      out += character;
      after_escape = false;
    } else if (!escape.empty() && character == escape) {
      after_escape = true;
    } else if (in_bracket) {
      if (c == '\\') out += '\\';
      out += character;
      if (c == ']') in_bracket = false;
    } else if (c == '[') {
      out += c;
      in_bracket = true;
    } else if (c == '%') {
      out += ".*";
    } else if (c == '_') {
      out += '.';
    } else if (c == '(') {
      out += "(?:";
    } else {
      if (c == '\\' || c == '.' || c == '^' || c == '$') out += '\\';
      out += character;
    }
  }
  out += ")$";
  return out;
}

}  // namespace eventd::engine
