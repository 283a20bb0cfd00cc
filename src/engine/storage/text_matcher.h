// One predicate over strings, compiled.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/scan/relation.h"

namespace eventd::engine {

/// C collation, or ASCII case-insensitive for equality, prefix and glob. Immutable, thread-safe.
class TextMatcher {
 public:
  /// True when a predicate with this operator and these values can be compiled. kIsNull and
  /// kIsNotNull are not for here.
  static bool supports(const ScanPredicate& predicate);
  /// REQUIRES: supports(predicate).
  explicit TextMatcher(const ScanPredicate& predicate);
  bool matches(std::string_view text) const;

 private:
  bool glob(std::string_view text) const;
  ScanPredicate::Op op_;
  bool ignore_case_;
  std::vector<std::string> values_;  // kIn: sorted; lower case if ignore_case_
  std::vector<std::string> parts_;   // of a glob, between its `*`
};

}  // namespace eventd::engine
