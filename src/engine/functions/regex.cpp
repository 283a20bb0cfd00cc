#include "engine/functions/regex.h"

namespace eventd::engine {
namespace {

/// Bytes of program and automata one expression may take.
constexpr int64_t kRegexMemoryBytes = 8 << 20;

const char* reason(RE2::ErrorCode code) {
  switch (code) {
    case RE2::ErrorMissingParen:
    case RE2::ErrorUnexpectedParen: return "parentheses () not balanced";
    case RE2::ErrorMissingBracket: return "brackets [] not balanced";
    case RE2::ErrorRepeatArgument:
    case RE2::ErrorRepeatOp: return "quantifier operand invalid";
    case RE2::ErrorRepeatSize: return "invalid repetition count(s)";
    case RE2::ErrorBadCharRange: return "invalid character range";
    case RE2::ErrorBadCharClass: return "invalid character class";
    default: return "invalid escape \\ sequence";
  }
}

Regex::Piece piece(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

Result<std::shared_ptr<const Regex>> Regex::compile(std::string_view pattern, RegexFlags flags) {
  ASSIGN_OR_RETURN(const TranslatedRegex translated, translate_regex(pattern, flags));
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kRegexMemoryBytes);
  options.set_dot_nl(!translated.flags.dot_stops_at_newline);
  // PostgreSQL takes the longest match, unless non-greedy quantifiers ask otherwise.
  options.set_longest_match(!translated.non_greedy);
  std::shared_ptr<Regex> regex(new Regex(translated.pattern, options, translated.flags.global));
  if (!regex->regex_.ok()) {
    if (regex->regex_.error_code() == RE2::ErrorPatternTooLarge)
      return {sqlstate::kProgramLimitExceeded, "regular expression is too complex"};
    return {sqlstate::kInvalidRegularExpression,
            std::string("invalid regular expression: ") + reason(regex->regex_.error_code())};
  }
  regex->mixed_greediness_ = translated.mixed_greediness;
  regex->group_count_ = regex->regex_.NumberOfCapturingGroups();
  return std::shared_ptr<const Regex>(std::move(regex));
}

Status Regex::check_extraction() const {
  if (!mixed_greediness_) return Status();
  return Status(sqlstate::kFeatureNotSupported,
                "mixing greedy and non-greedy quantifiers in regular expressions is not supported");
}

bool Regex::matches(std::string_view text) const {
  return regex_.Match(piece(text), 0, text.size(), RE2::UNANCHORED, nullptr, 0);
}

bool Regex::find(std::string_view text, size_t from, std::vector<Piece>& groups) const {
  groups.assign(static_cast<size_t>(group_count_) + 1, Piece());
  if (from > text.size()) return false;
  return regex_.Match(piece(text), from, text.size(), RE2::UNANCHORED, groups.data(),
                      static_cast<int>(groups.size()));
}

Result<const Regex*> RegexSource::row(uint32_t row) {
  if (frame_.state != nullptr) return static_cast<const Regex*>(frame_.state);
  const std::string_view pattern =
      frame_.arguments[pattern_index_].view<StringRef>()[row].view();
  std::string_view letters;
  if (flags_index_ >= 0)
    letters = frame_.arguments[static_cast<size_t>(flags_index_)].view<StringRef>()[row].view();
  if (compiled_ != nullptr && pattern == pattern_ && letters == letters_) return compiled_.get();
  ASSIGN_OR_RETURN(RegexFlags flags, parse_regex_flags(letters));
  flags.ignore_case |= base_.ignore_case;
  ASSIGN_OR_RETURN(compiled_, Regex::compile(pattern, flags));
  pattern_ = pattern;
  letters_ = letters;
  return compiled_.get();
}

}  // namespace eventd::engine
