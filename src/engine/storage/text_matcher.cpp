#include "engine/storage/text_matcher.h"

#include <algorithm>

namespace eventd::engine {
namespace {

using Op = ScanPredicate::Op;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

}  // namespace

bool TextMatcher::supports(const ScanPredicate& predicate) {
  for (const Datum& value : predicate.values) {
    if (!std::holds_alternative<std::string>(value.value())) return false;
  }
  switch (predicate.op) {
    case Op::kEq:
    case Op::kNotEq:
    case Op::kStartsWith:
    case Op::kGlob: return predicate.values.size() == 1;
    case Op::kLess:
    case Op::kLessEq:
    case Op::kGreater:
    case Op::kGreaterEq: return predicate.values.size() == 1 && !predicate.ignore_case;
    case Op::kIn: return true;
    case Op::kIsNull:
    case Op::kIsNotNull: return false;
  }
  return false;
}

TextMatcher::TextMatcher(const ScanPredicate& predicate)
    : op_(predicate.op), ignore_case_(predicate.ignore_case) {
  for (const Datum& value : predicate.values) {
    values_.push_back(ignore_case_ ? lowered(value.bytes()) : std::string(value.bytes()));
  }
  if (op_ == Op::kIn) std::sort(values_.begin(), values_.end());
  if (op_ == Op::kGlob) {
    std::string_view pattern = values_[0];
    for (size_t star; (star = pattern.find('*')) != std::string_view::npos;) {
      parts_.emplace_back(pattern.substr(0, star));
      pattern.remove_prefix(star + 1);
    }
    parts_.emplace_back(pattern);
  }
}

bool TextMatcher::matches(std::string_view text) const {
  std::string folded;
  if (ignore_case_) {
    folded = lowered(text);
    text = folded;
  }
  switch (op_) {
    case Op::kEq: return text == values_[0];
    case Op::kNotEq: return text != values_[0];
    case Op::kLess: return text < values_[0];
    case Op::kLessEq: return text <= values_[0];
    case Op::kGreater: return text > values_[0];
    case Op::kGreaterEq: return text >= values_[0];
    case Op::kIn: return std::binary_search(values_.begin(), values_.end(), text, std::less<>{});
    case Op::kStartsWith: return text.starts_with(values_[0]);
    case Op::kGlob: return glob(text);
    case Op::kIsNull:
    case Op::kIsNotNull: return false;
  }
  return false;
}

// First and last part are anchored; those between are found leftmost, which never misses a match.
bool TextMatcher::glob(std::string_view text) const {
  if (parts_.size() == 1) return text == parts_[0];
  if (!text.starts_with(parts_.front())) return false;
  text.remove_prefix(parts_.front().size());
  if (!text.ends_with(parts_.back())) return false;
  text.remove_suffix(parts_.back().size());
  for (size_t i = 1; i + 1 < parts_.size(); ++i) {
    const size_t at = text.find(parts_[i]);
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + parts_[i].size());
  }
  return true;
}

}  // namespace eventd::engine
