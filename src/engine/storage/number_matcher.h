// One predicate over numbers that stand in text, compiled.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/scan/relation.h"

namespace eventd::engine {

/// What a predicate on ScanColumn::Extract::kNumber lets pass: every text whose cast satisfies it or
/// may be refused, and of the others most not. Immutable, thread-safe.
class NumberMatcher {
 public:
  /// True for comparisons (not `<>`) and IN of int8 and finite float8 values.
  static bool supports(const ScanPredicate& predicate);
  /// REQUIRES: supports(predicate).
  explicit NumberMatcher(const ScanPredicate& predicate);
  bool may_match(std::string_view text) const;

 private:
  bool matches_integer(int64_t value) const;
  bool may_match_float(double value) const;

  ScanPredicate::Op op_;
  bool integers_ = true;            ///< cast to an integer type, compared with int8 values
  int64_t smallest_ = 0, largest_ = 0;  ///< of the integer type
  std::vector<int64_t> exact_;      ///< sorted; with integers_
  std::vector<double> values_;      ///< sorted; without
};

}  // namespace eventd::engine
